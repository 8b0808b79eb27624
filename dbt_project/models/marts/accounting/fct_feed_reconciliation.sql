{%- set hops = ['source', 'raw', 'rejected', 'superseded', 'staged', 'monitored', 'out_of_scope'] -%}
with feed_rows as (
  select
    feed_rows.*,
    source_rows - rejected_rows - superseded_rows - monitored_rows - out_of_scope_rows as unexplained_rows,
    case
      when source_amount is not null or (source_rows = 0 and monitored_amount is not null) then
        coalesce(source_amount, 0) - coalesce(rejected_amount, 0) - coalesce(superseded_amount, 0)
        - coalesce(monitored_amount, 0) - coalesce(out_of_scope_amount, 0)
    end as unexplained_amount,
    case
      when unhashed_source_rows > 0 or (raw_rows > 0 and raw_hash is null) then 'not_stated'
      when rejected_rows > 0 then 'not_comparable'
      when coalesce(source_hash, 0) = coalesce(raw_hash, 0) then 'equal'
      else 'differs'
    end as hash_status_code
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
  cast(sum(case when hash_status_code in ('equal', 'differs') then 1 else 0 end) as bigint) as hash_compared_count,
  cast(sum(case when hash_status_code = 'differs' then 1 else 0 end) as bigint) as hash_differing_count,
  case
    when sum(case when hash_status_code = 'differs' then 1 else 0 end) > 0 then false
    when sum(case when hash_status_code = 'equal' then 1 else 0 end) > 0 then true
  end as is_hash_equal,
  -- Differences of opposite sign on two days must not cancel out.
  sum(case when unexplained_rows <> 0 or coalesce(unexplained_amount, 0) <> 0 or raw_rows <> source_rows - rejected_rows or staged_rows <> raw_rows - superseded_rows then 1 else 0 end) = 0
    and sum(case when hash_status_code = 'differs' then 1 else 0 end) = 0 as is_reconciled
from valued
group by feed_code, table_name, delivery_date, asset_code
