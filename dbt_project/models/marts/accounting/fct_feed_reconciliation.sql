{%- set hops = ['source', 'raw', 'rejected', 'superseded', 'staged', 'monitored', 'out_of_scope'] -%}
with feed_rows as (
  select
    feed_rows.*,
    source_rows - rejected_rows - superseded_rows - monitored_rows - out_of_scope_rows as unexplained_rows,
    case
      when source_amount is not null or (source_rows = 0 and monitored_amount is not null) then
        coalesce(source_amount, 0) - coalesce(rejected_amount, 0) - coalesce(superseded_amount, 0)
        - coalesce(monitored_amount, 0) - coalesce(out_of_scope_amount, 0)
    end as unexplained_amount
  from {{ ref('int_feed_rows') }} as feed_rows
),

tables as (
  select feed_code, table_name, is_money from {{ ref('feed_tables') }}
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
),

valued as (
  select
    feed_rows.*,
    case when tables.is_money and rates.rate_usd is null then feed_rows.source_rows else 0 end as unvalued_rows,
    {%- for hop in hops + ['unexplained'] %}
    case when tables.is_money then {{ usd_amount('feed_rows.' ~ hop ~ '_amount', 'rates.rate_usd') }} end as {{ hop }}_usd{{ ',' if not loop.last }}
    {%- endfor %}
  from feed_rows
  left join tables
    on feed_rows.feed_code = tables.feed_code
    and feed_rows.table_name = tables.table_name
  left join rates
    on feed_rows.asset_code = rates.asset_code
    and feed_rows.event_date = rates.rate_date
)

select
  {{ md5_key(['feed_code', 'table_name', 'delivery_date', 'asset_code']) }} as reconciliation_id,
  feed_code,
  table_name,
  delivery_date,
  asset_code,
  {%- for hop in hops + ['unexplained'] %}
  cast(sum({{ hop }}_rows) as bigint) as {{ hop }}_rows,
  {%- endfor %}
  cast(sum(unvalued_rows) as bigint) as unvalued_rows,
  {%- for hop in hops + ['unexplained'] %}
  cast(sum({{ hop }}_amount) as decimal(38,18)) as {{ hop }}_amount,
  {%- endfor %}
  {%- for hop in hops + ['unexplained'] %}
  cast(sum({{ hop }}_usd) as decimal(18,2)) as {{ hop }}_usd,
  {%- endfor %}
  {%- set compared = "case when raw_hash_status_code in ('equal', 'differs') then 1 else 0 end + case when staged_hash_status_code in ('equal', 'differs') then 1 else 0 end" %}
  {%- set differing = "case when raw_hash_status_code = 'differs' then 1 else 0 end + case when staged_hash_status_code = 'differs' then 1 else 0 end" %}
  cast(sum({{ compared }}) as bigint) as hash_compared_count,
  cast(sum({{ differing }}) as bigint) as hash_differing_count,
  case when sum({{ compared }}) > 0 then sum({{ differing }}) = 0 end as is_hash_equal,
  -- Differences of opposite sign on two days must not cancel out.
  sum(case when is_reconciled then 0 else 1 end) = 0 as is_reconciled
from valued
group by feed_code, table_name, delivery_date, asset_code
