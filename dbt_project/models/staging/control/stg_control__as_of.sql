{#- Data-driven, never the clock: a rebuild of the same files is the same warehouse. -#}
with known as (
  {% for feed in feeds() %}
  select max(known_at) as known_at
  from {{ source('raw_' ~ feed, 'control_totals') }}
  where _dlt_load_id in (select load_id from {{ source('raw_' ~ feed, '_dlt_loads') }} where status = 0)
  union all
  -- A replay brings in records that no delivery since then has made known.
  select max(replayed_at)
  from {{ source('raw_' ~ feed, 'rejects') }}
  where _dlt_load_id in (select load_id from {{ source('raw_' ~ feed, '_dlt_loads') }} where status = 0)
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

newest as (
  select coalesce(max(known_at), cast('1970-01-01 00:00:00' as timestamp)) as known_at
  from known
),

chosen as (
  select
    {% if var('as_of') %}cast('{{ var("as_of") }}' as timestamp){% else %}known_at{% endif %} as as_of_at
  from newest
)

select
  as_of_at,
  cast(as_of_at as date) as as_of_date
from chosen
