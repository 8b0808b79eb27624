with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

velocity as (
  select leg_id, in_count_24h + out_count_24h as leg_count_24h
  from {{ ref('feat_transfer__velocity') }}
),

days as (
  select party_id, event_date, history_days_90d, history_leg_count_90d, history_leg_count_squares_90d
  from {{ ref('feat_party_day__activity') }}
),

parameters as (
  {{ scenario_parameters('TM11', ['min_zscore', 'min_count', 'min_history_days', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    velocity.leg_id is not null and days.party_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'velocity.leg_count_', ['24h']) }} as leg_count,
    days.history_days_90d as history_days,
    days.history_leg_count_90d as history_count,
    days.history_leg_count_squares_90d as history_squares,
    parameters.parameter_set_id,
    parameters.min_zscore,
    parameters.min_count,
    parameters.min_history_days,
    cast(parameters.window_hours as integer) as window_hours
  from legs
  left join own_transfers
    on own_transfers.transfer_id = legs.transfer_id
  left join velocity
    on velocity.leg_id = legs.leg_id
  left join days
    on days.party_id = legs.party_id
    and days.event_date = legs.event_date
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
      when parameter_set_id is null or min_zscore is null or min_count is null or min_history_days is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when leg_count is null then 'window_not_available'
      when leg_count < min_count then 'below_threshold'
      when history_days < min_history_days then 'insufficient_history'
      when history_days * history_squares = history_count * history_count then 'no_variance'
      when {{ zscore_reaches('leg_count', 'history_days', 'history_count', 'history_squares', 'min_zscore') }} then 'alerted'
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
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
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
    {{ zscore('reasoned.leg_count', 'reasoned.history_days', 'reasoned.history_count', 'reasoned.history_squares') }} as measure_1_value,
    reasoned.leg_count as measure_2_value,
    reasoned.min_zscore as threshold_1_value,
    reasoned.min_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.leg_count') }} || ' transfers within ' || {{ number_text('reasoned.window_hours') }} || ' hours, after '
      || {{ number_text('reasoned.history_count') }} || ' transfers on the ' || {{ number_text('reasoned.history_days') }} || ' days before: '
      || {{ number_text(zscore('reasoned.leg_count', 'reasoned.history_days', 'reasoned.history_count', 'reasoned.history_squares'), 1) }} || ' deviations above the usual (limits: ' || {{ number_text('reasoned.min_zscore', 1) }} || ' deviations, '
      || {{ number_text('reasoned.min_count') }} || ' transfers).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at as evidence_known_at,
    evidence.evidence_end_at as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM11', ['count_zscore', 'leg_count']) }}
from final
