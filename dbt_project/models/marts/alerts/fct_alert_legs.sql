with legs as (
  select scenario_id, leg_id, transfer_id, finding_id, episode_id from {{ ref('int_alert_episodes') }}
),

alerts as (
  select alert_id, raised_as_of_at, triggered_at, finding_ids from {{ ref('fct_alerts') }}
),

recorded as (
  select alert_id, raised_as_of_at, triggered_at, {{ split_to_rows('finding_ids', ';') }} as finding_id
  from alerts
),

-- the earliest alert on any leg of an episode: what goes on in time after it was raised belongs to it
first_alerts as (
  select legs.episode_id, recorded.alert_id
  from legs
  inner join recorded
    on recorded.finding_id = legs.finding_id
  qualify row_number() over (
    partition by legs.episode_id order by recorded.raised_as_of_at, recorded.triggered_at, recorded.alert_id
  ) = 1
)

select
  legs.scenario_id,
  legs.leg_id,
  legs.transfer_id,
  coalesce(recorded.alert_id, first_alerts.alert_id) as alert_id,
  recorded.alert_id is not null as is_known_when_raised
from legs
left join recorded
  on recorded.finding_id = legs.finding_id
left join first_alerts
  on first_alerts.episode_id = legs.episode_id
