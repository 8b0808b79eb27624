{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_alerts'}}}) }}
-- An alerted leg that no alert of the ledger covers would be seen by nobody.
select episodes.alert_id
from {{ ref('int_alert_episodes') }} as episodes
left join {{ ref('fct_alerts') }} as alerts
  on alerts.alert_id = episodes.alert_id
group by episodes.alert_id, alerts.alert_id
having alerts.alert_id is null or count(case when episodes.is_trigger then 1 end) <> 1
