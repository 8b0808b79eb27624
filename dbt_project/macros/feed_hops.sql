{#- The hops of a feed table, as rows to be added up by int_feed_rows: feed, table, extract, day, asset and the hop's own numbers.
    Raw is counted from raw and staged from staging, on purpose without sharing a line of logic: what one of them loses, the
    other one shows. Where a table's source states no day or asset, leave them out here too (seed feed_tables). -#}

{#- Raw: rows, amount and record hash, and how many rows a later version of the same keys has superseded. Expressions are over
    alias r; join is SQL behind the raw table. What the hash is over says var record_keys. -#}
{%- macro raw_hop(feed, table, keys, day=none, asset=none, amount=none, join='') -%}
{%- set hash_key = record_key(feed, table, 'raw', 'r') -%}
{%- set hash_amount = 'amount' if is_amount_hashed(feed, table) else none -%}
select
  '{{ feed }}' as feed_code,
  '{{ table }}' as table_name,
  extract_id,
  event_date,
  asset_code,
  count(*) as raw_rows,
  cast(sum(amount) as decimal(38,18)) as raw_amount,
  {% if hash_key %}{{ record_hash('hash_key', hash_amount) }}{% else %}cast(null as decimal(38,0)){% endif %} as raw_hash,
  cast(sum(case when is_superseded then 1 else 0 end) as bigint) as superseded_rows,
  cast(sum(case when is_superseded then amount end) as decimal(38,18)) as superseded_amount,
  {% if hash_key %}{{ record_hash('hash_key', hash_amount, where='is_superseded') }}{% else %}cast(null as decimal(38,0)){% endif %} as superseded_hash
from (
  select
    r._extract_id as extract_id,
    {{ day or 'cast(null as date)' }} as event_date,
    {{ asset or 'cast(null as string)' }} as asset_code,
    cast({{ amount or 'null' }} as decimal(38,18)) as amount,
    {% if hash_key %}{{ hash_key }} as hash_key,{% endif %}
    lead(r._record_no) over (
      partition by {% for key in keys %}r.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
      order by r._known_at, r._extract_id, r._record_no
    ) is not null as is_superseded
  from {{ source('raw_' ~ feed, table) }} as r
  {{ join }}
  where {{ is_known(feed, 'r._known_at') }}
) as counted
group by extract_id, event_date, asset_code
{%- endmacro -%}

{#- Staged: rows, and what became of them: monitored (found in the conformed model, alias c) or out of scope with a reason.
    A row that is neither stays unexplained. Expressions are over aliases s and c. -#}
{%- macro staged_hop(feed, table, conformed, on, found, day=none, asset=none, amount=none, out_of_scope=none, join='') -%}
{%- set hash_key = record_key(feed, table, 'staged', 's') -%}
{%- set hash_amount = 'amount' if is_amount_hashed(feed, table) else none -%}
select
  '{{ feed }}' as feed_code,
  '{{ table }}' as table_name,
  extract_id,
  event_date,
  asset_code,
  count(*) as staged_rows,
  cast(sum(amount) as decimal(38,18)) as staged_amount,
  {% if hash_key %}{{ record_hash('hash_key', hash_amount) }}{% else %}cast(null as decimal(38,0)){% endif %} as staged_hash,
  cast(sum(case when is_found and out_of_scope_reason is null then 1 else 0 end) as bigint) as monitored_rows,
  cast(sum(case when is_found and out_of_scope_reason is null then amount end) as decimal(38,18)) as monitored_amount,
  cast(sum(case when out_of_scope_reason is not null then 1 else 0 end) as bigint) as out_of_scope_rows,
  cast(sum(case when out_of_scope_reason is not null then amount end) as decimal(38,18)) as out_of_scope_amount
from (
  select
    s.extract_id,
    {{ day or 'cast(null as date)' }} as event_date,
    {{ asset or 'cast(null as string)' }} as asset_code,
    cast({{ amount or 'null' }} as decimal(38,18)) as amount,
    {% if hash_key %}{{ hash_key }} as hash_key,{% endif %}
    {{ found }} is not null as is_found,
    {{ out_of_scope or 'cast(null as string)' }} as out_of_scope_reason
  from {{ ref('stg_' ~ feed ~ '__' ~ table) }} as s
  {{ join }}
  left join {{ conformed }} as c on {{ on }}
) as counted
group by extract_id, event_date, asset_code
{%- endmacro -%}
