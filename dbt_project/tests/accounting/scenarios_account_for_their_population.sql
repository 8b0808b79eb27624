{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_scenario_population'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: every transfer of the population was seen by every scenario or has a reason why not; a difference of one fails.
select *
from {{ ref('fct_scenario_population') }}
where unexplained_rows <> 0 or unexplained_asset_count <> 0
