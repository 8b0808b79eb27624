with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

own_transfers as (
  {{ own_transfers() }}
),

features as (
  select leg_id, similar_low_usd, similar_high_usd, similar_count_24h, similar_amount_usd_24h
  from {{ ref('feat_transfer__repetition') }}
),

parameters as (
  {{ scenario_parameters('TM18', ['tolerance_pct', 'min_amount_usd', 'min_count', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    own_transfers.transfer_id is not null as is_own_transfer,
    features.leg_id is not null as has_features,
    features.similar_low_usd,
    features.similar_high_usd,
    {{ feature_of_window('parameters.window_hours', 'features.similar_count_', ['24h']) }} as similar_count,
    {{ feature_of_window('parameters.window_hours', 'features.similar_amount_usd_', ['24h']) }} as similar_amount_usd,
    parameters.parameter_set_id,
    parameters.tolerance_pct,
    parameters.min_amount_usd,
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
      when amount_usd is null then 'no_valuation'
      when parameter_set_id is null or tolerance_pct is null or min_amount_usd is null or min_count is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when similar_count is null then 'window_not_available'
      when amount_usd < min_amount_usd then 'below_minimum_amount'
      when similar_count >= min_count then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select leg_id, similar_low_usd, similar_high_usd, event_at, event_date, window_hours, party_id || '|' || direction_code as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select transfer_id, amount_usd, event_at, event_date, known_at, party_id || '|' || direction_code as group_key
  from reasoned
  where status_code = 'completed' and not is_own_transfer and party_id is not null and direction_code in ('in', 'out')
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
  inner join alerted
    on alerted.leg_id = pairs.alerted_leg_id
  where pairs.amount_usd between alerted.similar_low_usd and alerted.similar_high_usd
  group by pairs.alerted_leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.similar_count as measure_1_value,
    reasoned.similar_amount_usd as measure_2_value,
    reasoned.min_count as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.similar_count') }} || case when reasoned.direction_code = 'in' then ' incoming' else ' outgoing' end || ' transfers within ' || {{ number_text('reasoned.window_hours') }} || ' hours are worth the same, '
      || {{ number_text('reasoned.similar_low_usd', 2) }} || ' to ' || {{ number_text('reasoned.similar_high_usd', 2) }} || ' USD each, together '
      || {{ number_text('reasoned.similar_amount_usd', 2) }} || ' USD (limit: ' || {{ number_text('reasoned.min_count') }} || ' within '
      || {{ percent_text('reasoned.tolerance_pct') }} || ').'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM18', ['similar_count', 'similar_amount_usd']) }}
from final
