with ledger_addresses as (
  select * from {{ ref('int_transfer_addresses') }}
  where role_code = 'counterparty'
),

-- One address a transfer is shown and grouped by; all of them stay in int_transfer_addresses.
counterparty_addresses as (
  select transfer_id, address
  from ledger_addresses
  qualify row_number() over (partition by transfer_id order by case when is_valid then 0 else 1 end, address) = 1
),

bank_matches as (
  select transfer_id, entry_id, counterparty_account
  from {{ ref('int_bank_entries') }}
  where match_status_code = 'matched'
),

chain_matches as (
  select transfer_id, chain_transfer_id
  from {{ ref('int_chain_transfers') }}
  where match_status_code = 'matched'
),

movements as (
  select
    'exchange:deposit:' || deposit_id as transfer_id,
    'exchange' as source_code,
    'deposit' as transfer_type_code,
    rail_code,
    status_code,
    account_id,
    cast(null as string) as counter_account_id,
    asset_code,
    amount,
    event_at,
    event_date,
    chain_code,
    tx_hash,
    from_address as counterparty_address_raw,
    cast(null as string) as counterparty_account,
    first_known_at as known_at,
    ip_address,
    device_id
  from {{ ref('stg_exchange__deposits') }}
  union all
  select
    'exchange:withdrawal:' || withdrawal_id as transfer_id,
    'exchange' as source_code,
    'withdrawal' as transfer_type_code,
    rail_code,
    status_code,
    account_id,
    cast(null as string) as counter_account_id,
    asset_code,
    amount,
    event_at,
    event_date,
    chain_code,
    tx_hash,
    to_address as counterparty_address_raw,
    upper(replace(beneficiary_account, ' ', '')) as counterparty_account,
    first_known_at as known_at,
    ip_address,
    device_id
  from {{ ref('stg_exchange__withdrawals') }}
  union all
  select
    'exchange:internal_transfer:' || internal_transfer_id as transfer_id,
    'exchange' as source_code,
    'internal_transfer' as transfer_type_code,
    'internal' as rail_code,
    status_code,
    from_account_id as account_id,
    to_account_id as counter_account_id,
    asset_code,
    amount,
    event_at,
    event_date,
    cast(null as string) as chain_code,
    cast(null as string) as tx_hash,
    cast(null as string) as counterparty_address_raw,
    cast(null as string) as counterparty_account,
    first_known_at as known_at,
    cast(null as string) as ip_address,
    cast(null as string) as device_id
  from {{ ref('stg_exchange__internal_transfers') }}
  union all
  select
    'exchange:trade:' || trade_id as transfer_id,
    'exchange' as source_code,
    'trade' as transfer_type_code,
    'trade' as rail_code,
    'completed' as status_code,
    account_id,
    cast(null as string) as counter_account_id,
    base_asset_code as asset_code,
    base_amount as amount,
    event_at,
    event_date,
    cast(null as string) as chain_code,
    cast(null as string) as tx_hash,
    cast(null as string) as counterparty_address_raw,
    cast(null as string) as counterparty_account,
    first_known_at as known_at,
    cast(null as string) as ip_address,
    cast(null as string) as device_id
  from {{ ref('stg_exchange__trades') }}
  union all
  select
    transfer_id,
    'bank' as source_code,
    case direction_code when 'in' then 'deposit' else 'withdrawal' end as transfer_type_code,
    'fiat' as rail_code,
    status_code,
    cast(null as string) as account_id,
    cast(null as string) as counter_account_id,
    asset_code,
    amount,
    event_at,
    event_date,
    cast(null as string) as chain_code,
    cast(null as string) as tx_hash,
    cast(null as string) as counterparty_address_raw,
    counterparty_account,
    known_at,
    cast(null as string) as ip_address,
    cast(null as string) as device_id
  from {{ ref('int_bank_entries') }}
  where match_status_code = 'unmatched'
  union all
  select
    transfer_id,
    'onchain' as source_code,
    case direction_code when 'in' then 'deposit' else 'withdrawal' end as transfer_type_code,
    'crypto' as rail_code,
    'completed' as status_code,
    account_id,
    cast(null as string) as counter_account_id,
    asset_code,
    amount,
    event_at,
    event_date,
    chain_code,
    tx_hash,
    case direction_code when 'in' then from_address else to_address end as counterparty_address_raw,
    cast(null as string) as counterparty_account,
    known_at,
    cast(null as string) as ip_address,
    cast(null as string) as device_id
  from {{ ref('int_chain_transfers') }}
  where match_status_code = 'unmatched'
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
),

-- The newest rate at or before the transfer on its day, where the desk has rates within the day.
rate_hours as (
  select asset_code, rate_date, valid_from_at, valid_to_at, rate_usd from {{ ref('int_rate_hours') }}
)

select
  movements.transfer_id,
  movements.source_code,
  movements.transfer_type_code,
  movements.rail_code,
  movements.status_code,
  movements.account_id,
  movements.counter_account_id,
  movements.asset_code,
  movements.amount,
  coalesce(rate_hours.rate_usd, rates.rate_usd) as rate_usd,
  {{ usd_amount('movements.amount', 'coalesce(rate_hours.rate_usd, rates.rate_usd)') }} as amount_usd,
  movements.event_at,
  movements.event_date,
  movements.chain_code,
  movements.tx_hash,
  counterparty_addresses.address as counterparty_address,
  movements.counterparty_address_raw,
  coalesce(
    counterparty_addresses.address,
    movements.counterparty_account,
    bank_matches.counterparty_account,
    movements.counter_account_id
  ) as counterparty_id,
  bank_matches.entry_id as bank_entry_id,
  chain_matches.chain_transfer_id,
  case when movements.transfer_type_code = 'internal_transfer' then 2 else 1 end as legs_expected,
  movements.known_at,
  movements.ip_address,
  movements.device_id
from movements
left join rates
  on movements.asset_code = rates.asset_code
  and movements.event_date = rates.rate_date
left join rate_hours
  on movements.asset_code = rate_hours.asset_code
  and movements.event_date = rate_hours.rate_date
  and movements.event_at >= rate_hours.valid_from_at
  and movements.event_at < rate_hours.valid_to_at
left join counterparty_addresses on movements.transfer_id = counterparty_addresses.transfer_id
left join bank_matches on movements.transfer_id = bank_matches.transfer_id
left join chain_matches on movements.transfer_id = chain_matches.transfer_id
