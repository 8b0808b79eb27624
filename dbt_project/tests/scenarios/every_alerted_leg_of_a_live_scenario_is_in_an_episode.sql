{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'int_alert_episodes'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- A leg that alerted, is not suppressed and belongs to no episode would be counted as alerted and never reach an investigator.
with alerted as (
  select scenario_id, leg_id
  from (
    {{ scenario_rows(['scenario_id', 'leg_id', 'outcome_code']) }}
  ) as scenario_rows
  where outcome_code = 'alerted'
)

select alerted.scenario_id, alerted.leg_id
from alerted
inner join {{ ref('scenarios') }} as scenarios
  on scenarios.scenario_id = alerted.scenario_id
  and scenarios.mode_code = 'live'
left join {{ ref('int_alert_episodes') }} as episodes
  on episodes.scenario_id = alerted.scenario_id
  and episodes.leg_id = alerted.leg_id
left join {{ ref('int_suppressed_legs') }} as suppressed
  on suppressed.scenario_id = alerted.scenario_id
  and suppressed.leg_id = alerted.leg_id
where episodes.leg_id is null and suppressed.leg_id is null
