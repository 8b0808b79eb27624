with source as (
  {{ as_known('chainalysis', 'alert_states', ['alert_id'], content=['alert_status_code', 'alert_status_at']) | indent(2) }}
)

select
  alert_id,
  alert_status_code,
  alert_status_at,
  alert_type_code,
  alert_level_code,
  alert_amount_usd,
  exposure_type_code,
  category,
  service,
  rule,
  validity_code,
  user_id,
  transfer_reference,
  direction_code,
  upper(trim(asset_code)) as asset_code,
  created_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
