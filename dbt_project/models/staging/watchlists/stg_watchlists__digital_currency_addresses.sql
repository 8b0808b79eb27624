with source as (
  {{ as_known('watchlists', 'digital_currency_addresses', ['list_code', 'published_at', 'entry_id', 'asset_code', 'address', 'mention_no']) | indent(2) }}
)

select
  list_code,
  published_at,
  entry_id,
  upper(trim(asset_code)) as list_asset_code,
  address,
  mention_no,
  is_overflow,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
