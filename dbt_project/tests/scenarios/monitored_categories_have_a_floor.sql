{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'scn_tm28_direct_exposure'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Every category of medium severity or worse needs a floor that somebody chose; without one TM28 and TM29 could not judge its exposures.
select distinct scenarios.scenario_id, categories.category_code
from {{ ref('exposure_categories') }} as categories
inner join {{ ref('scenarios') }} as scenarios
  on scenarios.scenario_id in ('TM28', 'TM29')
left join {{ ref('scenario_parameters') }} as floors
  on floors.scenario_id = scenarios.scenario_id
  and floors.parameter_code = 'floor_usd.' || categories.category_code
where categories.severity_code in ('severe', 'high', 'medium')
  and floors.parameter_id is null
