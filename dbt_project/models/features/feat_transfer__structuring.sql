with parameters as (
  {{ scenario_parameters('TM01', ['reporting_threshold_amount', 'band_low_pct', 'band_high_pct']) }}
),

legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'asset_code', 'segment_code', 'jurisdiction_code', 'amount', 'event_at', 'event_date', 'rail_code']) }}
),

banded as (
  select
    legs.leg_id,
    legs.transfer_id,
    legs.party_id,
    legs.direction_code,
    legs.asset_code,
    cast(legs.amount as decimal(28,8)) as amount,
    legs.event_at,
    legs.event_date,
    cast(cast(parameters.reporting_threshold_amount as decimal(18,2)) * cast(parameters.band_low_pct as decimal(9,6)) as decimal(28,8)) as band_low_amount,
    cast(cast(parameters.reporting_threshold_amount as decimal(18,2)) * cast(parameters.band_high_pct as decimal(9,6)) as decimal(28,8)) as band_high_amount
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  where legs.rail_code = 'fiat'
),

flagged as (
  select
    *,
    coalesce(amount >= band_low_amount and amount < band_high_amount, false) as is_in_band
  from banded
),

counted as (
  select
    *,
    case when is_in_band then 1 end as band_one,
    case when is_in_band then amount end as band_amount
  from flagged
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  asset_code,
  event_at,
  event_date,
  cast(band_low_amount as decimal(28,8)) as band_low_amount,
  cast(band_high_amount as decimal(28,8)) as band_high_amount,
  is_in_band,
  {%- for name, length in [('24h', '24 hours'), ('7d', '7 days')] %}
  count(band_one) over ({{ rolling('party_id, asset_code, direction_code', length) }}) as band_count_{{ name }},
  cast(coalesce(sum(band_amount) over ({{ rolling('party_id, asset_code, direction_code', length) }}), 0) as decimal(38,8)) as band_amount_{{ name }}{% if not loop.last %},{% endif %}
  {%- endfor %}
from counted
