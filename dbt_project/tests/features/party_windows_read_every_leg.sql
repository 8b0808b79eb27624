{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_party_day__activity'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: what days and windows of a party have counted is what its legs come to: of feat_party_day__activity,
-- feat_transfer__bands, feat_transfer__benford and feat_transfer__peers in one query.
{%- set bands = ['fiat_count_24h', 'fiat_amount_usd_24h', 'subthreshold_count_7d', 'subthreshold_amount_usd_7d', 'subthreshold_count_30d', 'subthreshold_amount_usd_30d'] %}
{%- set measures = ['day_in_count', 'day_out_count', 'day_in_amount_usd', 'day_out_amount_usd', 'digit_count_30d', 'peers_turnover_usd_30d'] + bands %}
with legs as (
  {{ legs_in_windows() }}
),

small as (
  {{ scenario_parameters('TM03', ['reporting_threshold_usd']) }}
),

weighed as (
  select
    legs.party_id,
    legs.direction_code,
    legs.rail_code,
    legs.amount,
    legs.amount_usd,
    coalesce(legs.amount_usd < small.reporting_threshold_usd, false) as is_small,
    {{ windows_over(rolling_ahead('legs.party_id', '30 days').replace('event_at', 'legs.event_at')) }} as party_windows_30d,
    {%- for name, length in [('24h', '24 hours'), ('7d', '7 days'), ('30d', '30 days')] %}
    {{ windows_over(rolling_ahead('legs.party_id, legs.direction_code', length).replace('event_at', 'legs.event_at')) }} as windows_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  from legs
  left join small
    on {{ on_scenario_parameters('legs', 'small') }}
),

expected as (
  select
    party_id,
    count(case when direction_code = 'in' then 1 end) as day_in_count,
    count(case when direction_code = 'out' then 1 end) as day_out_count,
    coalesce(sum(case when direction_code = 'in' then amount_usd end), 0) as day_in_amount_usd,
    coalesce(sum(case when direction_code = 'out' then amount_usd end), 0) as day_out_amount_usd,
    coalesce(sum(case when amount > 0 then party_windows_30d end), 0) as digit_count_30d,
    coalesce(sum(amount_usd * party_windows_30d), 0) as peers_turnover_usd_30d,
    coalesce(sum(case when rail_code = 'fiat' and amount_usd is not null then windows_24h end), 0) as fiat_count_24h,
    coalesce(sum(case when rail_code = 'fiat' then amount_usd * windows_24h end), 0) as fiat_amount_usd_24h,
    {%- for name in ['7d', '30d'] %}
    coalesce(sum(case when is_small then windows_{{ name }} end), 0) as subthreshold_count_{{ name }},
    coalesce(sum(case when is_small then amount_usd * windows_{{ name }} end), 0) as subthreshold_amount_usd_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  from weighed
  group by party_id
),

days as (
  select
    party_id,
    sum(in_count) as day_in_count,
    sum(out_count) as day_out_count,
    sum(in_amount_usd) as day_in_amount_usd,
    sum(out_amount_usd) as day_out_amount_usd
  from {{ ref('feat_party_day__activity') }}
  group by party_id
),

digits as (
  select party_id, sum(digit_count_30d) as digit_count_30d
  from {{ ref('feat_transfer__benford') }}
  group by party_id
),

peers as (
  select party_id, sum(turnover_usd_30d) as peers_turnover_usd_30d
  from {{ ref('feat_transfer__peers') }}
  group by party_id
),

bands as (
  select
    party_id,
    {%- for measure in bands %}
    sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ ref('feat_transfer__bands') }}
  group by party_id
),

found as (
  select
    days.party_id,
    {{ measures | join(', ') }}
  from days
  left join digits on digits.party_id = days.party_id
  left join peers on peers.party_id = days.party_id
  left join bands on bands.party_id = days.party_id
)

{{ differing_totals(['party_id'], measures) }}
