{%- set hops = ['source', 'raw', 'rejected', 'superseded', 'staged', 'monitored', 'out_of_scope'] -%}
with feeds as (
  select feed_code from {{ ref('feed_tables') }}
  union
  select feed_code from {{ ref('fct_feed_reconciliation') }}
),

reconciled as (
  select
    feed_code,
    {%- for hop in hops %}
    sum({{ hop }}_rows) as {{ hop }}_rows,
    sum({{ hop }}_usd) as {{ hop }}_usd,
    {%- endfor %}
    sum(abs(unexplained_rows)) as unexplained_rows,
    sum(abs(unexplained_usd)) as unexplained_usd,
    sum(unvalued_rows) as unvalued_rows,
    sum(hash_compared_count) as hash_compared_count,
    sum(hash_differing_count) as hash_differing_count,
    sum(case when is_reconciled then 0 else 1 end) as unreconciled_count
  from {{ ref('fct_feed_reconciliation') }}
  group by feed_code
),

extracts as (
  select
    feed_code,
    count(distinct extract_id) as extract_count,
    max(known_at) as last_known_at
  from {{ ref('stg_control__totals') }}
  group by feed_code
)

select
  feeds.feed_code,
  extracts.feed_code is not null as is_configured,
  cast(coalesce(extracts.extract_count, 0) as bigint) as extract_count,
  extracts.last_known_at,
  {%- for hop in hops + ['unexplained'] %}
  cast(coalesce(reconciled.{{ hop }}_rows, 0) as bigint) as {{ hop }}_rows,
  {%- endfor %}
  cast(coalesce(reconciled.unvalued_rows, 0) as bigint) as unvalued_rows,
  {%- for hop in hops + ['unexplained'] %}
  cast(reconciled.{{ hop }}_usd as decimal(18,2)) as {{ hop }}_usd,
  {%- endfor %}
  cast(coalesce(reconciled.hash_compared_count, 0) as bigint) as hash_compared_count,
  cast(coalesce(reconciled.hash_differing_count, 0) as bigint) as hash_differing_count,
  coalesce(reconciled.unreconciled_count, 0) = 0 as is_reconciled
from feeds
left join reconciled on feeds.feed_code = reconciled.feed_code
left join extracts on feeds.feed_code = extracts.feed_code
