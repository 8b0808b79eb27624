{{ config(meta={'owner': 'fcc-analytics@plumbline.example'}) }}
-- A scenario that failed on a transfer has not looked at it.
select *
from {{ ref('fct_scenario_outcomes') }}
where outcome_code = 'errored'
