{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'scn_tm28_direct_exposure'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Every category of medium severity or worse needs a floor that somebody chose; without one TM28 could not judge its exposures.
select distinct categories.category_code
from {{ ref('exposure_categories') }} as categories
where categories.severity_code in ('severe', 'high', 'medium')
  and categories.category_code not in (
    select replace(parameter_code, 'floor_usd.', '')
    from {{ ref('scenario_parameters') }}
    where scenario_id = 'TM28' and parameter_code like 'floor_usd.%'
  )
