with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, is_round, roundable_count_7d, round_count_7d, roundable_count_30d, round_count_30d
  from {{ ref('feat_transfer__repetition') }}
),

parameters as (
  {{ scenario_parameters('TM17', ['round_multiple_amount', 'min_round_share', 'min_count', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.is_round,
    {{ feature_of_window('parameters.window_hours', 'features.roundable_count_', ['7d', '30d']) }} as leg_count,
    {{ feature_of_window('parameters.window_hours', 'features.round_count_', ['7d', '30d']) }} as round_count,
    parameters.parameter_set_id,
    parameters.round_multiple_amount,
    parameters.min_round_share,
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
      when parameter_set_id is null or min_round_share is null or min_count is null or window_hours is null then 'no_parameter'
      when round_multiple_amount is null then 'no_threshold_for_currency'
      when not has_features then 'feature_missing'
      when leg_count is null then 'window_not_available'
      when not is_round then 'not_round'
      when leg_count >= min_count and cast(round_count as decimal(18,0)) >= cast(min_round_share as decimal(9,6)) * cast(leg_count as decimal(18,0)) then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, party_id || '|' || direction_code as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, event_at, event_date, known_at, party_id || '|' || direction_code as group_key
  from reasoned
  where is_round
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  select
    pairs.alerted_leg_id,
    {{ list_text('pairs.transfer_id') }} as evidence_transfer_ids,
    max(pairs.known_at) as evidence_known_at,
    max(pairs.event_at) as evidence_end_at
  from pairs
  group by pairs.alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    {{ decimal_ratio('reasoned.round_count', 'reasoned.leg_count') }} as measure_1_value,
    reasoned.leg_count as measure_2_value,
    reasoned.min_round_share as threshold_1_value,
    reasoned.min_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.round_count') }} || ' of ' || {{ number_text('reasoned.leg_count') }} || case when reasoned.direction_code = 'in' then ' incoming' else ' outgoing' end || ' transfers within '
      || {{ number_text('reasoned.window_hours') }} || ' hours are whole multiples of a round amount (' || {{ number_text('reasoned.round_multiple_amount', 2) }}
      || ' ' || reasoned.asset_code || ' for this one); limits: ' || {{ percent_text('reasoned.min_round_share') }} || ' of at least '
      || {{ number_text('reasoned.min_count') }} || '.'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM17', ['round_share', 'transfer_count']) }}
from final
