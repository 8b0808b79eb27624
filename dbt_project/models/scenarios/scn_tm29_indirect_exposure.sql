with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

parameters as (
  {{ scenario_parameters('TM29', ['min_share', 'min_share_usd', 'window_hours']) }}
),

floors as (
  {{ category_parameters('TM29', 'floor_usd', 'floor_usd') }}
),

screenings as (
  {{ screening_states() }}
),

features as (
  select leg_id, category_code, severity_code, is_zero_tolerance, exposure_known_at, indirect_usd, indirect_usd_30d, indirect_unvalued_count_30d
  from {{ ref('feat_transfer_category__exposure') }}
  where indirect_vendor_count > 0
),

parametered as (
  select
    legs.*,
    coalesce(legs.party_id, legs.leg_id) as holder_id,
    parameters.parameter_set_id,
    parameters.min_share,
    parameters.min_share_usd,
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
    features.is_zero_tolerance,
    features.indirect_usd,
    {{ feature_of_window('parametered.window_hours', 'features.indirect_usd_', ['30d']) }} as window_usd,
    {{ feature_of_window('parametered.window_hours', 'features.indirect_unvalued_count_', ['30d']) }} as unvalued_count,
    floors.floor_usd
  from parametered
  inner join features
    on features.leg_id = parametered.leg_id
  left join floors
    on floors.parameter_set_id = parametered.parameter_set_id
    and floors.category_code = features.category_code
),

exposures as (
  select
    *,
    case
      -- a floor of zero means any exposure, also one without a value
      when floor_usd = 0 then 'alerted'
      when is_zero_tolerance then 'zero_tolerance_not_alerted'
      when category_code = 'unmapped' then 'unmapped_category'
      when floor_usd is null and severity_code = 'low' then 'low_severity_category'
      when floor_usd is null then 'no_parameter'
      when window_usd is null then 'window_not_available'
      when window_usd >= floor_usd then 'alerted'
      when indirect_usd >= min_share_usd and indirect_usd >= cast(min_share as decimal(9,6)) * amount_usd then 'alerted'
      when unvalued_count > 0 or (indirect_usd >= min_share_usd and amount_usd is null) then 'no_valuation'
      else 'below_threshold'
    end as reason
  from measured
),

worst as (
  {{ worst_exposures('exposures', ['alerted', 'zero_tolerance_not_alerted', 'no_parameter', 'window_not_available', 'unmapped_category', 'no_valuation', 'below_threshold', 'low_severity_category'], ['window_usd']) }}
),

findings as (
  select
    leg_id,
    {{ list_text(
      "category_code || ' ' || " ~ number_text('window_usd', 2) ~ " || ' USD (limit: ' || " ~ number_text('floor_usd', 2) ~ " || '), of it '"
      ~ " || case when indirect_usd is null then 'an unknown value' else " ~ number_text('indirect_usd', 2) ~ " || ' USD' end || ' with this transfer'"
    ) }} as finding_text
  from exposures
  where reason = 'alerted'
  group by leg_id
),

reasoned as (
  select
    parametered.*,
    worst.window_usd,
    worst.indirect_usd,
    worst.floor_usd,
    findings.finding_text,
    case
      when parametered.transfer_type_code = 'trade' then 'trade'
      when parametered.rail_code is distinct from 'crypto' then 'not_crypto'
      when parametered.status_code is distinct from 'completed' then 'not_completed'
      when parametered.parameter_set_id is null or parametered.min_share is null or parametered.min_share_usd is null or parametered.window_hours is null then 'no_parameter'
      when worst.reason in ('alerted', 'zero_tolerance_not_alerted', 'no_parameter', 'window_not_available') then worst.reason
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

{{ evidence_by_category('exposures') }},

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    {{ hours_after('reasoned.event_at', '-1 * reasoned.window_hours') }} as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.window_usd as measure_1_value,
    reasoned.indirect_usd as measure_2_value,
    reasoned.floor_usd as threshold_1_value,
    reasoned.min_share_usd as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'Indirect exposure within ' || {{ number_text('reasoned.window_hours') }} || ' hours (or of one transfer at least '
      || {{ percent_text('reasoned.min_share') }} || ' of it and ' || {{ number_text('reasoned.min_share_usd', 2) }} || ' USD): ' || reasoned.finding_text || '.'
    end as reason_text,
    evidence.evidence_transfer_ids,
    evidence.evidence_known_at,
    evidence.evidence_end_at
  from reasoned
  left join evidence
    on evidence.alerted_leg_id = reasoned.leg_id
)

select
  {{ scenario_standard_columns('TM29', ['indirect_usd', 'transfer_indirect_usd']) }}
from final
