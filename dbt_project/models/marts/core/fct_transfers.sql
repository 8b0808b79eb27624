with transfers as (
  select * from {{ ref('int_transfers') }}
),

accounts as (
  select account_id, party_id from {{ ref('int_accounts') }}
)

select
  transfers.transfer_id,
  transfers.source_code,
  transfers.transfer_type_code,
  transfers.rail_code,
  transfers.status_code,
  {{ pseudonym('transfers.account_id') }} as account_key,
  {{ pseudonym('accounts.party_id') }} as party_key,
  {{ pseudonym('transfers.counter_account_id') }} as counter_account_key,
  {{ pseudonym('counter_accounts.party_id') }} as counter_party_key,
  {{ pseudonym('transfers.counterparty_id') }} as counterparty_key,
  transfers.counterparty_address,
  transfers.asset_code,
  transfers.chain_code,
  transfers.tx_hash,
  transfers.chain_transfer_id,
  transfers.bank_entry_id is not null as has_bank_entry,
  transfers.amount,
  transfers.amount_usd,
  transfers.event_at,
  transfers.event_date,
  transfers.known_at,
  cast({{ days_between('transfers.event_at', 'transfers.known_at') }} as bigint) as days_until_known
from transfers
left join accounts on transfers.account_id = accounts.account_id
left join accounts as counter_accounts on transfers.counter_account_id = counter_accounts.account_id
