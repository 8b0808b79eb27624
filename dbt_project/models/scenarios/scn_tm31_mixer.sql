with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

parameters as (
  {{ scenario_parameters('TM31', ['denomination_1', 'denomination_2', 'denomination_3', 'denomination_4']) }}
),

direct_floors as (
  {{ category_parameters('TM31', 'direct_floor_usd', 'direct_floor_usd') }}
),

indirect_floors as (
  {{ category_parameters('TM31', 'indirect_floor_usd', 'indirect_floor_usd') }}
),

screenings as (
  {{ screening_states() }}
),

features as (
  select
    leg_id, category_code, direct_vendor_count, indirect_vendor_count, attributed_vendor_count, direct_usd, indirect_usd, exposure_known_at
  from {{ ref('feat_transfer_category__exposure') }}
),

parametered as (
  select
    legs.*,
    parameters.parameter_set_id,
    coalesce(
      legs.amount in (
        {%- for number in ['1', '2', '3', '4'] %}
        cast(parameters.denomination_{{ number }} as decimal(18,6)){{ "," if not loop.last }}
        {%- endfor %}
      ),
      false
    ) as is_denomination,
    screenings.transfer_id is not null as is_registered,
    coalesce(screenings.is_pending, false) as is_pending
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join screenings
    on screenings.transfer_id = legs.transfer_id
),

-- a floor of zero means any exposure, also one without a value; a public tag is a hint, which the amount has to bear out
exposures as (
  select
    parametered.leg_id,
    features.category_code,
    features.direct_vendor_count,
    features.indirect_vendor_count,
    coalesce(features.direct_usd, features.indirect_usd) as exposure_usd,
    features.exposure_known_at,
    indirect_floors.indirect_floor_usd,
    case
      when features.category_code = 'unmapped' then 'unmapped_category'
      when direct_floors.direct_floor_usd is null and indirect_floors.indirect_floor_usd is null then 'no_exposure'
      when direct_floors.direct_floor_usd is null or indirect_floors.indirect_floor_usd is null then 'no_parameter'
      when
        features.direct_vendor_count > 0
        and (direct_floors.direct_floor_usd = 0 or coalesce(features.direct_usd > direct_floors.direct_floor_usd, false))
        then 'alerted'
      when features.indirect_usd >= indirect_floors.indirect_floor_usd then 'alerted'
      when parametered.is_denomination then 'alerted'
      when features.direct_vendor_count > 0 and features.direct_usd is null then 'no_valuation'
      when features.indirect_vendor_count > 0 and features.indirect_usd is null then 'no_valuation'
      else 'below_threshold'
    end as reason
  from parametered
  inner join features
    on features.leg_id = parametered.leg_id
  left join direct_floors
    on direct_floors.parameter_set_id = parametered.parameter_set_id
    and direct_floors.category_code = features.category_code
  left join indirect_floors
    on indirect_floors.parameter_set_id = parametered.parameter_set_id
    and indirect_floors.category_code = features.category_code
),

worst as (
  {{ worst_exposures('exposures', ['alerted', 'no_parameter', 'unmapped_category', 'no_valuation', 'below_threshold', 'no_exposure'], ['exposure_usd']) }}
),

findings as (
  select
    leg_id,
    max(exposure_known_at) as exposure_known_at,
    {{ list_text(
      "case when direct_vendor_count > 0 then 'direct' when indirect_vendor_count > 0 then 'indirect' else 'tagged' end || ' ' || category_code || ' '"
      ~ " || case when exposure_usd is null then 'of unknown value' else 'of ' || " ~ number_text('exposure_usd', 2) ~ " || ' USD' end"
    ) }} as finding_text
  from exposures
  where reason = 'alerted'
  group by leg_id
),

reasoned as (
  select
    parametered.*,
    worst.exposure_usd,
    worst.indirect_floor_usd,
    findings.finding_text,
    findings.exposure_known_at,
    case
      when parametered.transfer_type_code = 'trade' then 'trade'
      when parametered.rail_code is distinct from 'crypto' then 'not_crypto'
      when parametered.status_code is distinct from 'completed' then 'not_completed'
      when parametered.parameter_set_id is null then 'no_parameter'
      when worst.reason in ('alerted', 'no_parameter') then worst.reason
      when not parametered.is_registered and worst.leg_id is null then 'not_screened'
      when parametered.is_pending then 'screening_pending'
      else coalesce(worst.reason, 'no_exposure')
    end as reason
  from parametered
  left join worst
    on worst.leg_id = parametered.leg_id
  left join findings
    on findings.leg_id = parametered.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.event_at as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.exposure_usd as measure_1_value,
    case when reasoned.is_denomination then 1 else 0 end as measure_2_value,
    reasoned.indirect_floor_usd as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A ' || reasoned.transfer_type_code || ' of ' || coalesce(reasoned.asset_code, 'an unknown asset') || ' with exposure to mixing: ' || reasoned.finding_text
      || case when reasoned.is_denomination then '; the amount is a denomination of a mixer' else '' end
      || ' (limits: any direct exposure, ' || {{ number_text('reasoned.indirect_floor_usd', 2) }} || ' USD of an indirect one).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, reasoned.exposure_known_at) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM31', ['mixer_exposure_usd', 'is_denomination']) }}
from final
