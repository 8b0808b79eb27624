select
  asset_code,
  rate_date,
  rate_at as valid_from_at,
  -- Until the next rate of the day or its end: a rate of the day before says nothing of this one.
  lead(rate_at, 1, cast({{ days_after('rate_date', '1') }} as timestamp)) over (
    partition by asset_code, rate_date order by rate_at
  ) as valid_to_at,
  rate_usd,
  source,
  first_known_at as known_at
from {{ ref('stg_prices__hourly_rates') }}
