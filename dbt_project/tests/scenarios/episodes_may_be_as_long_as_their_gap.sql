{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_alerts'}}}) }}
-- depends_on: {{ ref("fct_alerts") }}, so that a mistake in the seed fails the run but not before the accounting shows it
-- An episode that must be shorter than the gap that ends it would be one leg long: an alert for each leg.
select scenario_id
from {{ ref('scenarios') }}
where max_episode_hours < episode_gap_hours
