{#- What the ledger itself says about addresses; the chain adds to it in int_transfer_addresses. -#}
with fields as (
  select 'exchange:deposit:' || deposit_id as transfer_id, 'counterparty' as role_code, chain_code, from_address as address_field, bad_checksums
  from {{ ref('stg_exchange__deposits') }}
  where from_address is not null
  union all
  select 'exchange:deposit:' || deposit_id as transfer_id, 'own' as role_code, chain_code, to_address as address_field, bad_checksums
  from {{ ref('stg_exchange__deposits') }}
  where to_address is not null
  union all
  select 'exchange:withdrawal:' || withdrawal_id as transfer_id, 'counterparty' as role_code, chain_code, to_address as address_field, bad_checksums
  from {{ ref('stg_exchange__withdrawals') }}
  where to_address is not null
),

parts as (
  select
    transfer_id,
    role_code,
    chain_code,
    bad_checksums,
    {{ address_parts('address_field') }} as address_raw
  from fields
),

normalised as (
  select
    transfer_id,
    role_code,
    chain_code,
    address_raw,
    bad_checksums,
    {{ normalise_address('address_raw') }} as address
  from parts
  where {{ strip_invisible('address_raw') }} <> ''
)

select
  transfer_id,
  role_code,
  coalesce(address, address_raw) as address,
  min(address_raw) as address_raw,
  chain_code,
  max(case when position(';' || address || ';' in ';' || bad_checksums || ';') > 0 then 1 else 0 end) = 1 as has_bad_checksum
from normalised
group by transfer_id, role_code, coalesce(address, address_raw), chain_code
