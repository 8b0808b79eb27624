with source as (
  {{ as_known('chainalysis', 'address_exposures', ['screening_id', 'member_no']) | indent(2) }}
)

select
  screening_id,
  address,
  product_code,
  member_code,
  member_no,
  category,
  name,
  description,
  value_usd,
  exposure_type_code,
  direction_code,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
