{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_alerts'}}}) }}
-- depends_on: {{ ref("fct_alerts") }}, so that a mistake in the seed fails the run but not before the accounting shows it
-- Whoever owns a number does not approve it, and a number holds for at least a day.
select parameter_id
from {{ ref('scenario_parameters') }}
where owner = approver or valid_to_date <= valid_from_date
