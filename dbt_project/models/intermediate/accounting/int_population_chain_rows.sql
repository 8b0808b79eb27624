{#- Every chain transfer, from raw, and whether it is taken off the population. int_chain_transfers claims that a transfer is
    matched or out of scope; it is settled only when raw itself proves the claim, on a path of its own: own addresses are the
    exchange's as delivered, in a plainer spelling than that of normalise_address. What is not proven stays in the population,
    and the accounting of the same run shows it. -#}
with claims as (
  select
    chain_transfer_id,
    transfer_id,
    match_status_code,
    out_of_scope_reason
  from {{ ref('int_chain_transfers') }}
  where match_status_code in ('matched', 'out_of_scope')
),

own as (
  select {{ plain_address('r.address') }} as address, r.account_id
  from {{ source('raw_exchange', 'addresses') }} as r
  where {{ is_known('exchange', 'r._known_at') }}
  qualify row_number() over (
    partition by {{ plain_address('r.address') }} order by r.assigned_at desc, r._known_at desc, r._extract_id desc, r._record_no desc
  ) = 1
),

blocks as (
  select
    r.chain_code,
    r.number as block_number,
    lower(r.hash) as block_hash
  from {{ source('raw_onchain', 'blocks') }} as r
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.chain_code, r.number order by r._known_at, r._extract_id, r._record_no) is null
),

inputs as (
  select
    lower(r.transaction_hash) as tx_hash,
    {{ split_to_rows("coalesce(r.address, '')", ';') }} as address
  from {{ source('raw_onchain', 'bitcoin_inputs') }} as r
  where {{ is_known('onchain', 'r._known_at') }}
),

senders as (
  select
    inputs.tx_hash,
    max(case when own.address is not null then 1 else 0 end) as is_own,
    max_by(own.account_id, own.address) as account_id
  from inputs
  left join own on {{ plain_address('inputs.address') }} = own.address
  group by inputs.tx_hash
),

outputs as (
  select r.*
  from {{ source('raw_onchain', 'bitcoin_outputs') }} as r
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.transaction_hash, r.index order by r._known_at, r._extract_id, r._record_no) is null
),

receiving as (
  select
    transaction_hash,
    index,
    {{ split_to_rows("coalesce(address, '')", ';') }} as address
  from outputs
),

receivers as (
  select
    receiving.transaction_hash,
    receiving.index,
    max(case when own.address is not null then 1 else 0 end) as is_own,
    max_by(own.account_id, own.address) as account_id
  from receiving
  left join own on {{ plain_address('receiving.address') }} = own.address
  group by receiving.transaction_hash, receiving.index
),

account_rows as (
  select
    'ethereum:' || lower(r.hash) || ':tx' as chain_transfer_id,
    lower(r.hash) as tx_hash,
    r.from_address,
    r.to_address,
    r.block_timestamp as event_at,
    cast(r.block_timestamp as date) as event_date,
    'ETH' as asset_code,
    {{ scaled_amount('r.value', '18') }} as amount,
    r.value,
    r.block_number,
    r.block_hash,
    r.receipt_status
  from {{ source('raw_onchain', 'ethereum_transactions') }} as r
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.hash order by r._known_at, r._extract_id, r._record_no) is null
  union all
  select
    'ethereum:' || lower(r.transaction_hash) || ':log:' || cast(r.log_index as string) as chain_transfer_id,
    lower(r.transaction_hash) as tx_hash,
    r.from_address,
    r.to_address,
    coalesce(r.block_timestamp, r._known_at) as event_at,
    cast(coalesce(r.block_timestamp, r._known_at) as date) as event_date,
    coalesce(token.asset_code, lower(r.token_address)) as asset_code,
    {{ scaled_amount('r.value', 'token.decimals') }} as amount,
    r.value,
    r.block_number,
    r.block_hash,
    cast(null as bigint) as receipt_status
  from {{ source('raw_onchain', 'ethereum_token_transfers') }} as r
  left join {{ ref('assets') }} as token
    on token.chain_code = 'ethereum'
    and token.token_address = lower(r.token_address)
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.transaction_hash, r.log_index order by r._known_at, r._extract_id, r._record_no) is null
),

