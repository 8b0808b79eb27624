with source as (
  {{ as_known('ofac', 'digital_currency_addresses', ['publication_date', 'ent_num', 'asset_code', 'address', 'mention_no']) | indent(2) }}
)

select
  ent_num,
  upper(trim(asset_code)) as ofac_asset_code,
  address,
  mention_no,
  publication_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
