{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'fct_red_flag_coverage'}}}) }}
-- A red flag that a scenario says it answers and that no catalogue has would be missing from the coverage matrix.
with answered as (
  select scenario_id, {{ split_to_rows('red_flags', ', ') }} as red_flag_id
  from {{ ref('scenarios') }}
)

select answered.scenario_id, answered.red_flag_id
from answered
left join {{ ref('red_flags') }} as red_flags
  on red_flags.red_flag_id = answered.red_flag_id
where red_flags.red_flag_id is null
