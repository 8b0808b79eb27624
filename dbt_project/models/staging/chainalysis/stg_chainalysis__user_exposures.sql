with source as (
  {{ as_known('chainalysis', 'user_exposures', ['user_id', 'cluster_name', 'category_id'], content=['answer_json']) | indent(2) }}
)

select
  user_id,
  cluster_name,
  category_id,
  sent_direct_usd,
  sent_indirect_usd,
  received_direct_usd,
  received_indirect_usd,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
