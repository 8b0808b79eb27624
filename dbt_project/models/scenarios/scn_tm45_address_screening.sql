with legs as (
  select * from {{ ref('int_transfer_legs') }}
),

addresses as (
  select transfer_id, address, is_valid
  from {{ ref('int_transfer_addresses') }}
  where role_code = 'counterparty'
),

listed as (
  select list_code, entry_id, address, name, listed_from_date, delisted_on, known_at
  from {{ ref('int_sanctioned_addresses') }}
),

parameters as (
  {{ scenario_parameters('TM45', ['min_match_score']) }}
),

address_counts as (
  select
    transfer_id,
    count(*) as address_count,
    count(case when not coalesce(is_valid, false) then 1 end) as invalid_count
  from addresses
  group by transfer_id
),

-- every address of the transfer, also an invalid one, against what was listed on the day of the transfer
matches as (
  select
    legs.leg_id,
    addresses.address,
    listed.known_at,
    listed.list_code || ' entry ' || listed.entry_id || ' (' || coalesce(listed.name, 'no name') || '), listed since ' || cast(listed.listed_from_date as string) as listing_text
  from legs
  inner join addresses
    on addresses.transfer_id = legs.transfer_id
  inner join listed
    on listed.address = addresses.address
    and listed.listed_from_date <= legs.event_date
    and (listed.delisted_on is null or listed.delisted_on > legs.event_date)
),

hits as (
  select
    leg_id,
    max(known_at) as listing_known_at,
    min(listing_text) as listing_text,
    min(address) as hit_address
  from matches
  group by leg_id
),

hit_addresses as (
  select distinct leg_id, address from matches
),

hit_keys as (
  select leg_id, {{ list_text('address') }} as hit_key
  from hit_addresses
  group by leg_id
),

reasoned as (
  select
    legs.*,
    parameters.parameter_set_id,
    parameters.min_match_score,
    hits.listing_known_at,
    hits.listing_text,
    hits.hit_address,
    hit_keys.hit_key,
    case when hits.leg_id is not null then 1 else 0 end as match_score,
    coalesce(address_counts.address_count, 0) as address_count,
    case
      when legs.transfer_type_code = 'trade' then 'trade'
      when legs.rail_code is distinct from 'crypto' then 'not_crypto'
      when parameters.parameter_set_id is null or parameters.min_match_score is null then 'no_parameter'
      when hits.leg_id is not null and parameters.min_match_score <= 1 then 'alerted'
      when coalesce(address_counts.address_count, 0) = 0 then 'no_address'
      when address_counts.invalid_count > 0 then 'invalid_address'
      else 'no_hit'
    end as reason
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join address_counts
    on address_counts.transfer_id = legs.transfer_id
  left join hits
    on hits.leg_id = legs.leg_id
  left join hit_keys
    on hit_keys.leg_id = legs.leg_id
),

final as (
  select
    reasoned.*,
    {{ subject_type('reasoned') }} as subject_type_code,
    {{ subject_id('reasoned') }} as subject_id,
    reasoned.event_at as window_start_at,
    reasoned.event_at as window_end_at,
    reasoned.match_score as measure_1_value,
    reasoned.address_count as measure_2_value,
    reasoned.min_match_score as threshold_1_value,
    cast(null as decimal(38,6)) as threshold_2_value,
    {{ outcome_of('reasoned.reason') }} as outcome_code,
    reasoned.reason as reason_code,
    case when reasoned.reason = 'alerted' then
      'The counterparty address ' || reasoned.hit_address || ' of a ' || reasoned.status_code || ' ' || reasoned.transfer_type_code || ' of '
      || coalesce(reasoned.asset_code, 'an unknown asset') || ' is on the sanctions list: ' || reasoned.listing_text || '.'
    end as reason_text,
    case when reasoned.reason = 'alerted' then reasoned.transfer_id end as evidence_transfer_ids,
    case when reasoned.reason = 'alerted' then greatest(reasoned.known_at, reasoned.listing_known_at) end as evidence_known_at,
    case when reasoned.reason = 'alerted' then reasoned.event_at end as evidence_end_at
  from reasoned
)

select
  {{ scenario_standard_columns('TM45', ['match_score', 'addresses_screened'], episode_key='hit_key') }}
from final
