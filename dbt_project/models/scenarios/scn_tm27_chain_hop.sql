with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

parameters as (
  {{ scenario_parameters('TM27', ['min_conversions', 'window_hours', 'min_amount_usd', 'min_inflow_ratio']) }}
),

screened as (
  select
    legs.*,
    coalesce(legs.chain_code, legs.asset_code) as line_code,
    parameters.parameter_set_id,
    parameters.min_conversions,
    parameters.min_amount_usd,
    parameters.min_inflow_ratio,
    cast(parameters.window_hours as integer) as window_hours,
    case
      when legs.transfer_type_code = 'trade' then 'trade'
      when legs.rail_code is distinct from 'crypto' then 'not_crypto'
      when legs.status_code is distinct from 'completed' then 'not_completed'
      when legs.direction_code is distinct from 'out' then 'wrong_direction'
      when legs.party_id is null then 'no_kyc'
      when legs.amount_usd is null then 'no_valuation'
      when parameters.parameter_set_id is null or parameters.min_conversions is null or parameters.window_hours is null
        or parameters.min_amount_usd is null or parameters.min_inflow_ratio is null then 'no_parameter'
      when legs.amount_usd < parameters.min_amount_usd then 'below_minimum_amount'
    end as early_reason
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

followed as (
  select leg_id, event_at, event_date, window_hours, line_code, party_id as group_key
  from screened
  where early_reason is null
),

-- what may have become the withdrawal: crypto that came in, and what was traded
candidates as (
  select party_id as group_key, transfer_id, transfer_type_code, line_code, event_at, event_date, amount_usd, known_at
  from screened
  where status_code = 'completed'
    and party_id is not null
    and (transfer_type_code = 'trade' or (rail_code = 'crypto' and direction_code = 'in'))
),

pairs as (
  {{ window_pairs('followed', 'candidates', 'alerted.window_hours', '0') }}
),

came as (
  select
    pairs.alerted_leg_id,
    min(pairs.event_at) as first_in_at,
    cast(coalesce(sum(pairs.amount_usd), 0) as decimal(38,2)) as inflow_usd
  from pairs
  inner join followed
    on followed.leg_id = pairs.alerted_leg_id
  where pairs.transfer_type_code <> 'trade' and pairs.line_code <> followed.line_code
  group by pairs.alerted_leg_id
),

within as (
  select
    pairs.alerted_leg_id,
    pairs.transfer_id,
    pairs.transfer_type_code,
    pairs.known_at
  from pairs
  inner join followed
    on followed.leg_id = pairs.alerted_leg_id
  inner join came
    on came.alerted_leg_id = pairs.alerted_leg_id
  where (pairs.transfer_type_code <> 'trade' and pairs.line_code <> followed.line_code)
    or (pairs.transfer_type_code = 'trade' and pairs.event_at >= came.first_in_at)
  union all
  select leg_id as alerted_leg_id, transfer_id, transfer_type_code, known_at
  from screened
  where early_reason is null
),

found as (
  select
    alerted_leg_id,
    count(case when transfer_type_code = 'trade' then 1 end) as conversions,
    {{ list_text('transfer_id') }} as evidence_transfer_ids,
    max(known_at) as evidence_known_at
  from within
  group by alerted_leg_id
),

reasoned as (
  select
    screened.*,
    came.first_in_at,
    came.inflow_usd,
    found.conversions,
    found.evidence_transfer_ids as found_transfer_ids,
    found.evidence_known_at as found_known_at,
    case
      when screened.early_reason is not null then screened.early_reason
      when came.alerted_leg_id is null then 'below_threshold'
      when found.conversions >= screened.min_conversions
        and {{ at_least_share('came.inflow_usd', 'screened.min_inflow_ratio', 'screened.amount_usd') }} then 'alerted'
      else 'below_threshold'
    end as reason
  from screened
  left join came
    on came.alerted_leg_id = screened.leg_id
  left join found
    on found.alerted_leg_id = screened.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.conversions as measure_1_value,
    {{ decimal_ratio('reasoned.inflow_usd', 'reasoned.amount_usd') }} as measure_2_value,
    reasoned.min_conversions as threshold_1_value,
    reasoned.min_inflow_ratio as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.inflow_usd', 2) }} || ' USD came in on other chains or in other assets, was converted in '
      || {{ number_text('reasoned.conversions') }} || ' trade(s), and ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD left as '
      || reasoned.line_code || ' within ' || {{ number_text('reasoned.window_hours') }} || ' hours (limits: '
      || {{ number_text('reasoned.min_conversions') }} || ' trades, an inflow of ' || {{ percent_text('reasoned.min_inflow_ratio') }}
      || ' of a withdrawal of at least ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.found_transfer_ids end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then reasoned.found_known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM27', ['conversions', 'inflow_ratio']) }}
from final
