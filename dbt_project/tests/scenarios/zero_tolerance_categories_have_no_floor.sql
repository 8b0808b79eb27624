{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'scn_tm28_direct_exposure'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- A floor on such a category hides exposure that has no acceptable size: the category must have a floor of exactly zero at any time.
with categories as (
  select distinct category_code
  from {{ ref('exposure_categories') }}
  where is_zero_tolerance
),

scenarios as (
  select scenario_id
  from {{ ref('scenarios') }}
  where scenario_id in ('TM28', 'TM29')
),

floors as (
  select scenario_id, replace(parameter_code, 'floor_usd.', '') as category_code, parameter_value
  from {{ ref('scenario_parameters') }}
  where parameter_code like 'floor_usd.%'
)

select scenarios.scenario_id, categories.category_code, floors.parameter_value
from categories
cross join scenarios
left join floors
  on floors.scenario_id = scenarios.scenario_id
  and floors.category_code = categories.category_code
where floors.parameter_value is null or floors.parameter_value <> 0
