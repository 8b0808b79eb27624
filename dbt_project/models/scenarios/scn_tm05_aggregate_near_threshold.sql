with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

features as (
  select leg_id, fiat_count_24h, fiat_amount_usd_24h, fiat_largest_usd_24h
  from {{ ref('feat_transfer__bands') }}
),

parameters as (
  {{ scenario_parameters('TM05', ['reporting_threshold_usd', 'min_count', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    features.leg_id is not null as has_features,
    {{ feature_of_window('parameters.window_hours', 'features.fiat_count_', ['24h']) }} as fiat_count,
    {{ feature_of_window('parameters.window_hours', 'features.fiat_amount_usd_', ['24h']) }} as fiat_amount_usd,
    {{ feature_of_window('parameters.window_hours', 'features.fiat_largest_usd_', ['24h']) }} as largest_usd,
    parameters.parameter_set_id,
    parameters.reporting_threshold_usd,
    parameters.min_count,
    cast(parameters.window_hours as integer) as window_hours
  from legs
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
      when rail_code is distinct from 'fiat' then 'not_fiat'
      when status_code is distinct from 'completed' then 'not_completed'
      when party_id is null then 'no_kyc'
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or reporting_threshold_usd is null or min_count is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when fiat_count is null then 'window_not_available'
      when amount_usd >= reporting_threshold_usd then 'outside_band'
      when fiat_amount_usd >= reporting_threshold_usd and fiat_count >= min_count and largest_usd < reporting_threshold_usd then 'alerted'
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
  where rail_code = 'fiat' and status_code = 'completed' and party_id is not null and direction_code in ('in', 'out') and amount_usd is not null
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
    reasoned.fiat_amount_usd as measure_1_value,
    reasoned.fiat_count as measure_2_value,
    reasoned.reporting_threshold_usd as threshold_1_value,
    reasoned.min_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.fiat_count') }} || case when reasoned.direction_code = 'in' then ' incoming' else ' outgoing' end || ' fiat transfers within ' || {{ number_text('reasoned.window_hours') }} || ' hours add up to '
      || {{ number_text('reasoned.fiat_amount_usd', 2) }} || ' USD, while the largest is ' || {{ number_text('reasoned.largest_usd', 2) }} || ' USD (limits: '
      || {{ number_text('reasoned.min_count') }} || ' transfers and ' || {{ number_text('reasoned.reporting_threshold_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM05', ['aggregate_usd', 'fiat_count']) }}
from final
