with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

features as (
  select leg_id, is_in_band, band_low_amount, band_high_amount, band_count_24h, band_amount_24h, band_count_7d, band_amount_7d
  from {{ ref('feat_transfer__structuring') }}
),

parameters as (
  {{ scenario_parameters('TM01', ['reporting_threshold_amount', 'min_count', 'min_sum_amount', 'window_hours']) }}
),

measured as (
  select
    legs.*,
    features.leg_id is not null as has_features,
    features.is_in_band,
    features.band_low_amount,
    features.band_high_amount,
    {{ feature_of_window('parameters.window_hours', 'features.band_count_', ['24h', '7d']) }} as band_count,
    {{ feature_of_window('parameters.window_hours', 'features.band_amount_', ['24h', '7d']) }} as band_amount,
    parameters.parameter_set_id,
    parameters.reporting_threshold_amount,
    parameters.min_count,
    parameters.min_sum_amount,
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
      when not has_features then 'feature_missing'
      when parameter_set_id is null or min_count is null or window_hours is null then 'no_parameter'
      when reporting_threshold_amount is null or min_sum_amount is null then 'no_threshold_for_currency'
      when band_count is null then 'window_not_available'
      when not is_in_band then 'outside_band'
      when band_count >= min_count and band_amount >= min_sum_amount then 'alerted'
      else 'below_threshold'
    end as reason
  from measured
),

alerted as (
  select
    leg_id,
    event_at,
    event_date,
    window_hours,
    party_id || '|' || asset_code || '|' || direction_code as group_key
  from reasoned
  where reason = 'alerted'
),

candidates as (
  select
    reasoned.transfer_id,
    reasoned.event_at,
    reasoned.event_date,
    reasoned.known_at,
    reasoned.party_id || '|' || reasoned.asset_code || '|' || reasoned.direction_code as group_key
  from reasoned
  where reasoned.is_in_band
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
    reasoned.band_count as measure_1_value,
    reasoned.band_amount as measure_2_value,
    reasoned.min_count as threshold_1_value,
    reasoned.min_sum_amount as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      {{ number_text('reasoned.band_count') }} || ' ' || reasoned.asset_code
      || case when reasoned.direction_code = 'in' then ' deposits' else ' withdrawals' end
      || ' between ' || {{ number_text('reasoned.band_low_amount', 2) }} || ' and just under ' || {{ number_text('reasoned.band_high_amount', 2) }}
      || ' within ' || {{ number_text('reasoned.window_hours') }} || ' hours, together ' || {{ number_text('reasoned.band_amount', 2) }} || ' ' || reasoned.asset_code
      || ' (limits: ' || {{ number_text('reasoned.min_count') }} || ' and ' || {{ number_text('reasoned.min_sum_amount', 2) }} || ').'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM01', ['subthreshold_count', 'subthreshold_amount']) }}
from final
