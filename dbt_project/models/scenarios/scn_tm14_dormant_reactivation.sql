with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, previous_activity_at, first_opened_at, dormant_days
  from {{ ref('feat_transfer__history') }}
),

parameters as (
  {{ scenario_parameters('TM14', ['min_dormant_days', 'min_amount_usd']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.previous_activity_at,
    features.dormant_days,
    {{ seconds_between('features.first_opened_at', 'legs.event_at') }} as seconds_since_opened,
    parameters.parameter_set_id,
    parameters.min_dormant_days,
    parameters.min_amount_usd
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join features
    on features.leg_id = legs.leg_id
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
      when party_id is null then 'no_kyc'
      when parameter_set_id is null or min_dormant_days is null or min_amount_usd is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when dormant_days < min_dormant_days then 'not_dormant'
      -- an account that is younger than the limit cannot have been dormant for so long
      when dormant_days is null and seconds_since_opened < {{ seconds_of_days('min_dormant_days') }} then 'not_dormant'
      when dormant_days is null then 'insufficient_history'
      when amount_usd is null then 'no_valuation'
      when amount_usd >= min_amount_usd then 'alerted'
      else 'below_minimum_amount'
    end as reason
  from measured
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.previous_activity_at as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.dormant_days as measure_1_value,
    reasoned.amount_usd as measure_2_value,
    reasoned.min_dormant_days as threshold_1_value,
    reasoned.min_amount_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'After ' || {{ number_text('reasoned.dormant_days') }} || ' days without activity '
      || case when reasoned.direction_code = 'in' then 'received ' else 'sent ' end || {{ number_text('reasoned.amount_usd', 2) }}
      || ' USD (limits: ' || {{ number_text('reasoned.min_dormant_days') }} || ' days, ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then reasoned.known_at end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM14', ['dormant_days', 'amount_usd']) }}
from final
