with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, receiver_count_8h, receiver_count_24h
  from {{ ref('feat_transfer__velocity') }}
),

parameters as (
  {{ scenario_parameters('TM10', ['min_receivers', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'features.receiver_count_', ['8h', '24h']) }} as receiver_count,
    parameters.parameter_set_id,
    parameters.min_receivers,
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
      when counterparty_id is null then 'no_counterparty'
      when parameter_set_id is null or min_receivers is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when receiver_count is null then 'window_not_available'
      when receiver_count >= min_receivers then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, account_id as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, amount_usd, event_at, event_date, known_at, account_id as group_key
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code = 'out' and counterparty_id is not null
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  select
    pairs.alerted_leg_id,
    {{ list_text('pairs.transfer_id') }} as evidence_transfer_ids,
    sum(pairs.amount_usd) as paid_usd,
    max(pairs.known_at) as evidence_known_at,
    max(pairs.event_at) as evidence_end_at
  from pairs
  group by pairs.alerted_leg_id
),

final as (
  select
    reasoned.*,
    case when reasoned.account_id is not null then 'account' else 'transfer' end as subject_type_code,
    coalesce(reasoned.account_id, reasoned.transfer_id) as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.receiver_count as measure_1_value,
    evidence.paid_usd as measure_2_value,
    reasoned.min_receivers as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'The account paid ' || {{ number_text('reasoned.receiver_count') }} || ' distinct receivers within ' || {{ number_text('reasoned.window_hours') }}
      || ' hours, together ' || {{ number_text('coalesce(evidence.paid_usd, 0)', 2) }} || ' USD (limit: ' || {{ number_text('reasoned.min_receivers') }} || ').'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM10', ['distinct_receivers', 'paid_usd']) }}
from final
