{#- A vendor has screened a transfer when it has finished with the transfer, or, where it was asked about addresses only, with its
    counterparty. What it could not screen (failed, never on chain) it has not screened. -#}
with counterparties as (
  select transfer_id, address from {{ ref('int_transfer_addresses') }}
  where role_code = 'counterparty'
),

elliptic_latest as (
  {{ latest_elliptic_analyses() | indent(2) }}
),

screenings as (
  select
    transfer_id,
    'chainalysis' as vendor_code,
    external_id,
    case when updated_at is not null then 'screened' else 'pending' end as screening_status_code,
    updated_at as screened_at,
    vendor_amount_usd,
    'transfer' as subject_type_code,
    first_known_at,
    known_at
  from {{ ref('stg_chainalysis__transfers') }}
  union all
  select
    transfer_id,
    'trm' as vendor_code,
    transfer_uuid as external_id,
    case when screen_status_code = 'SUCCEEDED' then 'screened' else 'pending' end as screening_status_code,
    case when screen_status_code = 'SUCCEEDED' then known_at end as screened_at,
    vendor_amount_usd,
    'transfer' as subject_type_code,
    first_known_at,
    known_at
  from {{ ref('stg_trm__transfers') }}
  where screen_status_code <> 'FAILED'
  union all
  select
    counterparties.transfer_id,
    'trm' as vendor_code,
    addresses.screening_id as external_id,
    'screened' as screening_status_code,
    coalesce(addresses.screened_at, addresses.known_at) as screened_at,
    cast(null as decimal(18,2)) as vendor_amount_usd,
    'address' as subject_type_code,
    addresses.first_known_at,
    addresses.known_at
  from {{ ref('stg_trm__address_screenings') }} as addresses
  inner join counterparties on addresses.address = counterparties.address
  union all
  select
    coalesce(counterparties.transfer_id, latest.subject_id) as transfer_id,
    'elliptic' as vendor_code,
    latest.analysis_id as external_id,
    case when latest.process_status_code = 'complete' then 'screened' else 'pending' end as screening_status_code,
    case when latest.process_status_code = 'complete' then latest.analysed_at end as screened_at,
    cast(null as decimal(18,2)) as vendor_amount_usd,
    latest.subject_type_code,
    latest.first_known_at,
    latest.known_at
  from elliptic_latest as latest
  left join counterparties
    on latest.subject_type_code = 'address'
    and latest.subject_id = counterparties.address
  where latest.process_status_code in ('complete', 'running')
    and latest.subject_id is not null
    and (latest.subject_type_code = 'transfer' or counterparties.transfer_id is not null)
)

select
  transfer_id,
  vendor_code,
  external_id,
  screening_status_code,
  screened_at,
  vendor_amount_usd,
  first_known_at as known_at
from screenings
-- Registered twice under two vendor ids: the finished answer counts. What is said of the transfer goes before its address.
qualify row_number() over (
  partition by transfer_id, vendor_code
  order by
    case when subject_type_code = 'transfer' then 0 else 1 end,
    case when screening_status_code = 'screened' then 0 else 1 end,
    known_at desc,
    external_id
) = 1
