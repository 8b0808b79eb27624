with source as (
  {{ as_known('exchange', 'internal_transfers', ['internal_transfer_id'], content=['from_account_id', 'to_account_id', 'asset_code', 'amount', 'status_code', 'event_at']) | indent(2) }}
)

select
  internal_transfer_id,
  from_account_id,
  to_account_id,
  upper(trim(asset_code)) as asset_code,
  amount,
  status_code,
  event_at,
  cast(event_at as date) as event_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
