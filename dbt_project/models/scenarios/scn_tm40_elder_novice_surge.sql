with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

profile as (
  select leg_id, account_age_days, customer_age_years, is_new_counterparty
  from {{ ref('feat_transfer__profile') }}
),

velocity as (
  select leg_id, out_amount_usd_30d
  from {{ ref('feat_transfer__velocity') }}
),

parameters as (
  {{ scenario_parameters('TM40', ['min_customer_age_years', 'max_account_age_days', 'min_outflow_usd', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    profile.leg_id is not null and velocity.leg_id is not null as has_features,
    profile.account_age_days,
    profile.customer_age_years,
    profile.is_new_counterparty,
    {{ feature_of_window('parameters.window_hours', 'velocity.out_amount_usd_', ['30d']) }} as outflow_usd,
    parameters.parameter_set_id,
    parameters.min_customer_age_years,
    parameters.max_account_age_days,
    parameters.min_outflow_usd,
    cast(parameters.window_hours as integer) as window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join profile
    on profile.leg_id = legs.leg_id
  left join velocity
    on velocity.leg_id = legs.leg_id
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
      when party_type_code is null then 'no_kyc'
      when party_type_code <> 'person' then 'not_a_person'
      when counterparty_id is null then 'no_counterparty'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_customer_age_years is null or max_account_age_days is null or min_outflow_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when outflow_usd is null then 'window_not_available'
      when account_age_days is null then 'insufficient_history'
      when account_age_days >= max_account_age_days then 'not_new'
      when customer_age_years is null then 'no_birth_date'
      when customer_age_years >= min_customer_age_years and outflow_usd >= min_outflow_usd and is_new_counterparty then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, party_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select party_id as group_key, transfer_id, event_at, event_date, known_at
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code = 'out'
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  select
    alerted_leg_id,
    {{ list_text('transfer_id') }} as evidence_transfer_ids,
    max(known_at) as evidence_known_at,
    max(event_at) as evidence_end_at
  from pairs
  group by alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.customer_age_years as measure_1_value,
    reasoned.outflow_usd as measure_2_value,
    reasoned.min_customer_age_years as threshold_1_value,
    reasoned.min_outflow_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A customer aged ' || {{ number_text('reasoned.customer_age_years') }} || ', with us for less than ' || {{ number_text('reasoned.max_account_age_days') }} || ' days, sent ' || {{ number_text('reasoned.outflow_usd', 2) }} || ' USD within '
      || {{ number_text('reasoned.window_hours') }} || ' hours, now to somebody not paid before (limits: ' || {{ number_text('reasoned.min_customer_age_years') }} || ' years, ' || {{ number_text('reasoned.min_outflow_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at as evidence_known_at,
    evidence.evidence_end_at as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM40', ['customer_age_years', 'outflow_usd']) }}
from final
