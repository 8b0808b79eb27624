{#- Two vendors on the same address or transfer. Disagreement is kept as it is: nobody's word is overwritten by another's. -#}
with judgements as (
  select * from {{ ref('int_vendor_judgements') }}
)

select
  {{ md5_key(['one.subject_type_code', 'one.subject_id', 'one.vendor_code', 'other.vendor_code']) }} as comparison_id,
  one.subject_type_code,
  one.subject_id,
  one.vendor_code as vendor_1_code,
  other.vendor_code as vendor_2_code,
  one.vendor_level as vendor_1_level,
  other.vendor_level as vendor_2_level,
  one.level_code as level_1_code,
  other.level_code as level_2_code,
  one.level_rank = other.level_rank as is_agreed,
  abs(one.level_rank - other.level_rank) as levels_apart,
  greatest(one.known_at, other.known_at) as known_at
from judgements as one
inner join judgements as other
  on one.subject_type_code = other.subject_type_code
  and one.subject_id = other.subject_id
  and one.vendor_code < other.vendor_code
