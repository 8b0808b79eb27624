with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

addresses as (
  select transfer_id, address, is_valid
  from {{ ref('int_transfer_addresses') }}
  where role_code = 'counterparty'
),

listed as (
  select address, name, upper(trim(name)) as name_key, listed_from_date, delisted_on, known_at
  from {{ ref('int_sanctioned_addresses') }}
),

parameters as (
  {{ scenario_parameters('TM30', ['min_days_since_designation']) }}
),

designations as (
  {{ category_parameters('TM30', 'designation', 'is_designation') }}
),

screenings as (
  {{ screening_states() }}
),

address_counts as (
  select transfer_id, count(case when not coalesce(is_valid, false) then 1 end) as invalid_count
  from addresses
  group by transfer_id
),

parametered as (
  select
    legs.*,
    parameters.parameter_set_id,
    parameters.min_days_since_designation,
    screenings.transfer_id is not null as is_registered,
    coalesce(screenings.is_pending, false) as is_pending,
    coalesce(address_counts.invalid_count, 0) as invalid_count
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join screenings
    on screenings.transfer_id = legs.transfer_id
  left join address_counts
    on address_counts.transfer_id = legs.transfer_id
),

exposed as (
  select
    parametered.leg_id,
    parametered.event_date,
    parametered.min_days_since_designation,
    exposures.exposure_type_code,
    exposures.category_code,
    exposures.entity_name,
    exposures.known_at
  from parametered
  inner join {{ ref('int_exposures') }} as exposures
    on exposures.transfer_id = parametered.transfer_id
    and exposures.exposure_type_code in ('DIRECT', 'INDIRECT')
  inner join designations
    on designations.parameter_set_id = parametered.parameter_set_id
    and designations.category_code = exposures.category_code
    and designations.is_designation = 1
),

-- the address of the other side, and whom the vendors name behind it, in alerts after the category and a colon; a name that no
-- list has, has no date
links as (
  select
    parametered.leg_id,
    parametered.event_date,
    parametered.min_days_since_designation,
    'address ' || addresses.address as link_text,
    listed.name as designated_name,
    listed.listed_from_date,
    listed.delisted_on,
    listed.known_at
  from parametered
  inner join addresses
    on addresses.transfer_id = parametered.transfer_id
  inner join listed
    on listed.address = addresses.address
  where parametered.rail_code = 'crypto'
  union all
  select
    exposed.leg_id,
    exposed.event_date,
    exposed.min_days_since_designation,
    lower(exposed.exposure_type_code) || ' exposure' as link_text,
    exposed.entity_name as designated_name,
    listed.listed_from_date,
    listed.delisted_on,
    greatest(exposed.known_at, coalesce(listed.known_at, exposed.known_at)) as known_at
  from exposed
  left join listed
    on listed.name_key = upper(trim({{ regex_replace('exposed.entity_name', '^[A-Z -]+: ', '') }}))
),

dated as (
  select
    *,
    coalesce(designated_name, 'no name') as category_code,
    {{ days_between('listed_from_date', 'event_date') }} as days_since_designation
  from links
),

judged as (
  select
    *,
    case
      when listed_from_date is null then 'no_designation_date'
      when days_since_designation >= min_days_since_designation and (delisted_on is null or delisted_on > event_date) then 'alerted'
      else 'not_designated_then'
    end as reason
  from dated
),

worst as (
  {{ worst_exposures('judged', ['alerted', 'no_designation_date', 'not_designated_then'], ['days_since_designation']) }}
),

findings as (
  select
    leg_id,
    max(known_at) as link_known_at,
    {{ list_text('finding') }} as finding_text
  from (
    select
      leg_id,
      link_text || ' (' || category_code || ', designated on ' || cast(listed_from_date as string) || ')' as finding,
      max(known_at) as known_at
    from judged
    where reason = 'alerted'
    group by leg_id, link_text, category_code, listed_from_date
  ) as distinct_findings
  group by leg_id
),

reasoned as (
  select
    parametered.*,
    worst.days_since_designation,
    findings.finding_text,
    findings.link_known_at,
    case
      when parametered.transfer_type_code = 'trade' then 'trade'
      when parametered.rail_code is distinct from 'crypto' then 'not_crypto'
      when parametered.parameter_set_id is null or parametered.min_days_since_designation is null then 'no_parameter'
      when worst.reason = 'alerted' then 'alerted'
      when parametered.status_code is distinct from 'completed' then 'not_completed'
      when worst.reason = 'no_designation_date' then 'no_designation_date'
      when not parametered.is_registered then 'not_screened'
      when parametered.is_pending then 'screening_pending'
      when parametered.invalid_count > 0 then 'invalid_address'
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
    reasoned.days_since_designation as measure_1_value,
    cast(null as decimal(38,6)) as measure_2_value,
    reasoned.min_days_since_designation as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'A ' || reasoned.status_code || ' ' || reasoned.transfer_type_code || ' of ' || coalesce(reasoned.asset_code, 'an unknown asset')
      || ' with somebody designated before it: ' || reasoned.finding_text || ' (limit: ' || {{ number_text('reasoned.min_days_since_designation') }}
      || ' days after the designation).'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, reasoned.link_known_at) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM30', ['days_since_designation']) }}
from final
