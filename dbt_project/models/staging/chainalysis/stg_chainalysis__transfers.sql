with source as (
  {{ as_known('chainalysis', 'transfers', ['ledger_transfer_id'], content=['updated_at']) | indent(2) }}
)

select
  external_id,
  user_id,
  ledger_transfer_id as transfer_id,
  direction_code,
  network,
  upper(trim(asset_code)) as asset_code,
  transfer_reference,
  tx,
  idx,
  usd_amount as vendor_amount_usd,
  asset_amount,
  transfer_at,
  ledger_transfer_at,
  cast(ledger_transfer_at as date) as event_date,
  output_address,
  updated_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
