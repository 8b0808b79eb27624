with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

parameters as (
  {{ scenario_parameters('TM33', ['min_count', 'min_floor_ratio', 'window_hours']) }}
),

screenings as (
  {{ screening_states() }}
),

features as (
  select leg_id, category_code, severity_code, is_zero_tolerance, exposure_known_at, direct_usd, direct_floor_usd, small_direct_usd, small_direct_count_30d, small_direct_usd_30d, direct_unvalued_count_30d
  from {{ ref('feat_transfer_category__exposure') }}
  where direct_vendor_count > 0
),

parametered as (
  select
    legs.*,
    coalesce(legs.party_id, legs.leg_id) as holder_id,
    parameters.parameter_set_id,
    parameters.min_count,
    parameters.min_floor_ratio,
    cast(parameters.window_hours as integer) as window_hours,
    screenings.transfer_id is not null as is_registered,
    coalesce(screenings.is_pending, false) as is_pending
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join screenings
    on screenings.transfer_id = legs.transfer_id
),

measured as (
  select
    parametered.*,
    features.category_code,
    features.severity_code,
    features.exposure_known_at,
    features.direct_usd,
    features.direct_floor_usd as floor_usd,
    features.small_direct_usd,
    {{ feature_of_window('parametered.window_hours', 'features.small_direct_count_', ['30d']) }} as window_count,
    {{ feature_of_window('parametered.window_hours', 'features.small_direct_usd_', ['30d']) }} as window_usd,
    {{ feature_of_window('parametered.window_hours', 'features.direct_unvalued_count_', ['30d']) }} as unvalued_count,
    cast(cast(parametered.min_floor_ratio as decimal(9,6)) * features.direct_floor_usd as decimal(38,6)) as limit_usd
  from parametered
  inner join features
    on features.leg_id = parametered.leg_id
),

exposures as (
  select
    *,
    case
      when category_code = 'unmapped' then 'unmapped_category'
      when floor_usd is null and severity_code = 'low' then 'low_severity_category'
      when floor_usd is null then 'no_parameter'
      -- what a single transfer alerts for is direct exposure (TM28), and not small
      when floor_usd = 0 or direct_usd > floor_usd then 'outside_band'
      when window_count is null then 'window_not_available'
      when small_direct_usd is not null and window_count >= min_count and window_usd > limit_usd then 'alerted'
      when unvalued_count > 0 then 'no_valuation'
      else 'below_threshold'
    end as reason
  from measured
),

worst as (
  {{ worst_exposures('exposures', ['alerted', 'no_parameter', 'window_not_available', 'unmapped_category', 'no_valuation', 'below_threshold', 'outside_band', 'low_severity_category'], ['window_usd']) }}
),

findings as (
  select
    leg_id,
    {{ list_text(
      number_text('window_count') ~ " || ' of ' || category_code || ', together ' || " ~ number_text('window_usd', 2)
      ~ " || ' USD (limit: ' || " ~ number_text('limit_usd', 2) ~ " || ' USD)'"
    ) }} as finding_text
  from exposures
  where reason = 'alerted'
  group by leg_id
),

reasoned as (
  select
    parametered.*,
    worst.window_usd,
    worst.window_count,
    worst.limit_usd,
    findings.finding_text,
    case
      when parametered.transfer_type_code = 'trade' then 'trade'
      when parametered.rail_code is distinct from 'crypto' then 'not_crypto'
      when parametered.status_code is distinct from 'completed' then 'not_completed'
      when parametered.parameter_set_id is null or parametered.min_count is null or parametered.min_floor_ratio is null or parametered.window_hours is null then 'no_parameter'
      when worst.reason in ('alerted', 'no_parameter', 'window_not_available') then worst.reason
      when not parametered.is_registered and worst.leg_id is null then 'not_screened'
      when parametered.is_pending then 'screening_pending'
      when parametered.party_id is null then 'no_kyc'
      else coalesce(worst.reason, 'no_exposure')
    end as reason
  from parametered
  left join worst
    on worst.leg_id = parametered.leg_id
  left join findings
    on findings.leg_id = parametered.leg_id
),

{{ evidence_by_category('exposures', 'small_direct_usd is not null') }},

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.window_usd as measure_1_value,
    reasoned.window_count as measure_2_value,
    reasoned.limit_usd as threshold_1_value,
    reasoned.min_count as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'Direct exposures within ' || {{ number_text('reasoned.window_hours') }} || ' hours, each within the floor of its category, at least '
      || {{ number_text('reasoned.min_count') }} || ': ' || reasoned.finding_text || '.'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM33', ['small_exposure_usd', 'small_exposure_count']) }}
from final
