with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, is_subthreshold, subthreshold_count_7d, subthreshold_amount_usd_7d, largest_usd_7d, subthreshold_count_30d, subthreshold_amount_usd_30d, largest_usd_30d
  from {{ ref('feat_transfer__bands') }}
),

parameters as (
  {{ scenario_parameters('TM03', ['reporting_threshold_usd', 'min_count', 'min_sum_usd', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.is_subthreshold,
    {{ feature_of_window('parameters.window_hours', 'features.subthreshold_count_', ['7d', '30d']) }} as small_count,
    {{ feature_of_window('parameters.window_hours', 'features.subthreshold_amount_usd_', ['7d', '30d']) }} as small_amount_usd,
    {{ feature_of_window('parameters.window_hours', 'features.largest_usd_', ['7d', '30d']) }} as largest_usd,
    parameters.parameter_set_id,
    parameters.reporting_threshold_usd,
    parameters.min_count,
    parameters.min_sum_usd,
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
      when parameter_set_id is null or reporting_threshold_usd is null or min_count is null or min_sum_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when small_count is null then 'window_not_available'
      when not is_subthreshold then 'outside_band'
      when small_count >= min_count and small_amount_usd >= min_sum_usd and largest_usd < reporting_threshold_usd then 'alerted'
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
  where is_subthreshold
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
    reasoned.small_count as measure_1_value,
    reasoned.small_amount_usd as measure_2_value,
    reasoned.min_count as threshold_1_value,
    reasoned.min_sum_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.small_count') }} || case when reasoned.direction_code = 'in' then ' incoming' else ' outgoing' end || ' transfers within ' || {{ number_text('reasoned.window_hours') }}
      || ' hours, none of ' || {{ number_text('reasoned.reporting_threshold_usd', 2) }} || ' USD or more (the largest ' || {{ number_text('reasoned.largest_usd', 2) }}
      || '), together ' || {{ number_text('reasoned.small_amount_usd', 2) }} || ' USD (limits: ' || {{ number_text('reasoned.min_count') }} || ' and '
      || {{ number_text('reasoned.min_sum_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM03', ['subthreshold_count', 'subthreshold_amount_usd']) }}
from final
