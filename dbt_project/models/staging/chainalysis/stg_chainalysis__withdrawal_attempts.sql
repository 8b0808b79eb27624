with source as (
  {{ as_known('chainalysis', 'withdrawal_attempts', ['external_id']) | indent(2) }}
)

select
  external_id,
  ledger_transfer_id as transfer_id,
  user_id,
  network,
  upper(trim(asset_code)) as asset_code,
  address,
  attempt_identifier,
  asset_amount,
  usd_amount as vendor_amount_usd,
  attempted_at,
  updated_at,
  direct_name,
  direct_category_id,
  direct_category,
  alert_level_code,
  alert_count,
  high_risk_address_count,
  network_organisation_count,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
