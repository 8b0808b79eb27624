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
    rejects.amount
  from {{ ref('stg_control__rejects') }} as rejects
  left join tables
    on rejects.feed_code = tables.feed_code
    and rejects.table_name = tables.table_name
  left join tokens on lower(rejects.asset_code) = tokens.token_address
  left join (select distinct asset_code from tokens) as known_tokens on rejects.asset_code = known_tokens.asset_code
),

{% set numbers = [
  ('source_rows', 'bigint'), ('source_amount', 'decimal(38,18)'), ('source_hash', 'decimal(38,0)'), ('unhashed_source_rows', 'bigint'),
  ('rejected_rows', 'bigint'), ('rejected_amount', 'decimal(38,18)'),
  ('raw_rows', 'bigint'), ('raw_amount', 'decimal(38,18)'), ('raw_hash', 'decimal(38,0)'),
  ('superseded_rows', 'bigint'), ('superseded_amount', 'decimal(38,18)'),
  ('staged_rows', 'bigint'), ('staged_amount', 'decimal(38,18)'),
  ('monitored_rows', 'bigint'), ('monitored_amount', 'decimal(38,18)'),
  ('out_of_scope_rows', 'bigint'), ('out_of_scope_amount', 'decimal(38,18)')
] %}
{% set hops = {
  'totals': {'source_rows': 'source_rows', 'source_amount': 'source_amount', 'source_hash': 'source_hash', 'unhashed_source_rows': 'case when source_hash is null then source_rows else 0 end'},
  'rejects': {'rejected_rows': '1', 'rejected_amount': 'amount'},
  ref('int_feed_raw_rows'): {'raw_rows': 'raw_rows', 'raw_amount': 'raw_amount', 'raw_hash': 'raw_hash', 'superseded_rows': 'superseded_rows', 'superseded_amount': 'superseded_amount'},
  ref('int_feed_staged_rows'): {'staged_rows': 'staged_rows', 'staged_amount': 'staged_amount', 'monitored_rows': 'monitored_rows', 'monitored_amount': 'monitored_amount', 'out_of_scope_rows': 'out_of_scope_rows', 'out_of_scope_amount': 'out_of_scope_amount'}
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
)

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
