with counted as (
  {{ scenario_counts(['scenario_id', 'scenario_version', 'product_code', 'outcome_code'], ['count(*) as leg_count']) }}
)

select
  scenario_id,
  max(scenario_version) as scenario_version,
  product_code,
  cast(sum(leg_count) as bigint) as leg_count,
  cast(sum(case when outcome_code in ('alerted', 'below_threshold') then leg_count else 0 end) as bigint) as evaluated_leg_count,
  cast(sum(case when outcome_code = 'alerted' then leg_count else 0 end) as bigint) as alerted_leg_count
from counted
group by scenario_id, product_code
