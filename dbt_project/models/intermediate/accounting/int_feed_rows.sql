{#- Every hop of every feed at one grain. Hops are stacked and added up, not joined: no key can fall between two of them. -#}
with tables as (
  select * from {{ ref('feed_tables') }}
),

tokens as (
  select asset_code, token_address
  from {{ ref('assets') }}
  where token_address is not null
),

-- Only what the source states in its own terms is compared by day and asset; a token's contract address is its asset.
totals as (
  select
    totals.feed_code,
    totals.table_name,
    totals.extract_id,
    case when tables.is_by_day then totals.event_date end as event_date,
    case
      when not tables.is_by_asset then null
      when totals.table_name = 'ethereum_token_transfers' then coalesce(tokens.asset_code, known_tokens.asset_code)
      else totals.asset_code
    end as asset_code,
    totals.source_rows,
    totals.source_amount,
    totals.source_hash
  from {{ ref('stg_control__totals') }} as totals
  left join tables
    on totals.feed_code = tables.feed_code
    and totals.table_name = tables.table_name
  left join tokens on lower(totals.asset_code) = tokens.token_address
  left join (select distinct asset_code from tokens) as known_tokens on totals.asset_code = known_tokens.asset_code
),

rejects as (
  select
    rejects.feed_code,
    rejects.table_name,
    rejects.extract_id,
    case when tables.is_by_day then rejects.event_date end as event_date,
    case
      when not tables.is_by_asset then null
      when rejects.table_name = 'ethereum_token_transfers' then coalesce(tokens.asset_code, known_tokens.asset_code)
      else rejects.asset_code
    end as asset_code,
    rejects.amount,
    rejects.record_hash
  from {{ ref('stg_control__rejects') }} as rejects
  left join tables
    on rejects.feed_code = tables.feed_code
    and rejects.table_name = tables.table_name
  left join tokens on lower(rejects.asset_code) = tokens.token_address
  left join (select distinct asset_code from tokens) as known_tokens on rejects.asset_code = known_tokens.asset_code
),

{% set numbers = [
  ('source_rows', 'bigint'), ('source_amount', 'decimal(38,18)'), ('source_hash', 'decimal(38,0)'), ('unhashed_source_rows', 'bigint'),
  ('rejected_rows', 'bigint'), ('rejected_amount', 'decimal(38,18)'), ('rejected_hash', 'decimal(38,0)'), ('unhashed_rejected_rows', 'bigint'),
  ('raw_rows', 'bigint'), ('raw_amount', 'decimal(38,18)'), ('raw_hash', 'decimal(38,0)'),
  ('superseded_rows', 'bigint'), ('superseded_amount', 'decimal(38,18)'), ('superseded_hash', 'decimal(38,0)'),
  ('staged_rows', 'bigint'), ('staged_amount', 'decimal(38,18)'), ('staged_hash', 'decimal(38,0)'),
  ('monitored_rows', 'bigint'), ('monitored_amount', 'decimal(38,18)'),
  ('out_of_scope_rows', 'bigint'), ('out_of_scope_amount', 'decimal(38,18)')
] %}
{% set hops = {
  'totals': {'source_rows': 'source_rows', 'source_amount': 'source_amount', 'source_hash': 'source_hash', 'unhashed_source_rows': 'case when source_hash is null then source_rows else 0 end'},
  'rejects': {'rejected_rows': '1', 'rejected_amount': 'amount', 'rejected_hash': 'record_hash', 'unhashed_rejected_rows': 'case when record_hash is null then 1 else 0 end'},
  ref('int_feed_raw_rows'): {'raw_rows': 'raw_rows', 'raw_amount': 'raw_amount', 'raw_hash': 'raw_hash', 'superseded_rows': 'superseded_rows', 'superseded_amount': 'superseded_amount', 'superseded_hash': 'superseded_hash'},
  ref('int_feed_staged_rows'): {'staged_rows': 'staged_rows', 'staged_amount': 'staged_amount', 'staged_hash': 'staged_hash', 'monitored_rows': 'monitored_rows', 'monitored_amount': 'monitored_amount', 'out_of_scope_rows': 'out_of_scope_rows', 'out_of_scope_amount': 'out_of_scope_amount'}
} -%}
hops as (
  {%- for relation, known in hops.items() %}
  select
    feed_code,
    table_name,
    extract_id,
    event_date,
    asset_code,
    {%- for number, type in numbers %}
    cast({{ known.get(number, 'null') }} as {{ type }}) as {{ number }}{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ relation }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

deliveries as (
  select
    extract_id,
    min(delivery_date) as delivery_date
  from {{ ref('stg_control__totals') }}
  group by extract_id
),

-- Looking back to an instant within a vendor's day, some of its rows are known and its total is not: it is not due yet.
later_extracts as (
  {% for feed in feeds() %}
  select extract_id
  from {{ source('raw_' ~ feed, 'control_totals') }}
  where known_at > (select as_of_at from {{ ref('stg_control__as_of') }})
  {{ 'union' if not loop.last }}
  {%- endfor %}
),

summed as (
  select
    hops.feed_code,
    hops.table_name,
    hops.extract_id,
    deliveries.delivery_date,
    hops.event_date,
    hops.asset_code,
    {%- for number, type in numbers %}
    {%- if number.endswith('_rows') %}
    cast(coalesce(sum(hops.{{ number }}), 0) as {{ type }}) as {{ number }}{{ ',' if not loop.last }}
    {%- else %}
    cast(sum(hops.{{ number }}) as {{ type }}) as {{ number }}{{ ',' if not loop.last }}
    {%- endif %}
    {%- endfor %}
  from hops
  left join deliveries on hops.extract_id = deliveries.extract_id
  where hops.extract_id not in (select extract_id from later_extracts)
  group by
    hops.feed_code,
    hops.table_name,
    hops.extract_id,
    deliveries.delivery_date,
    hops.event_date,
    hops.asset_code
),

-- What is missing at each hop. An amount is compared where both ends have one; a token nobody has listed has none.
compared as (
  select
    summed.*,
    source_rows - rejected_rows - raw_rows as missing_raw_rows,
    case when source_amount is not null then source_amount - coalesce(rejected_amount, 0) - coalesce(raw_amount, 0) end as missing_raw_amount,
    case
      when unhashed_source_rows > 0 or (raw_rows > 0 and raw_hash is null) then 'not_stated'
      when unhashed_rejected_rows > 0 then 'not_comparable'
      when coalesce(source_hash, 0) = coalesce(raw_hash, 0) + coalesce(rejected_hash, 0) then 'equal'
      else 'differs'
    end as raw_hash_status_code,
    raw_rows - superseded_rows - staged_rows as missing_staged_rows,
    case when raw_amount is not null or staged_amount is not null then coalesce(raw_amount, 0) - coalesce(superseded_amount, 0) - coalesce(staged_amount, 0) end as missing_staged_amount,
    case
      when (raw_rows > 0 and raw_hash is null) or (staged_rows > 0 and staged_hash is null) then 'not_stated'
      -- A table whose keys staging spells otherwise has no hash there, even of no rows.
      when raw_hash is null and staged_hash is null then 'not_stated'
      when staged_rows = 0 and superseded_rows = raw_rows then 'equal'
      when coalesce(raw_hash, 0) - coalesce(superseded_hash, 0) = coalesce(staged_hash, 0) then 'equal'
      else 'differs'
    end as staged_hash_status_code,
    staged_rows - monitored_rows - out_of_scope_rows as missing_monitored_rows,
    case when staged_amount is not null then staged_amount - coalesce(monitored_amount, 0) - coalesce(out_of_scope_amount, 0) end as missing_monitored_amount
  from summed
)

select
  compared.*,
  missing_raw_rows = 0
  and coalesce(missing_raw_amount, 0) = 0
  and raw_hash_status_code <> 'differs'
  and missing_staged_rows = 0
  and coalesce(missing_staged_amount, 0) = 0
  and staged_hash_status_code <> 'differs'
  and missing_monitored_rows = 0
  and coalesce(missing_monitored_amount, 0) = 0 as is_reconciled
from compared
