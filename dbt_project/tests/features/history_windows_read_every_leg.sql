{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__history'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: what the history of a party has counted is what its legs come to, and a party was last active when its last
-- completed leg before the row says so, else when its accounts say.
{%- set measures = ['leg_count', 'history_count_90d', 'history_amount_usd_90d', 'active_before_count', 'quiet_seconds'] %}
with legs as (
  {{ legs_in_windows() }}
),

weighed as (
  select
    *,
    {{ windows_over(rolling_after('party_id', 90)) }} as windows_90d
  from legs
),

activity as (
  select
    leg_id,
    max(event_at) over (
      partition by party_id order by event_at range between unbounded preceding and interval 1 microseconds preceding
    ) as last_leg_at
  from {{ ref('int_transfer_legs') }}
  where status_code = 'completed' and party_id is not null
),

stated as (
  select party_id, max(last_activity_at) as last_activity_at
  from {{ ref('int_transfer_legs') }}
  where party_id is not null
  group by party_id
),

quiet as (
  select
    weighed.*,
    case
      when activity.last_leg_at is not null then {{ seconds_between('activity.last_leg_at', 'weighed.event_at') }}
      when stated.last_activity_at < weighed.event_at then {{ seconds_between('stated.last_activity_at', 'weighed.event_at') }}
    end as quiet_seconds
  from weighed
  left join activity
    on activity.leg_id = weighed.leg_id
  left join stated
    on stated.party_id = weighed.party_id
),

expected as (
  select
    party_id,
    count(*) as leg_count,
    coalesce(sum(case when amount_usd is not null then windows_90d end), 0) as history_count_90d,
    coalesce(sum(amount_usd * windows_90d), 0) as history_amount_usd_90d,
    count(quiet_seconds) as active_before_count,
    coalesce(sum(quiet_seconds), 0) as quiet_seconds
  from quiet
  group by party_id
),

found as (
  select
    party_id,
    count(*) as leg_count,
    sum(history_count_90d) as history_count_90d,
    sum(history_amount_usd_90d) as history_amount_usd_90d,
    count(previous_activity_at) as active_before_count,
    coalesce(sum({{ seconds_between('previous_activity_at', 'event_at') }}), 0) as quiet_seconds
  from {{ ref('feat_transfer__history') }}
  group by party_id
)

{{ differing_totals(['party_id'], measures) }}
