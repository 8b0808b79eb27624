{{ config(meta={'owner': 'fcc-analytics@plumbline.example'}) }}
-- depends_on: {{ ref("scn_tm28_direct_exposure") }}, so that a mistake in the seed fails the run but not before the accounting shows it
-- Every category of medium severity or worse needs a floor that somebody chose; without one TM28 could not judge its exposures.
select distinct categories.category_code
from {{ ref('exposure_categories') }} as categories
where categories.severity_code in ('severe', 'high', 'medium')
  and categories.category_code not in (
    select replace(parameter_code, 'floor_usd.', '')
    from {{ ref('scenario_parameters') }}
    where scenario_id = 'TM28' and parameter_code like 'floor_usd.%'
  )
