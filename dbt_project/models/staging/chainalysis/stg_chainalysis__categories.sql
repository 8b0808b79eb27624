with source as (
  {{ as_known('chainalysis', 'categories', ['category_id']) | indent(2) }}
)

select
  category_id,
  category_name,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
