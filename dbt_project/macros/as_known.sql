{#- The one as-of macro. A raw table as it was known at stg_control__as_of: completed loads only, one row per key, the version
    that became known last. Adds _first_known_at: when the present content (keys + content columns) first became known, so
    that a source which delivers the same row again every day does not look late.
    feed, table: raw_<feed>.<table>; keys, content: lists of column names or expressions. -#}
{%- macro as_known(feed, table, keys, content=[]) -%}
select
  raw.*,
  min(raw._known_at) over (partition by {{ (keys + content) | join(', ') }}) as _first_known_at
from {{ source('raw_' ~ feed, table) }} as raw
where {{ is_known(feed, 'raw._known_at') }}
qualify row_number() over (
  partition by {{ keys | join(', ') }}
  order by raw._known_at desc, raw._extract_id desc, raw._record_no desc
) = 1
{%- endmacro -%}

{#- Predicate: a row of a raw_<feed> table belongs to a completed load and was known at the as-of instant. -#}
{%- macro is_known(feed, known_at) -%}
{{ known_at }} <= (select as_of_at from {{ ref('stg_control__as_of') }})
  and _dlt_load_id in (select load_id from {{ source('raw_' ~ feed, '_dlt_loads') }} where status = 0)
{%- endmacro -%}

{#- The feeds, in the order in which summaries show them. -#}
{%- macro feeds() -%}
  {{ return(['exchange', 'kyc', 'bank', 'onchain', 'chainalysis', 'trm', 'elliptic', 'watchlists', 'cases', 'tagpacks', 'prices', 'travel_rule', 'behaviour']) }}
{%- endmacro -%}
