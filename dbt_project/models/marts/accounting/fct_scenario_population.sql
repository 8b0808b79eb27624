{%- set outcomes = ['alerted', 'below_threshold', 'excluded', 'not_evaluable', 'errored'] -%}
with scenarios as (
  select scenario_id, scenario_version from {{ ref('scenarios') }}
  where mode_code <> 'off'
),

population as (
  select
    jurisdiction_code,
    event_date,
    asset_code,
    sum(population_rows) as population_rows,
    sum(population_amount) as population_amount
  from {{ ref('int_population_rows') }}
  group by jurisdiction_code, event_date, asset_code
),

accounted as (
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    {%- for outcome in outcomes %}
    sum(case when outcome_code = '{{ outcome }}' then transfer_count else 0 end) as {{ outcome }}_rows,
    sum(case when outcome_code = '{{ outcome }}' then amount end) as {{ outcome }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ ref('fct_scenario_outcomes') }}
  group by scenario_id, scenario_version, jurisdiction_code, event_date, asset_code
),

stacked as (
  select
    scenarios.scenario_id,
    scenarios.scenario_version,
    population.jurisdiction_code,
    population.event_date,
    population.asset_code,
    population.population_rows,
    cast(population.population_amount as decimal(38,18)) as population_amount,
    {%- for outcome in outcomes %}
    cast(0 as bigint) as {{ outcome }}_rows,
    cast(null as decimal(38,18)) as {{ outcome }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
  from scenarios
  cross join population
  union all
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    cast(0 as bigint) as population_rows,
    cast(null as decimal(38,18)) as population_amount,
    {%- for outcome in outcomes %}
    {{ outcome }}_rows,
    cast({{ outcome }}_amount as decimal(38,18)) as {{ outcome }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
  from accounted
),

by_asset as (
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    sum(population_rows) as population_rows,
    cast(sum(population_amount) as decimal(38,18)) as population_amount,
    {%- for outcome in outcomes %}
    sum({{ outcome }}_rows) as {{ outcome }}_rows,
    cast(sum({{ outcome }}_amount) as decimal(38,18)) as {{ outcome }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
  from stacked
  group by scenario_id, scenario_version, jurisdiction_code, event_date, asset_code
),

balanced as (
  select
    *,
    population_rows{% for outcome in outcomes %} - {{ outcome }}_rows{% endfor %} as unexplained_rows,
    cast(coalesce(population_amount, 0){% for outcome in outcomes %} - coalesce({{ outcome }}_amount, 0){% endfor %} as decimal(38,18)) as unexplained_amount
  from by_asset
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
),

valued as (
  select
    balanced.*,
    case when rates.rate_usd is null then balanced.population_rows else 0 end as unvalued_rows,
    {%- for part in ['population', 'unexplained'] + outcomes %}
    {{ usd_amount('balanced.' ~ part ~ '_amount', 'rates.rate_usd') }} as {{ part }}_usd{{ ',' if not loop.last }}
    {%- endfor %}
  from balanced
  left join rates
    on balanced.asset_code = rates.asset_code
    and balanced.event_date = rates.rate_date
)

select
  {{ md5_key(['scenario_id', 'scenario_version', 'jurisdiction_code', 'event_date']) }} as scenario_population_id,
  scenario_id,
  scenario_version,
  jurisdiction_code,
  event_date,
  cast(sum(population_rows) as bigint) as population_rows,
  cast(sum(alerted_rows + below_threshold_rows) as bigint) as evaluated_rows,
  {%- for outcome in outcomes %}
  cast(sum({{ outcome }}_rows) as bigint) as {{ outcome }}_rows,
  {%- endfor %}
  -- Per asset first, so that a transfer missing in one and one too many in another do not cancel out.
  cast(sum(abs(unexplained_rows)) as bigint) as unexplained_rows,
  cast(sum(unvalued_rows) as bigint) as unvalued_rows,
  cast(sum(case when unexplained_amount <> 0 then 1 else 0 end) as bigint) as unexplained_asset_count,
  cast(coalesce(sum(population_usd), 0) as decimal(18,2)) as population_usd,
  cast(coalesce(sum(alerted_usd), 0) + coalesce(sum(below_threshold_usd), 0) as decimal(18,2)) as evaluated_usd,
  {%- for outcome in outcomes %}
  cast(coalesce(sum({{ outcome }}_usd), 0) as decimal(18,2)) as {{ outcome }}_usd,
  {%- endfor %}
  cast(coalesce(sum(abs(unexplained_usd)), 0) as decimal(18,2)) as unexplained_usd
from valued
group by scenario_id, scenario_version, jurisdiction_code, event_date
