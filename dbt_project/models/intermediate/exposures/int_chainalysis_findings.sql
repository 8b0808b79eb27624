{#- What Chainalysis says outside of its answers about registered transfers: about addresses, about withdrawals before they were paid,
    and in its list of alerts. These name categories in words; the words of its own category list are that list's ids. -#}
with categories as (
  select lower(vendor_category_name) as category_name, min(vendor_category_id) as vendor_category_id
  from {{ ref('exposure_categories') }}
  where vendor_code = 'chainalysis' and vendor_category_name <> ''
  group by lower(vendor_category_name)
),

transfers as (
  select user_id, transfer_reference, direction_code, min(transfer_id) as transfer_id, min(first_known_at) as known_at
  from {{ ref('stg_chainalysis__transfers') }}
  group by user_id, transfer_reference, direction_code
),

screenings as (
  select * from {{ ref('stg_chainalysis__address_screenings') }}
),

said as (
  select
    'address_screening' as source_code,
    'address' as subject_type_code,
    address as subject_id,
    screening_id as answer_id,
    'address_identity' as vendor_exposure_type,
    cast(null as string) as vendor_category_id,
    cluster_category as vendor_category_name,
    cluster_name as entity_name,
    cast(null as decimal(18,2)) as vendor_amount_usd,
    first_known_at as known_at
  from screenings
  where cluster_category is not null or cluster_name is not null
  union all
  select
    'address_screening',
    'address',
    screenings.address,
    screenings.screening_id,
    case
      when members.member_code = 'identifications' then 'address_identity'
      else 'address_' || lower(trim(coalesce(members.exposure_type_code, 'exposure')))
    end,
    cast(null as string),
    members.category,
    members.name,
    cast(null as decimal(18,2)),
    screenings.first_known_at
  from {{ ref('stg_chainalysis__address_exposures') }} as members
  inner join screenings on members.screening_id = screenings.screening_id
  union all
  select
    'withdrawal_attempt',
    'transfer',
    transfer_id,
    external_id,
    'DIRECT',
    cast(direct_category_id as string),
    direct_category,
    direct_name,
    vendor_amount_usd,
    first_known_at
  from {{ ref('stg_chainalysis__withdrawal_attempts') }}
  where direct_category_id is not null or direct_category is not null or direct_name is not null
  union all
  select
    'alert_state',
    'transfer',
    transfers.transfer_id,
    states.alert_id,
    states.exposure_type_code,
    cast(null as string),
    states.category,
    states.service,
    states.alert_amount_usd,
    greatest(states.first_known_at, transfers.known_at)
  from {{ ref('stg_chainalysis__alert_states') }} as states
  inner join transfers
    on states.user_id = transfers.user_id
    and states.transfer_reference = transfers.transfer_reference
    and states.direction_code = transfers.direction_code
)

select
  said.source_code,
  said.subject_type_code,
  said.subject_id,
  said.answer_id,
  said.vendor_exposure_type,
  coalesce(said.vendor_category_id, categories.vendor_category_id, lower(trim(said.vendor_category_name)), '') as vendor_category_id,
  said.vendor_category_name,
  said.entity_name,
  said.vendor_amount_usd,
  said.known_at
from said
left join categories on lower(trim(said.vendor_category_name)) = categories.category_name
