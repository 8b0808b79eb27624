{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_scenario_outcomes'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- A scenario that failed on a transfer has not looked at it.
select *
from {{ ref('fct_scenario_outcomes') }}
where outcome_code = 'errored'
