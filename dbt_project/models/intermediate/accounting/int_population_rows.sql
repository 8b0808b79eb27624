{#- What every scenario has to account for, counted without the models that scenarios read: the exchange's transfers from the
    sources' own totals, bank and chain rows from raw. Only what is positively known to be matched or out of scope is taken
    off; a row that a model lost on the way therefore stays in the population. -#}
with exchange as (
  select
    'exchange' as source_code,
    event_date,
    asset_code,
    source_rows - rejected_rows - superseded_rows as population_rows,
    coalesce(source_amount, 0) - coalesce(rejected_amount, 0) - coalesce(superseded_amount, 0) as population_amount
  from {{ ref('int_feed_rows') }}
  where feed_code = 'exchange' and table_name in ('deposits', 'withdrawals', 'internal_transfers', 'trades')
),

settled_entries as (
  select entry_id from {{ ref('int_bank_entries') }}
  where match_status_code in ('matched', 'out_of_scope')
),

bank_raw as (
  select
    r.entry_id,
    coalesce(r.booking_date, r.value_date, cast(r._known_at as date)) as event_date,
    upper(trim(r.ccy_code)) as asset_code,
    cast(r.amount as decimal(38,18)) as amount
  from {{ source('raw_bank', 'entries') }} as r
  where {{ is_known('bank', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.entry_id order by r._known_at, r._extract_id, r._record_no) is null
),

bank as (
  select 'bank' as source_code, bank_raw.event_date, bank_raw.asset_code, cast(1 as bigint) as population_rows, bank_raw.amount as population_amount
  from bank_raw
  left join settled_entries on bank_raw.entry_id = settled_entries.entry_id
  where settled_entries.entry_id is null
),

settled_chain_transfers as (
  select chain_transfer_id from {{ ref('int_chain_transfers') }}
  where match_status_code in ('matched', 'out_of_scope')
),

chain_raw as (
  select
    'ethereum:' || lower(r.hash) || ':tx' as chain_transfer_id,
    cast(r.block_timestamp as date) as event_date,
    'ETH' as asset_code,
    {{ scaled_amount('r.value', '18') }} as amount
  from {{ source('raw_onchain', 'ethereum_transactions') }} as r
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.hash order by r._known_at, r._extract_id, r._record_no) is null
  union all
  select
    'ethereum:' || lower(r.transaction_hash) || ':log:' || cast(r.log_index as string) as chain_transfer_id,
    cast(coalesce(r.block_timestamp, r._known_at) as date) as event_date,
    coalesce(token.asset_code, lower(r.token_address)) as asset_code,
    {{ scaled_amount('r.value', 'token.decimals') }} as amount
  from {{ source('raw_onchain', 'ethereum_token_transfers') }} as r
  left join {{ ref('assets') }} as token
    on token.chain_code = 'ethereum'
    and token.token_address = lower(r.token_address)
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.transaction_hash, r.log_index order by r._known_at, r._extract_id, r._record_no) is null
  union all
  select
    'bitcoin:' || lower(r.transaction_hash) || ':out:' || cast(r.index as string) as chain_transfer_id,
    cast(r.block_timestamp as date) as event_date,
    'BTC' as asset_code,
    {{ scaled_amount('r.value', '8') }} as amount
  from {{ source('raw_onchain', 'bitcoin_outputs') }} as r
  where {{ is_known('onchain', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.transaction_hash, r.index order by r._known_at, r._extract_id, r._record_no) is null
),

chain as (
  select 'onchain' as source_code, chain_raw.event_date, chain_raw.asset_code, cast(1 as bigint) as population_rows, chain_raw.amount as population_amount
  from chain_raw
  left join settled_chain_transfers on chain_raw.chain_transfer_id = settled_chain_transfers.chain_transfer_id
  where settled_chain_transfers.chain_transfer_id is null
),

stacked as (
  select source_code, event_date, asset_code, population_rows, cast(population_amount as decimal(38,18)) as population_amount from exchange
  union all
  select source_code, event_date, asset_code, population_rows, population_amount from bank
  union all
  select source_code, event_date, asset_code, population_rows, population_amount from chain
)

select
  source_code,
  event_date,
  asset_code,
  cast(sum(population_rows) as bigint) as population_rows,
  cast(sum(population_amount) as decimal(38,18)) as population_amount
from stacked
group by source_code, event_date, asset_code
having sum(population_rows) <> 0 or sum(population_amount) <> 0
