with source as (
  {{ as_known('exchange', 'withdrawals', ['withdrawal_id'], content=['account_id', 'asset_code', 'amount', 'status_code', 'event_at']) | indent(2) }}
)

select
  withdrawal_id,
  account_id,
  rail_code,
  upper(trim(asset_code)) as asset_code,
  amount,
  fee_amount,
  lower(trim(chain_code)) as chain_code,
  to_address,
  bad_checksums,
  {{ normalise_tx_hash("tx_hash") }} as tx_hash,
  beneficiary_account,
  bank_reference,
  status_code,
  event_at,
  cast(event_at as date) as event_date,
  ip_address,
  device_id,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
