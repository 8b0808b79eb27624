with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, is_large, large_count_30d, first_large_at_30d, gap_count_30d, gap_seconds_30d, gap_squares_30d, next_activity_at, silent_days_next
  from {{ ref('feat_transfer__cadence') }}
),

parameters as (
  {{ scenario_parameters('TM16', ['min_amount_usd', 'min_count', 'max_gap_variation', 'min_mean_gap_days', 'min_silent_days', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.is_large,
    {{ feature_of_window('parameters.window_hours', 'features.large_count_', ['30d']) }} as large_count,
    features.first_large_at_30d as first_large_at,
    features.gap_count_30d as gap_count,
    features.gap_seconds_30d as gap_seconds,
    features.gap_squares_30d as gap_squares,
    features.next_activity_at,
    features.silent_days_next,
    parameters.parameter_set_id,
    parameters.min_amount_usd,
    parameters.min_count,
    parameters.max_gap_variation,
    parameters.min_mean_gap_days,
    parameters.min_silent_days,
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
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or min_amount_usd is null or min_count is null or max_gap_variation is null or min_mean_gap_days is null or min_silent_days is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when large_count is null then 'window_not_available'
      when not is_large then 'below_minimum_amount'
      when large_count < min_count or gap_count < 2 then 'below_threshold'
      when gap_seconds < {{ seconds_of_days('min_mean_gap_days') }} * gap_count then 'below_threshold'
      when not {{ variation_below('gap_count', 'gap_seconds', 'gap_squares', 'max_gap_variation') }} then 'below_threshold'
      when silent_days_next >= min_silent_days then 'alerted'
      when next_activity_at is not null then 'not_silent'
      -- until the as-of instant is far enough away nobody can say whether the silence will hold
      else 'window_open'
    end as reason
  from measured
),

alerted as (
  select leg_id, event_at, event_date, window_hours, party_id || '|' || direction_code as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select party_id || '|' || direction_code as group_key, transfer_id, event_at, event_date, known_at
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and is_large
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
    reasoned.first_large_at as window_start_at,
    {{ hours_after('reasoned.event_at', hours_of_days('reasoned.min_silent_days')) }} as window_end_at,
    reasoned.silent_days_next as measure_1_value,
    reasoned.large_count as measure_2_value,
    reasoned.min_silent_days as threshold_1_value,
    reasoned.min_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.large_count') }} || case when reasoned.direction_code = 'in' then ' deposits' else ' withdrawals' end || ' of at least ' || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD at regular intervals'
      || ' within ' || {{ number_text('reasoned.window_hours') }} || ' hours, then no activity for at least ' || {{ number_text('reasoned.min_silent_days') }} || ' days (limits: ' || {{ number_text('reasoned.min_count') }} || ' transfers, gaps that vary by less than '
      || {{ percent_text('reasoned.max_gap_variation') }} || ', ' || {{ number_text('reasoned.min_silent_days') }} || ' days).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(evidence.evidence_known_at, {{ hours_after('reasoned.event_at', hours_of_days('reasoned.min_silent_days')) }}) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then {{ hours_after('reasoned.event_at', hours_of_days('reasoned.min_silent_days')) }} end as evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM16', ['silent_days', 'large_count']) }}
from final
