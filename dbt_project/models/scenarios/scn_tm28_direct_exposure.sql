with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

parameters as (
  {{ scenario_parameters('TM28', []) }}
),

floors as (
  select
    parameter_set_id,
    replace(parameter_code, 'floor_usd.', '') as category_code,
    parameter_value as floor_usd
  from {{ ref('int_scenario_parameters') }}
  where scenario_id = 'TM28' and parameter_code like 'floor_usd.%'
  group by parameter_set_id, parameter_code, parameter_value
),

screenings as (
  select
    transfer_id,
    count(case when screening_status_code <> 'screened' then 1 end) as pending_count
  from {{ ref('int_transfer_screenings') }}
  group by transfer_id
),

parametered as (
  select
    legs.*,
    parameters.parameter_set_id,
    screenings.transfer_id is not null as is_registered,
    coalesce(screenings.pending_count, 0) > 0 as is_pending
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join screenings
    on screenings.transfer_id = legs.transfer_id
),

-- a floor of zero means any exposure, also one without a value; rank 1 is the reason that wins for the leg
exposures as (
  select
    parametered.leg_id,
    direct.vendor_code,
    direct.category_code,
    direct.entity_name,
    direct.exposure_usd,
    direct.known_at,
    floors.floor_usd,
    case
      when floors.floor_usd = 0 then 'alerted'
      when floors.floor_usd is not null and direct.exposure_usd > floors.floor_usd then 'alerted'
      when direct.is_zero_tolerance then 'zero_tolerance_not_alerted'
      when direct.category_code is null or direct.category_code = 'unmapped' then 'unmapped_category'
      when floors.floor_usd is null and direct.severity_code = 'low' then 'low_severity_category'
      when floors.floor_usd is null then 'no_parameter'
      when direct.exposure_usd is null then 'no_valuation'
      else 'below_threshold'
    end as reason
  from parametered
  inner join {{ ref('int_exposures') }} as direct
    on direct.transfer_id = parametered.transfer_id
    and direct.exposure_type_code = 'DIRECT'
  left join floors
    on floors.parameter_set_id = parametered.parameter_set_id
    and floors.category_code = direct.category_code
  where parametered.rail_code = 'crypto'
),

ranked as (
  select
    *,
    {{ rank_of('reason', [
      'alerted', 'zero_tolerance_not_alerted', 'no_parameter', 'unmapped_category', 'no_valuation', 'below_threshold',
      'low_severity_category'
    ]) }} as reason_rank
  from exposures
),

worst as (
  select *
  from ranked
  qualify row_number() over (
    partition by leg_id order by reason_rank, coalesce(exposure_usd, 0) desc, category_code, vendor_code
  ) = 1
),

evidence as (
  select
    leg_id,
    max(known_at) as evidence_known_at,
    {{ list_text(
      "category_code || case when entity_name is not null and entity_name <> '' then ' (' || entity_name || ')' else '' end || ' '"
      ~ " || case when exposure_usd is null then 'of unknown value' else " ~ number_text('exposure_usd', 2) ~ " || ' USD' end"
      ~ " || ' against a floor of ' || " ~ number_text('floor_usd', 2) ~ " || ' USD, by ' || vendor_code"
    ) }} as exposure_text
  from ranked
  where reason = 'alerted'
  group by leg_id
),

named as (
  select distinct leg_id, category_code || coalesce(' (' || nullif(entity_name, '') || ')', '') as exposed_to
  from ranked
  where reason = 'alerted'
),

hits as (
  select leg_id, {{ list_text('exposed_to') }} as hit_key
  from named
  group by leg_id
),

reasoned as (
  select
    parametered.*,
    hits.hit_key,
    worst.exposure_usd,
    worst.floor_usd,
    evidence.exposure_text,
    evidence.evidence_known_at as exposure_known_at,
    case
      when parametered.transfer_type_code = 'trade' then 'trade'
      when parametered.rail_code is distinct from 'crypto' then 'not_crypto'
      when worst.reason in ('alerted', 'zero_tolerance_not_alerted') then worst.reason
      when not parametered.is_registered and parametered.status_code is distinct from 'completed' then 'not_completed'
      when not parametered.is_registered and worst.leg_id is null then 'not_screened'
      when parametered.parameter_set_id is null then 'no_parameter'
      when parametered.is_pending then 'screening_pending'
      else coalesce(worst.reason, 'no_exposure')
    end as reason
  from parametered
  left join worst
    on worst.leg_id = parametered.leg_id
  left join evidence
    on evidence.leg_id = parametered.leg_id
  left join hits
    on hits.leg_id = parametered.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.event_at as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.exposure_usd as measure_1_value,
    cast(null as decimal(38,6)) as measure_2_value,
    reasoned.floor_usd as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'Direct exposure of a ' || reasoned.transfer_type_code || ' of ' || coalesce(reasoned.asset_code, 'an unknown asset') || ' to ' || reasoned.exposure_text || '.'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, reasoned.exposure_known_at) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM28', ['direct_exposure_usd'], episode_key='hit_key') }}
from final
