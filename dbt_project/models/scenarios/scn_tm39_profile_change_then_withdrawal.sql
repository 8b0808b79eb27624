with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, behaviour_event_count_90d, changed_class_count_24h, changed_class_count_48h, first_change_at_24h, first_change_at_48h, behaviour_known_at_48h
  from {{ ref('feat_transfer__behaviour') }}
),

parameters as (
  {{ scenario_parameters('TM39', ['min_amount_usd', 'min_changes', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.behaviour_event_count_90d as behaviour_event_count,
    features.behaviour_known_at_48h as behaviour_known_at,
    {{ feature_of_window('parameters.window_hours', 'features.changed_class_count_', ['24h', '48h']) }} as change_count,
    {{ feature_of_window('parameters.window_hours', 'features.first_change_at_', ['24h', '48h']) }} as first_change_at,
    parameters.parameter_set_id,
    parameters.min_amount_usd,
    parameters.min_changes,
    cast(parameters.window_hours as integer) as window_hours
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
      when direction_code is distinct from 'out' then 'wrong_direction'
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_amount_usd is null or min_changes is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when change_count is null then 'window_not_available'
      when amount_usd < min_amount_usd then 'below_minimum_amount'
      when behaviour_event_count = 0 then 'no_behaviour'
      when change_count >= min_changes then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.change_count as measure_1_value,
    reasoned.amount_usd as measure_2_value,
    reasoned.min_changes as threshold_1_value,
    reasoned.min_amount_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.amount_usd', 2) }} || ' USD left within ' || {{ number_text('reasoned.window_hours') }} || ' hours of changes to the profile of ' || {{ number_text('reasoned.change_count') }} || ' kinds, the first at '
      || cast(reasoned.first_change_at as string) || ' UTC (limits: ' || {{ number_text('reasoned.min_changes') }} || ' kinds, ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, reasoned.behaviour_known_at) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM39', ['kinds_of_change', 'amount_usd']) }}
from final
