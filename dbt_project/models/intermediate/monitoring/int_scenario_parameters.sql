with parameters as (
  select * from {{ ref('scenario_parameters') }}
),

scenarios as (
  select scenario_id, scenario_version from {{ ref('scenarios') }}
),

contexts as (
  select distinct
    coalesce(segment_code, '') as segment_key,
    coalesce(jurisdiction_code, '') as jurisdiction_key,
    coalesce(asset_code, '') as ccy_key
  from {{ ref('int_transfer_legs') }}
),

boundaries as (
  select scenario_id, valid_from_date as boundary_date from parameters
  union
  select scenario_id, coalesce(valid_to_date, date '9999-12-31') as boundary_date from parameters
),

intervals as (
  select
    scenario_id,
    boundary_date as valid_from_date,
    lead(boundary_date) over (partition by scenario_id order by boundary_date) as valid_to_date
  from boundaries
),

-- of all rows in force the one that names most of segment, then jurisdiction, then currency
resolved as (
  select
    intervals.scenario_id,
    intervals.valid_from_date,
    intervals.valid_to_date,
    contexts.segment_key,
    contexts.jurisdiction_key,
    contexts.ccy_key,
    parameters.parameter_code,
    parameters.parameter_id,
    parameters.parameter_value,
    parameters.unit
  from intervals
  inner join parameters
    on parameters.scenario_id = intervals.scenario_id
    and parameters.valid_from_date <= intervals.valid_from_date
    and coalesce(parameters.valid_to_date, date '9999-12-31') >= intervals.valid_to_date
  inner join contexts
    on parameters.segment_code in ('any', contexts.segment_key)
    and parameters.jurisdiction_code in ('any', contexts.jurisdiction_key)
    and parameters.ccy_code in ('any', contexts.ccy_key)
  where intervals.valid_to_date is not null
  qualify row_number() over (
    partition by
      intervals.scenario_id, intervals.valid_from_date, contexts.segment_key, contexts.jurisdiction_key, contexts.ccy_key,
      parameters.parameter_code
    order by
      case when parameters.segment_code = 'any' then 1 else 0 end,
      case when parameters.jurisdiction_code = 'any' then 1 else 0 end,
      case when parameters.ccy_code = 'any' then 1 else 0 end,
      parameters.parameter_id
  ) = 1
),

sets as (
  select
    scenario_id,
    valid_from_date,
    segment_key,
    jurisdiction_key,
    ccy_key,
    {{ list_text("parameter_id || ' ' || parameter_code || ' = ' || cast(parameter_value as string)") }} as parameters_text
  from resolved
  group by scenario_id, valid_from_date, segment_key, jurisdiction_key, ccy_key
)

select
  resolved.scenario_id,
  scenarios.scenario_version,
  resolved.valid_from_date,
  resolved.valid_to_date,
  resolved.segment_key,
  resolved.jurisdiction_key,
  resolved.ccy_key,
  resolved.parameter_code,
  resolved.parameter_id,
  cast(resolved.parameter_value as decimal(38,6)) as parameter_value,
  resolved.unit,
  md5(sets.parameters_text) as parameter_set_id,
  sets.parameters_text
from resolved
inner join sets
  on sets.scenario_id = resolved.scenario_id
  and sets.valid_from_date = resolved.valid_from_date
  and sets.segment_key = resolved.segment_key
  and sets.jurisdiction_key = resolved.jurisdiction_key
  and sets.ccy_key = resolved.ccy_key
left join scenarios
  on scenarios.scenario_id = resolved.scenario_id
