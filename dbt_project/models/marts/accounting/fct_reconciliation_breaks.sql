-- The log of breaks between hops: rows are only ever added. A break has a row for each as-of instant at which it was seen, with
-- what was missing then, and one when it was found repaired; its newest row says how it stands. Like the ledger of alerts it
-- cannot be rebuilt from raw, because it says what was found when, so a full refresh does not touch it either.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='fail') }}

{%- set hops = ['raw', 'staged', 'monitored'] -%}
with as_of as (
  select as_of_at from {{ ref('stg_control__as_of') }}
),

{% for hop in hops -%}
{{ hop }}_breaks as (
  select
    feed_code,
    table_name,
    extract_id,
    delivery_date,
    event_date,
    asset_code,
    '{{ hop }}' as hop_code,
    missing_{{ hop }}_rows as missing_rows,
    cast(missing_{{ hop }}_amount as decimal(38,18)) as missing_amount,
    {{ "false" if hop == 'monitored' else hop ~ "_hash_status_code = 'differs'" }} as is_hash_different
  from {{ ref('int_feed_rows') }}
  where not is_reconciled
),

{% endfor -%}
found as (
  {%- for hop in hops %}
  select
    {{ md5_key(['feed_code', 'table_name', 'extract_id', 'event_date', 'asset_code', 'hop_code']) }} as break_id,
    *
  from {{ hop }}_breaks
  where missing_rows <> 0 or coalesce(missing_amount, 0) <> 0 or is_hash_different
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

logged as (
  {% if is_incremental() -%}
  select * from {{ this }}
  {%- else -%}
  select
    found.*,
    cast(null as bigint) as entry_no,
    cast(null as string) as status_code,
    cast(null as timestamp) as first_seen_at,
    cast(null as timestamp) as last_seen_at,
    cast(null as timestamp) as resolved_at,
    cast(null as timestamp) as logged_as_of_at
  from found
  where false
  {%- endif %}
),

newest as (
  select * from logged
  qualify row_number() over (partition by break_id order by entry_no desc) = 1
),

seen as (
  select
    found.*,
    coalesce(newest.entry_no, 0) + 1 as entry_no,
    'open' as status_code,
    -- A break that comes back after it was repaired is seen for the first time again.
    case when newest.status_code = 'open' then newest.first_seen_at else as_of.as_of_at end as first_seen_at,
    as_of.as_of_at as last_seen_at,
    cast(null as timestamp) as resolved_at
  from found
  cross join as_of
  left join newest on found.break_id = newest.break_id
  where newest.break_id is null
    or newest.status_code <> 'open'
    or newest.last_seen_at <> as_of.as_of_at
    or newest.missing_rows <> found.missing_rows
    or coalesce(newest.missing_amount, 0) <> coalesce(found.missing_amount, 0)
    or newest.is_hash_different <> found.is_hash_different
),

repaired as (
  select
    newest.break_id,
    newest.feed_code,
    newest.table_name,
    newest.extract_id,
    newest.delivery_date,
    newest.event_date,
    newest.asset_code,
    newest.hop_code,
    cast(0 as bigint) as missing_rows,
    cast(case when newest.missing_amount is not null then 0 end as decimal(38,18)) as missing_amount,
    false as is_hash_different,
    newest.entry_no + 1 as entry_no,
    'resolved' as status_code,
    newest.first_seen_at,
    newest.last_seen_at,
    as_of.as_of_at as resolved_at
  from newest
  cross join as_of
  left join found on newest.break_id = found.break_id
  where newest.status_code = 'open' and found.break_id is null
),

added as (
  select * from seen
  union all
  select * from repaired
)

select
  {{ md5_key(['added.break_id', 'added.entry_no']) }} as break_entry_id,
  added.break_id,
  cast(added.entry_no as bigint) as entry_no,
  added.feed_code,
  added.table_name,
  added.extract_id,
  added.delivery_date,
  added.event_date,
  added.asset_code,
  added.hop_code,
  cast(added.missing_rows as bigint) as missing_rows,
  added.missing_amount,
  added.is_hash_different,
  added.status_code,
  added.first_seen_at,
  added.last_seen_at,
  added.resolved_at,
  as_of.as_of_at as logged_as_of_at
from added
cross join as_of
-- A look-back to an earlier instant finds nothing new out and repairs nothing: it adds nothing.
where as_of.as_of_at >= coalesce((select max(logged_as_of_at) from logged), as_of.as_of_at)