chain_rows as (
  select
    account_rows.chain_transfer_id,
    'ethereum' as chain_code,
    account_rows.tx_hash,
    account_rows.event_at,
    account_rows.event_date,
    account_rows.asset_code,
    account_rows.amount,
    account_rows.value,
    account_rows.block_number,
    account_rows.block_hash,
    account_rows.receipt_status,
    sender.address is not null as is_sender_own,
    receiver.address is not null as is_receiver_own,
    coalesce(receiver.account_id, sender.account_id) as account_id,
    true as is_sender_delivered
  from account_rows
  left join own as sender on {{ plain_address('account_rows.from_address') }} = sender.address
  left join own as receiver on {{ plain_address('account_rows.to_address') }} = receiver.address
  union all
  select
    'bitcoin:' || lower(outputs.transaction_hash) || ':out:' || cast(outputs.index as string) as chain_transfer_id,
    'bitcoin' as chain_code,
    lower(outputs.transaction_hash) as tx_hash,
    outputs.block_timestamp as event_at,
    cast(outputs.block_timestamp as date) as event_date,
    'BTC' as asset_code,
    {{ scaled_amount('outputs.value', '8') }} as amount,
    outputs.value,
    outputs.block_number,
    outputs.block_hash,
    cast(null as bigint) as receipt_status,
    coalesce(senders.is_own, 0) = 1 as is_sender_own,
    receivers.is_own = 1 as is_receiver_own,
    coalesce(receivers.account_id, senders.account_id) as account_id,
    senders.tx_hash is not null or coalesce(outputs.is_coinbase, false) as is_sender_delivered
  from outputs
  inner join receivers
    on outputs.transaction_hash = receivers.transaction_hash
    and outputs.index = receivers.index
  left join senders on lower(outputs.transaction_hash) = senders.tx_hash
),

ledger as (
  {% for side in ['deposit', 'withdrawal'] %}
  select * from (
    select
      'exchange:{{ side }}:' || r.{{ side }}_id as transfer_id,
      '{{ side }}' as ledger_side_code,
      lower(trim(r.tx_hash)) as tx_hash,
      upper(trim(r.asset_code)) as asset_code,
      cast(r.amount as decimal(38,18)) as amount,
      r.status_code
    from {{ source('raw_exchange', side ~ 's') }} as r
    where {{ is_known('exchange', 'r._known_at') }}
    qualify lead(r._record_no) over (partition by r.{{ side }}_id order by r._known_at, r._extract_id, r._record_no) is null
  ) as newest_{{ side }}s
  where status_code = 'completed'
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

matched as (
  select chain_rows.chain_transfer_id
  from chain_rows
  inner join claims
    on chain_rows.chain_transfer_id = claims.chain_transfer_id
    and claims.match_status_code = 'matched'
  inner join ledger
    on claims.transfer_id = ledger.transfer_id
    and chain_rows.tx_hash = ledger.tx_hash
    and chain_rows.asset_code = ledger.asset_code
    and chain_rows.amount = ledger.amount
    and ledger.ledger_side_code = case
      when chain_rows.is_receiver_own and not chain_rows.is_sender_own then 'deposit'
      when chain_rows.is_sender_own and not chain_rows.is_receiver_own then 'withdrawal'
    end
  -- One to one: of several transfers that claim a ledger row, one is it.
  qualify row_number() over (partition by ledger.transfer_id order by chain_rows.chain_transfer_id) = 1
)

select
  chain_rows.chain_transfer_id,
  chain_rows.event_date,
  chain_rows.asset_code,
  {{ jurisdiction_of('places.jurisdiction_code') }} as jurisdiction_code,
  chain_rows.amount,
  claims.match_status_code as claim_code,
  claims.out_of_scope_reason,
  coalesce(
    matched.chain_transfer_id is not null
    or case claims.out_of_scope_reason
      when 'block_replaced' then lower(chain_rows.block_hash) <> blocks.block_hash
      when 'failed_on_chain' then chain_rows.receipt_status = 0
      when 'own_wallet_movement' then chain_rows.is_sender_own and chain_rows.is_receiver_own
      when 'sender_not_delivered' then not chain_rows.is_receiver_own and not chain_rows.is_sender_delivered
      when 'no_exchange_address' then not chain_rows.is_sender_own and not chain_rows.is_receiver_own
      when 'no_value' then trim(chain_rows.value) = '0'
    end,
    false
  ) as is_settled
from chain_rows
left join claims on chain_rows.chain_transfer_id = claims.chain_transfer_id
left join matched on chain_rows.chain_transfer_id = matched.chain_transfer_id
left join blocks
  on chain_rows.chain_code = blocks.chain_code
  and chain_rows.block_number = blocks.block_number
left join {{ ref('int_population_accounts') }} as places
  on chain_rows.account_id = places.account_id
  and chain_rows.event_at >= places.effective_from_at
  and chain_rows.event_at < places.effective_to_at
