with assets as (
  select asset_code, token_address, decimals
  from {{ ref('assets') }}
  where chain_code = 'ethereum' and token_address is not null
),

own as (
  select address, account_id from {{ ref('int_exchange_addresses') }}
),

bitcoin_senders as (
  select tx_hash, {{ split_to_rows("coalesce(address, '')", ';') }} as address
  from {{ ref('stg_onchain__bitcoin_inputs') }}
),

bitcoin_sources as (
  select
    bitcoin_senders.tx_hash,
    min({{ normalise_address('bitcoin_senders.address') }}) as from_address,
    max(case when own.address is not null then own.address end) as own_address
  from bitcoin_senders
  left join own on {{ normalise_address('bitcoin_senders.address') }} = own.address
  group by bitcoin_senders.tx_hash
),

bitcoin_receivers as (
  select tx_hash, output_index, {{ split_to_rows("coalesce(address, '')", ';') }} as address
  from {{ ref('stg_onchain__bitcoin_outputs') }}
),

bitcoin_targets as (
  select
    bitcoin_receivers.tx_hash,
    bitcoin_receivers.output_index,
    min({{ normalise_address('bitcoin_receivers.address') }}) as to_address,
    max(case when own.address is not null then own.address end) as own_address
  from bitcoin_receivers
  left join own on {{ normalise_address('bitcoin_receivers.address') }} = own.address
  group by bitcoin_receivers.tx_hash, bitcoin_receivers.output_index
),

movements as (
  select
    'ethereum:' || tx_hash || ':tx' as chain_transfer_id,
    'ethereum' as chain_code,
    tx_hash,
    from_address,
    to_address,
    'ETH' as asset_code,
    cast(null as string) as token_address,
    {{ scaled_amount('value_text', '18') }} as amount,
    value_text = '0' as is_empty,
    event_at,
    block_number,
    block_hash,
    receipt_status,
    false as is_sender_unknown,
    first_known_at as known_at,
    extract_id
  from {{ ref('stg_onchain__ethereum_transactions') }}
  union all
  select
    'ethereum:' || transfers.tx_hash || ':log:' || cast(transfers.log_index as string) as chain_transfer_id,
    'ethereum' as chain_code,
    transfers.tx_hash,
    transfers.from_address,
    transfers.to_address,
    assets.asset_code,
    transfers.token_address,
    {{ scaled_amount('transfers.value_text', 'assets.decimals') }} as amount,
    transfers.value_text = '0' as is_empty,
    -- A log without its block's time counts on the day on which it became known.
    coalesce(transfers.event_at, transfers.known_at) as event_at,
    transfers.block_number,
    transfers.block_hash,
    cast(null as bigint) as receipt_status,
    false as is_sender_unknown,
    transfers.first_known_at as known_at,
    transfers.extract_id
  from {{ ref('stg_onchain__ethereum_token_transfers') }} as transfers
  left join assets on transfers.token_address = assets.token_address
  union all
  select
    'bitcoin:' || outputs.tx_hash || ':out:' || cast(outputs.output_index as string) as chain_transfer_id,
    'bitcoin' as chain_code,
    outputs.tx_hash,
    coalesce(bitcoin_sources.own_address, bitcoin_sources.from_address) as from_address,
    coalesce(bitcoin_targets.own_address, bitcoin_targets.to_address) as to_address,
    'BTC' as asset_code,
    cast(null as string) as token_address,
    {{ scaled_amount('outputs.value_text', '8') }} as amount,
    outputs.value_text = '0' as is_empty,
    outputs.event_at,
    outputs.block_number,
    outputs.block_hash,
    cast(null as bigint) as receipt_status,
    bitcoin_sources.tx_hash is null and not coalesce(outputs.is_coinbase, false) as is_sender_unknown,
    outputs.first_known_at as known_at,
    outputs.extract_id
  from {{ ref('stg_onchain__bitcoin_outputs') }} as outputs
  left join bitcoin_sources on outputs.tx_hash = bitcoin_sources.tx_hash
  left join bitcoin_targets
    on outputs.tx_hash = bitcoin_targets.tx_hash
    and outputs.output_index = bitcoin_targets.output_index
),

classified as (
  select
    movements.*,
    case
      when receiver.address is not null and sender.address is null then 'in'
      when sender.address is not null and receiver.address is null then 'out'
    end as direction_code,
    coalesce(receiver.account_id, sender.account_id) as account_id,
    case
      when blocks.block_hash <> lower(movements.block_hash) then 'block_replaced'
      when movements.receipt_status = 0 then 'failed_on_chain'
      when sender.address is not null and receiver.address is not null then 'own_wallet_movement'
      when sender.address is null and receiver.address is null and movements.is_sender_unknown then 'sender_not_delivered'
      when sender.address is null and receiver.address is null then 'no_exchange_address'
      when movements.is_empty then 'no_value'
    end as out_of_scope_reason
  from movements
  left join own as sender on movements.from_address = sender.address
  left join own as receiver on movements.to_address = receiver.address
  -- A transaction that came again in the new block is there in its newest version; what is still in a block that is no
  -- longer the chain's did not happen.
  left join {{ ref('stg_onchain__blocks') }} as blocks
    on movements.chain_code = blocks.chain_code
    and movements.block_number = blocks.block_number
),

