with scenario_rows as (
  {{ scenario_rows(['scenario_id', 'scenario_version', 'leg_id', 'outcome_code']) }}
),

legs as (
  select
    leg_id,
    case when transfer_type_code in ('deposit', 'withdrawal') then rail_code || '_' || transfer_type_code else transfer_type_code end as product_code
  from {{ ref('int_transfer_legs') }}
)

select
  scenario_rows.scenario_id,
  max(scenario_rows.scenario_version) as scenario_version,
  legs.product_code,
  count(*) as leg_count,
  count(case when scenario_rows.outcome_code in ('alerted', 'below_threshold') then 1 end) as evaluated_leg_count,
  count(case when scenario_rows.outcome_code = 'alerted' then 1 end) as alerted_leg_count
from scenario_rows
inner join legs
  on legs.leg_id = scenario_rows.leg_id
group by scenario_rows.scenario_id, legs.product_code
