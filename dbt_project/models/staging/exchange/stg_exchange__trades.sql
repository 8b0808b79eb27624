with source as (
  {{ as_known('exchange', 'trades', ['trade_id'], content=['account_id', 'base_asset_code', 'base_amount', 'event_at']) | indent(2) }}
)

select
  trade_id,
  account_id,
  side_code,
  upper(trim(base_asset_code)) as base_asset_code,
  upper(trim(quote_asset_code)) as quote_asset_code,
  base_amount,
  quote_amount,
  price,
  fee_amount,
  event_at,
  cast(event_at as date) as event_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
