with source as (
  {{ as_known('chainalysis', 'alerts', ['external_id', 'alert_external_id'], content=['category_id', 'alert_amount_usd']) | indent(2) }}
)

select
  external_id,
  alert_external_id,
  alert_level_code,
  service,
  alert_amount_usd,
  exposure_type_code,
  category_id,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
