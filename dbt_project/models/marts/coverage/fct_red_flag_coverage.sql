with red_flags as (
  select * from {{ ref('red_flags') }}
),

decisions as (
  select * from {{ ref('red_flag_decisions') }}
),

scenarios as (
  select scenario_id, scenario_version, scenario_name, mode_code, owner, red_flags
  from {{ ref('scenarios') }}
),

answered as (
  select scenario_id, {{ split_to_rows('red_flags', ', ') }} as red_flag_id
  from scenarios
),

products as (
  select scenario_id, product_code, evaluated_leg_count, alerted_leg_count
  from {{ ref('int_scenario_products') }}
  where evaluated_leg_count > 0
),

covering as (
  select
    answered.red_flag_id,
    scenarios.scenario_id,
    scenarios.scenario_version,
    scenarios.scenario_name,
    scenarios.mode_code,
    scenarios.owner,
    products.product_code,
    products.evaluated_leg_count,
    products.alerted_leg_count
  from answered
  inner join scenarios
    on scenarios.scenario_id = answered.scenario_id
  left join products
    on products.scenario_id = scenarios.scenario_id
)

select
  {{ md5_key(['red_flags.red_flag_id', 'covering.scenario_id', 'covering.product_code']) }} as red_flag_coverage_id,
  red_flags.red_flag_id,
  red_flags.publisher_code,
  red_flags.section_code,
  red_flags.title,
  red_flags.verification_code,
  covering.scenario_id,
  covering.scenario_version,
  covering.scenario_name,
  covering.mode_code,
  covering.product_code,
  covering.evaluated_leg_count,
  covering.alerted_leg_count,
  case when covering.scenario_id is not null then 'pytest tests/unit/oracles -k ' || covering.scenario_id end as golden_tests,
  case
    when covering.mode_code = 'live' then 'covered'
    when decisions.decision_code is not null then decisions.decision_code
    when covering.mode_code = 'shadow' then 'in_trial'
    else 'open_gap'
  end as coverage_code,
  decisions.covered_by,
  decisions.reason,
  coalesce(covering.owner, decisions.owner) as owner,
  decisions.review_due_date
from red_flags
left join covering
  on covering.red_flag_id = red_flags.red_flag_id
left join decisions
  on decisions.red_flag_id = red_flags.red_flag_id
