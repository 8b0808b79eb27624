{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_suppressions'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that a mistake in the seed fails the run but not before the accounting shows it
-- A suppression has an owner and somebody else who approved it, ends within a year (so that the customer is looked at again),
-- and never silences what is about sanctions or illicit funds: those are decided one by one.
select suppressions.suppression_id
from {{ ref('suppressions') }} as suppressions
left join {{ ref('scenarios') }} as scenarios
  on scenarios.scenario_id = suppressions.scenario_id
where suppressions.owner = suppressions.approver
  or suppressions.valid_to_date <= suppressions.valid_from_date
  or {{ days_between('suppressions.valid_from_date', 'suppressions.valid_to_date') }} > 366
  or coalesce(scenarios.typology, 'sanctions') in ('sanctions', 'illicit_exposure')
