with source as (
  {{ as_known('prices', 'hourly_rates', ['asset_code', 'rate_at'], content=['rate_usd']) | indent(2) }}
)

select
  upper(trim(asset_code)) as asset_code,
  rate_at,
  cast(rate_at as date) as rate_date,
  rate_usd,
  source,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
