with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

entries as (
  select
    list_code,
    entry_id,
    published_at,
    first_known_at as known_at,
    format_code,
    name,
    entry_type,
    program,
    content_hash as entry_hash
  from {{ ref('stg_watchlists__entries') }}
  where op_code <> 'DEL'
),

spans as (
  {{ publication_spans('entries', 'publications') | indent(2) }}
)

select
  spans.list_code,
  spans.entry_id,
  entries.name,
  entries.entry_type,
  entries.program,
  entries.format_code,
  spans.entry_hash,
  spans.valid_from_at,
  spans.valid_to_at,
  spans.known_at
from spans
inner join entries
  on spans.list_code = entries.list_code
  and spans.entry_id = entries.entry_id
  and spans.valid_from_at = entries.published_at
