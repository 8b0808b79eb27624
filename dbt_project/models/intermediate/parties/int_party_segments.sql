select
  party_id,
  effective_from_at,
  effective_to_at,
  segment_code,
  rule_id
from {{ ref('int_party_segment_matches') }}
where match_no = 1
