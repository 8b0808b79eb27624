select
  asset_code,
  rate_date,
  rate_usd,
  source,
  first_known_at as known_at
from {{ ref('stg_prices__rates') }}
