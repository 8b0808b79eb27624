{#- The ledger's addresses and the chain's: a sender that the ledger leaves out or garbles is still screened. -#}
with chain_transfers as (
  select * from {{ ref('int_chain_transfers') }}
  where match_status_code <> 'out_of_scope'
),

bitcoin_senders as (
  select distinct
    chain_transfers.transfer_id,
    {{ normalise_address('inputs.address') }} as address,
    inputs.address as address_raw
  from chain_transfers
  inner join {{ ref('stg_onchain__bitcoin_inputs') }} as inputs
    on chain_transfers.tx_hash = inputs.tx_hash
  where chain_transfers.chain_code = 'bitcoin' and chain_transfers.direction_code = 'in'
),

mentioned as (
  select transfer_id, role_code, address, address_raw, chain_code, has_bad_checksum
  from {{ ref('int_ledger_addresses') }}
  union all
  select
    transfer_id,
    case when direction_code = 'in' then 'counterparty' else 'own' end as role_code,
    from_address as address,
    from_address as address_raw,
    chain_code,
    false as has_bad_checksum
  from chain_transfers
  where from_address is not null
  union all
  select
    transfer_id,
    case when direction_code = 'in' then 'own' else 'counterparty' end as role_code,
    to_address as address,
    to_address as address_raw,
    chain_code,
    false as has_bad_checksum
  from chain_transfers
  where to_address is not null
  union all
  select transfer_id, 'counterparty' as role_code, address, address_raw, 'bitcoin' as chain_code, false as has_bad_checksum
  from bitcoin_senders
  where address is not null
),

distinct_addresses as (
  select
    transfer_id,
    role_code,
    address,
    min(address_raw) as address_raw,
    min(chain_code) as chain_code,
    -- Where the chain itself names the address, the ledger's spelling of it (the case of its letters) is not what counts.
    min(case when has_bad_checksum then 1 else 0 end) = 1 as has_bad_checksum
  from mentioned
  group by transfer_id, role_code, address
)

select
  transfer_id,
  role_code,
  address,
  address_raw,
  chain_code,
  {{ address_problem('address', 'chain_code') }} is null and not has_bad_checksum as is_valid,
  coalesce({{ address_problem('address', 'chain_code') }}, case when has_bad_checksum then 'bad_checksum' end) as invalid_reason_code
from distinct_addresses
