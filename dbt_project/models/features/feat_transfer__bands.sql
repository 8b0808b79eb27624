with travel_rule as (
  {{ scenario_parameters('TM02', ['travel_rule_threshold_usd', 'band_low_pct', 'band_high_pct']) }}
),

small as (
  {{ scenario_parameters('TM03', ['reporting_threshold_usd']) }}
),

low_value as (
  {{ scenario_parameters('TM04', ['band_low_usd', 'band_high_usd']) }}
),

legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'asset_code', 'segment_code', 'jurisdiction_code', 'amount_usd', 'event_at', 'event_date', 'rail_code']) }}
),

banded as (
  select
    legs.*,
    cast(cast(travel_rule.travel_rule_threshold_usd as decimal(20,2)) * cast(travel_rule.band_low_pct as decimal(9,6)) as decimal(28,8)) as travel_rule_low_usd,
    cast(cast(travel_rule.travel_rule_threshold_usd as decimal(20,2)) * cast(travel_rule.band_high_pct as decimal(9,6)) as decimal(28,8)) as travel_rule_high_usd,
    small.reporting_threshold_usd,
    low_value.band_low_usd as low_value_low_usd,
    low_value.band_high_usd as low_value_high_usd
  from legs
  left join travel_rule
    on {{ on_scenario_parameters('legs', 'travel_rule') }}
  left join small
    on {{ on_scenario_parameters('legs', 'small') }}
  left join low_value
    on {{ on_scenario_parameters('legs', 'low_value') }}
),

flagged as (
  select
    *,
    coalesce(rail_code = 'crypto' and amount_usd >= travel_rule_low_usd and amount_usd < travel_rule_high_usd, false) as is_travel_rule,
    coalesce(amount_usd < reporting_threshold_usd, false) as is_subthreshold,
    coalesce(amount_usd >= low_value_low_usd and amount_usd < low_value_high_usd, false) as is_low_value
  from banded
),

counted as (
  select
    *,
    {%- for band in ['travel_rule', 'subthreshold', 'low_value'] %}
    case when is_{{ band }} then 1 end as {{ band }}_one,
    case when is_{{ band }} then amount_usd end as {{ band }}_usd,
    {%- endfor %}
    case when rail_code = 'fiat' and amount_usd is not null then 1 end as fiat_one,
    case when rail_code = 'fiat' then amount_usd end as fiat_usd
  from flagged
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  travel_rule_low_usd,
  travel_rule_high_usd,
  is_travel_rule as is_in_travel_rule_band,
  is_subthreshold,
  is_low_value as is_in_low_value_band,
  {%- for band, windows in [
    ('travel_rule', [('24h', '24 hours'), ('7d', '7 days')]),
    ('low_value', [('24h', '24 hours'), ('7d', '7 days')]),
    ('subthreshold', [('7d', '7 days'), ('30d', '30 days')]),
    ('fiat', [('24h', '24 hours')]),
  ] %}
  {%- for name, length in windows %}
  count({{ band }}_one) over ({{ rolling('party_id, direction_code', length) }}) as {{ band }}_count_{{ name }},
  cast(coalesce(sum({{ band }}_usd) over ({{ rolling('party_id, direction_code', length) }}), 0) as decimal(38,2)) as {{ band }}_amount_usd_{{ name }},
  {%- endfor %}
  {%- endfor %}
  max(amount_usd) over ({{ rolling('party_id, direction_code', '7 days') }}) as largest_usd_7d,
  max(amount_usd) over ({{ rolling('party_id, direction_code', '30 days') }}) as largest_usd_30d,
  max(fiat_usd) over ({{ rolling('party_id, direction_code', '24 hours') }}) as fiat_largest_usd_24h
from counted
