{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__flow'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: what the windows of a party have summed is what its legs come to. The time money was held is told from the next
-- outflow and the previous inflow at any distance.
{%- set measures = ['leg_count', 'inflow_usd', 'inflow_usd_24h', 'outflow_usd_24h', 'outflow_usd_next_24h', 'held_count', 'held_seconds'] %}
with legs as (
  {{ legs_in_windows() }}
),

weighed as (
  select
    *,
    {{ windows_over('partition by party_id, event_at') }} as windows_now,
    {{ windows_over(rolling_ahead('party_id', '24 hours')) }} as windows_24h,
    {{ windows_over(rolling('party_id', '24 hours')) }} as windows_next_24h,
    max(case when direction_code = 'in' then event_at end) over (
      partition by party_id order by event_at range between unbounded preceding and current row
    ) as previous_in_at,
    min(case when direction_code = 'out' then event_at end) over (
      partition by party_id order by event_at range between current row and unbounded following
    ) as next_out_at
  from legs
),

held as (
  select
    *,
    case
      when direction_code = 'in' and next_out_at <= event_at + interval 24 hours then {{ seconds_between('event_at', 'next_out_at') }}
      when direction_code = 'out' and previous_in_at >= event_at - interval 24 hours then {{ seconds_between('previous_in_at', 'event_at') }}
    end as seconds_held
  from weighed
),

expected as (
  select
    party_id,
    count(*) as leg_count,
    coalesce(sum(case when direction_code = 'in' then amount_usd * windows_now end), 0) as inflow_usd,
    coalesce(sum(case when direction_code = 'in' then amount_usd * windows_24h end), 0) as inflow_usd_24h,
    coalesce(sum(case when direction_code = 'out' then amount_usd * windows_24h end), 0) as outflow_usd_24h,
    coalesce(sum(case when direction_code = 'out' then amount_usd * windows_next_24h end), 0) as outflow_usd_next_24h,
    count(seconds_held) as held_count,
    coalesce(sum(seconds_held), 0) as held_seconds
  from held
  group by party_id
),

found as (
  select
    party_id,
    count(*) as leg_count,
    sum(inflow_usd) as inflow_usd,
    sum(inflow_usd_24h) as inflow_usd_24h,
    sum(outflow_usd_24h) as outflow_usd_24h,
    sum(outflow_usd_next_24h) as outflow_usd_next_24h,
    count(coalesce(holding_seconds_24h, holding_seconds_next_24h)) as held_count,
    coalesce(sum(coalesce(holding_seconds_24h, holding_seconds_next_24h)), 0) as held_seconds
  from {{ ref('feat_transfer__flow') }}
  group by party_id
)

{{ differing_totals(['party_id'], measures) }}
