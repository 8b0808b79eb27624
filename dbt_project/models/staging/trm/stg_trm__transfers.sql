with source as (
  {{ as_known('trm', 'transfers', ['ledger_transfer_id'], content=['screen_status_code']) | indent(2) }}
)

select
  screening_id,
  transfer_uuid,
  ledger_transfer_id as transfer_id,
  chain_code,
  upper(trim(asset_code)) as asset_code,
  asset_amount,
  cast(fiat_value_usd as decimal(18,2)) as vendor_amount_usd,
  onchain_reference,
  submitted_at,
  screen_status_code,
  screen_status_failed_reason,
  risk_score_level_code,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
