with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, digit_count_30d, benford_weighted_squares_30d, benford_chi_square_30d
  from {{ ref('feat_transfer__benford') }}
),

parameters as (
  {{ scenario_parameters('TM19', ['min_chi_square', 'min_count', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'features.digit_count_', ['30d']) }} as digit_count,
    features.benford_weighted_squares_30d as weighted_squares,
    features.benford_chi_square_30d as chi_square,
    parameters.parameter_set_id,
    parameters.min_chi_square,
    parameters.min_count,
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
      when party_id is null then 'no_kyc'
      when parameter_set_id is null or min_chi_square is null or min_count is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when digit_count is null then 'window_not_available'
      when digit_count < min_count then 'insufficient_history'
      when weighted_squares >= cast(digit_count as decimal(19,0)) * (cast(digit_count as decimal(9,0)) + cast(min_chi_square as decimal(12,6))) then 'alerted'
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
    reasoned.chi_square as measure_1_value,
    reasoned.digit_count as measure_2_value,
    reasoned.min_chi_square as threshold_1_value,
    reasoned.min_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'The first digits of ' || {{ number_text('reasoned.digit_count') }} || ' amounts within ' || {{ number_text('reasoned.window_hours') }} || ' hours do not follow Benford''s law: chi-square ' || {{ number_text('reasoned.chi_square', 2) }}
      || ' (limits: ' || {{ number_text('reasoned.min_chi_square', 2) }} || ', ' || {{ number_text('reasoned.min_count') }} || ' amounts).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at as evidence_known_at,
    evidence.evidence_end_at as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM19', ['chi_square', 'amount_count']) }}
from final
