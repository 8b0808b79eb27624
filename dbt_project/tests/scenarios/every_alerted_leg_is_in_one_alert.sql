{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_alerts'}}}) }}
-- An alerted leg that no alert of the ledger covers would be seen by nobody, one that two cover would be worked twice.
select episodes.scenario_id, episodes.leg_id
from {{ ref('int_alert_episodes') }} as episodes
left join {{ ref('fct_alert_legs') }} as legs
  on legs.scenario_id = episodes.scenario_id
  and legs.leg_id = episodes.leg_id
left join {{ ref('fct_alerts') }} as alerts
  on alerts.alert_id = legs.alert_id
group by episodes.scenario_id, episodes.leg_id
having count(alerts.alert_id) <> 1
