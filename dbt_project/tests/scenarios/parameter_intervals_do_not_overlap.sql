{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_alerts'}}}) }}
-- depends_on: {{ ref("fct_alerts") }}, so that a mistake in the seed fails the run but not before the accounting shows it
-- Two rows of the same parameter and the same context must never hold on the same day: which one was used would be chance.
select earlier.parameter_id, later.parameter_id as overlapping_parameter_id
from {{ ref('scenario_parameters') }} as earlier
inner join {{ ref('scenario_parameters') }} as later
  on later.scenario_id = earlier.scenario_id
  and later.parameter_code = earlier.parameter_code
  and later.segment_code = earlier.segment_code
  and later.jurisdiction_code = earlier.jurisdiction_code
  and later.ccy_code = earlier.ccy_code
  and later.parameter_id <> earlier.parameter_id
  and later.valid_from_date >= earlier.valid_from_date
where later.valid_from_date < coalesce(earlier.valid_to_date, date '9999-12-31')
