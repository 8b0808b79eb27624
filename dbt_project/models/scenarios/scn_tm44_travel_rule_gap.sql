with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

features as (
  select leg_id, travel_rule_status_code, missing_fields, message_known_at
  from {{ ref('feat_transfer__travel_rule') }}
),

as_of as (
  select as_of_at from {{ ref('stg_control__as_of') }}
),

parameters as (
  {{ scenario_parameters('TM44', ['threshold_usd', 'grace_hours']) }}
),

measured as (
  select
    legs.*,
    features.leg_id is not null as has_features,
    features.travel_rule_status_code,
    features.missing_fields,
    features.message_known_at,
    {{ hours_after('legs.event_at', 'parameters.grace_hours') }} <= as_of.as_of_at as is_due,
    parameters.parameter_set_id,
    parameters.threshold_usd,
    cast(parameters.grace_hours as integer) as grace_hours
  from legs
  left join features
    on features.leg_id = legs.leg_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  cross join as_of
),

reasoned as (
  select
    *,
    case
      when transfer_type_code = 'trade' then 'trade'
      when rail_code is distinct from 'crypto' then 'not_crypto'
      when status_code is distinct from 'completed' then 'not_completed'
      when party_id is null then 'no_kyc'
      when parameter_set_id is null or threshold_usd is null or grace_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when travel_rule_status_code = 'present' then 'message_complete'
      when amount_usd is null then 'no_valuation'
      when amount_usd < threshold_usd then 'below_threshold'
      when not is_due then 'window_open'
      else 'alerted'
    end as reason
  from measured
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.event_at as window_start_at,
    {{ hours_after('reasoned.event_at', 'coalesce(reasoned.grace_hours, 0)') }} as window_end_at,
    reasoned.amount_usd as measure_1_value,
    cast(null as decimal(38,6)) as measure_2_value,
    reasoned.threshold_usd as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'The travel-rule message of a ' || reasoned.transfer_type_code || ' of ' || {{ number_text('reasoned.amount_usd', 2) }} || ' USD is '
      || case when reasoned.travel_rule_status_code = 'missing' then 'missing' else 'incomplete (' || reasoned.missing_fields || ')' end
      || ' ' || {{ number_text('reasoned.grace_hours') }} || ' hours after it (limit: ' || {{ number_text('reasoned.threshold_usd', 2) }} || ' USD).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, coalesce(reasoned.message_known_at, reasoned.known_at)) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM44', ['amount_usd']) }}
from final
