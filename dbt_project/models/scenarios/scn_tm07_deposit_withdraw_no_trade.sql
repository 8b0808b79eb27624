with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, next_trade_at, untraded_outflow_usd_next_24h
  from {{ ref('feat_transfer__turnaround') }}
),

flow as (
  select leg_id, inflow_usd
  from {{ ref('feat_transfer__flow') }}
),

parameters as (
  {{ scenario_parameters('TM07', ['min_out_in_ratio', 'min_inflow_usd', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null and flow.leg_id is not null as has_features,
    features.next_trade_at,
    flow.inflow_usd,
    {{ feature_of_window('parameters.window_hours', 'features.untraded_outflow_usd_next_', ['24h']) }} as outflow_usd,
    parameters.parameter_set_id,
    parameters.min_out_in_ratio,
    parameters.min_inflow_usd,
    cast(parameters.window_hours as integer) as window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join features
    on features.leg_id = legs.leg_id
  left join flow
    on flow.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

reasoned as (
  select
    *,
    case
      when transfer_type_code = 'trade' then 'trade'
      when status_code is distinct from 'completed' then 'not_completed'
      when is_own_transfer then 'own_transfer'
      when direction_code is distinct from 'in' then 'wrong_direction'
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_out_in_ratio is null or min_inflow_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when outflow_usd is null then 'window_not_available'
      when inflow_usd < min_inflow_usd then 'below_minimum_amount'
      when cast(outflow_usd as decimal(24,2)) >= cast(min_out_in_ratio as decimal(9,6)) * cast(inflow_usd as decimal(22,2)) then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, next_trade_at, event_at, event_date, window_hours, party_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, direction_code, event_at, event_date, known_at, party_id as group_key
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
),

pairs as (
  {{ window_pairs('alerted', 'candidates', '0', 'alerted.window_hours') }}
),

evidence as (
  select
    pairs.alerted_leg_id,
    {{ list_text('pairs.transfer_id') }} as evidence_transfer_ids,
    max(pairs.known_at) as evidence_known_at,
    max(pairs.event_at) as evidence_end_at
  from pairs
  inner join alerted
    on alerted.leg_id = pairs.alerted_leg_id
  where pairs.event_at = alerted.event_at and pairs.direction_code = 'in'
    or pairs.direction_code = 'out' and (alerted.next_trade_at is null or pairs.event_at < alerted.next_trade_at)
  group by pairs.alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.event_at as window_start_at,
    {{ hours_after('reasoned.event_at', 'reasoned.window_hours') }} as window_end_at,
    {{ decimal_ratio('reasoned.outflow_usd', 'reasoned.inflow_usd') }} as measure_1_value,
    reasoned.inflow_usd as measure_2_value,
    reasoned.min_out_in_ratio as threshold_1_value,
    reasoned.min_inflow_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.inflow_usd', 2) }} || ' USD came in and ' || {{ number_text('reasoned.outflow_usd', 2) }} || ' USD went out within '
      || {{ number_text('reasoned.window_hours') }} || ' hours without a trade between, '
      || {{ percent_text(decimal_ratio('reasoned.outflow_usd', 'reasoned.inflow_usd')) }} || ' of the inflow (limits: '
      || {{ percent_text('reasoned.min_out_in_ratio') }} || ' of at least ' || {{ number_text('reasoned.min_inflow_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM07', ['untraded_out_in_ratio', 'inflow_usd']) }}
from final
