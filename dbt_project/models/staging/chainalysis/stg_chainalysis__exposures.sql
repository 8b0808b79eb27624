with source as (
  {{ as_known('chainalysis', 'exposures', ['external_id'], content=['direct_category_id']) | indent(2) }}
)

select
  external_id,
  direct_name,
  direct_category_id,
  direct_category,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
