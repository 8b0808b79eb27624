with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

features as (
  select leg_id, is_located, is_high_risk, high_risk_text, high_risk_count_30d, high_risk_usd_30d, corridor_known_at
  from {{ ref('feat_transfer__corridor') }}
),

parameters as (
  {{ scenario_parameters('TM43', ['min_count', 'min_amount_usd', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    features.leg_id is not null as has_features,
    features.is_located,
    features.is_high_risk,
    features.high_risk_text,
    features.corridor_known_at,
    {{ feature_of_window('parameters.window_hours', 'features.high_risk_count_', ['30d']) }} as window_count,
    {{ feature_of_window('parameters.window_hours', 'features.high_risk_usd_', ['30d']) }} as window_usd,
    parameters.parameter_set_id,
    parameters.min_count,
    parameters.min_amount_usd,
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
      when rail_code = 'internal' then 'internal'
      when status_code is distinct from 'completed' then 'not_completed'
      when party_id is null then 'no_kyc'
      when parameter_set_id is null or min_count is null or min_amount_usd is null or window_hours is null then 'no_parameter'
      when not has_features then 'feature_missing'
      when window_count is null then 'window_not_available'
      when not is_located then 'no_country'
      when not is_high_risk then 'not_high_risk'
      when window_count >= min_count or window_usd >= min_amount_usd then 'alerted'
      when amount_usd is null then 'no_valuation'
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
  select transfer_id, event_at, event_date, greatest(known_at, coalesce(corridor_known_at, known_at)) as known_at, party_id as group_key
  from reasoned
  where is_high_risk
),

pairs as (
  {{ window_pairs('alerted', 'candidates', 'alerted.window_hours', '0') }}
),

evidence as (
  {{ evidence_of_pairs('pairs') }}
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.window_count as measure_1_value,
    reasoned.window_usd as measure_2_value,
    reasoned.min_count as threshold_1_value,
    reasoned.min_amount_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A ' || reasoned.transfer_type_code || ' on a high-risk corridor (' || reasoned.high_risk_text || '): '
      || {{ number_text('reasoned.window_count') }} || ' such transfers of ' || {{ number_text('reasoned.window_usd', 2) }} || ' USD within '
      || {{ number_text('reasoned.window_hours') }} || ' hours (limits: ' || {{ number_text('reasoned.min_count') }} || ' or '
      || {{ number_text('reasoned.min_amount_usd', 2) }} || ' USD).'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM43', ['high_risk_count', 'high_risk_usd']) }}
from final