in_scope as (
  select
    chain_transfer_id,
    tx_hash,
    direction_code,
    asset_code,
    amount,
    case when direction_code = 'in' then to_address else from_address end as own_address,
    case when direction_code = 'in' then from_address else to_address end as counterparty_address
  from classified
  where out_of_scope_reason is null
),

ledger as (
  select 'exchange:deposit:' || deposit_id as transfer_id, tx_hash, 'in' as direction_code, asset_code, amount
  from {{ ref('stg_exchange__deposits') }}
  where tx_hash is not null and status_code = 'completed'
  union all
  select 'exchange:withdrawal:' || withdrawal_id as transfer_id, tx_hash, 'out' as direction_code, asset_code, amount
  from {{ ref('stg_exchange__withdrawals') }}
  where tx_hash is not null and status_code = 'completed'
),

ledger_addresses as (
  select transfer_id, role_code, address from {{ ref('int_ledger_addresses') }}
),

-- Hash, asset, direction, amount and the receiving address agree; equal ones are paired off in order, one to one.
chain_exact as (
  select
    *,
    case when direction_code = 'in' then own_address else counterparty_address end as receiving_address,
    row_number() over (
      partition by tx_hash, asset_code, direction_code, amount, case when direction_code = 'in' then own_address else counterparty_address end
      order by chain_transfer_id
    ) as pair_no
  from in_scope
),

ledger_exact as (
  select
    ledger.*,
    ledger_addresses.address as receiving_address,
    row_number() over (
      partition by ledger.tx_hash, ledger.asset_code, ledger.direction_code, ledger.amount, ledger_addresses.address
      order by ledger.transfer_id
    ) as pair_no
  from ledger
  inner join ledger_addresses
    on ledger.transfer_id = ledger_addresses.transfer_id
    and ledger_addresses.role_code = case when ledger.direction_code = 'in' then 'own' else 'counterparty' end
),

exact_pairs as (
  select
    chain_exact.chain_transfer_id,
    ledger_exact.transfer_id
  from chain_exact
  inner join ledger_exact
    on chain_exact.tx_hash = ledger_exact.tx_hash
    and chain_exact.asset_code = ledger_exact.asset_code
    and chain_exact.direction_code = ledger_exact.direction_code
    and chain_exact.amount = ledger_exact.amount
    and chain_exact.receiving_address = ledger_exact.receiving_address
    and chain_exact.pair_no = ledger_exact.pair_no
  qualify row_number() over (partition by ledger_exact.transfer_id order by chain_exact.chain_transfer_id) = 1
),

-- What is left agrees in all but the address, which the ledger may have garbled.
chain_rest as (
  select
    *,
    row_number() over (partition by tx_hash, asset_code, direction_code, amount order by chain_transfer_id) as pair_no
  from in_scope
  where chain_transfer_id not in (select chain_transfer_id from exact_pairs)
),

ledger_rest as (
  select
    *,
    row_number() over (partition by tx_hash, asset_code, direction_code, amount order by transfer_id) as pair_no
  from ledger
  where transfer_id not in (select transfer_id from exact_pairs)
),

pairs as (
  select chain_transfer_id, transfer_id from exact_pairs
  union all
  select
    chain_rest.chain_transfer_id,
    ledger_rest.transfer_id
  from chain_rest
  inner join ledger_rest
    on chain_rest.tx_hash = ledger_rest.tx_hash
    and chain_rest.asset_code = ledger_rest.asset_code
    and chain_rest.direction_code = ledger_rest.direction_code
    and chain_rest.amount = ledger_rest.amount
    and chain_rest.pair_no = ledger_rest.pair_no
)

select
  classified.chain_transfer_id,
  classified.chain_code,
  classified.tx_hash,
  classified.from_address,
  classified.to_address,
  coalesce(classified.asset_code, classified.token_address) as asset_code,
  classified.token_address,
  classified.amount,
  classified.direction_code,
  classified.account_id,
  classified.event_at,
  cast(classified.event_at as date) as event_date,
  classified.block_number,
  case
    when classified.out_of_scope_reason is not null then null
    else coalesce(pairs.transfer_id, 'onchain:' || classified.chain_transfer_id)
  end as transfer_id,
  case
    when classified.out_of_scope_reason is not null then 'out_of_scope'
    when pairs.transfer_id is not null then 'matched'
    else 'unmatched'
  end as match_status_code,
  classified.out_of_scope_reason,
  classified.known_at,
  classified.extract_id
from classified
left join pairs on classified.chain_transfer_id = pairs.chain_transfer_id
