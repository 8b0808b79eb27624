{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__structuring'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: what the windows of a party, currency and direction have counted is what its legs in the band come to.
{%- set lengths = [('24h', '24 hours'), ('7d', '7 days')] %}
{%- set measures = ['leg_count', 'band_count', 'band_count_24h', 'band_amount_24h', 'band_count_7d', 'band_amount_7d'] %}
with legs as (
  {{ legs_in_windows() }}
),

parameters as (
  {{ scenario_parameters('TM01', ['reporting_threshold_amount', 'band_low_pct', 'band_high_pct']) }}
),

banded as (
  select
    legs.party_id,
    legs.asset_code,
    legs.direction_code,
    legs.event_at,
    case
      when legs.amount >= cast(parameters.reporting_threshold_amount as decimal(18,2)) * cast(parameters.band_low_pct as decimal(9,6))
        and legs.amount < cast(parameters.reporting_threshold_amount as decimal(18,2)) * cast(parameters.band_high_pct as decimal(9,6))
        then cast(legs.amount as decimal(28,8))
    end as band_amount
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  where legs.rail_code = 'fiat'
),

weighed as (
  select
    *,
    {%- for name, length in lengths %}
    {{ windows_over(rolling_ahead('party_id, asset_code, direction_code', length)) }} as windows_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  from banded
),

expected as (
  select
    party_id,
    asset_code,
    direction_code,
    count(*) as leg_count,
    {%- for name, _ in lengths %}
    coalesce(sum(case when band_amount is not null then windows_{{ name }} end), 0) as band_count_{{ name }},
    coalesce(sum(band_amount * windows_{{ name }}), 0) as band_amount_{{ name }},
    {%- endfor %}
    count(band_amount) as band_count
  from weighed
  group by party_id, asset_code, direction_code
),

found as (
  select
    party_id,
    asset_code,
    direction_code,
    count(*) as leg_count,
    {%- for name, _ in lengths %}
    sum(band_count_{{ name }}) as band_count_{{ name }},
    sum(band_amount_{{ name }}) as band_amount_{{ name }},
    {%- endfor %}
    count(case when is_in_band then 1 end) as band_count
  from {{ ref('feat_transfer__structuring') }}
  group by party_id, asset_code, direction_code
)

{{ differing_totals(['party_id', 'asset_code', 'direction_code'], measures) }}
