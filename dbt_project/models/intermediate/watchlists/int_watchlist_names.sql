{#- Every name an entry goes by, the primary one and its aliases. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

names as (
  select
    list_code, entry_id, '0' as name_no, 'primary' as name_type, cast(null as string) as name_quality, name,
    published_at, first_known_at as known_at
  from {{ ref('stg_watchlists__entries') }}
  where op_code <> 'DEL'
  union all
  select list_code, entry_id, name_no, lower(name_type) as name_type, name_quality, name, published_at, first_known_at as known_at
  from {{ ref('stg_watchlists__names') }}
),

hashed as (
  select *, {{ md5_key(['name_type', 'name_quality', 'name']) }} as entry_hash from names
),

spans as (
  {{ publication_spans('hashed', 'publications', ['name_no']) | indent(2) }}
)

select
  spans.list_code,
  spans.entry_id,
  spans.name_no,
  hashed.name_type,
  hashed.name_quality,
  hashed.name,
  spans.valid_from_at,
  spans.valid_to_at,
  spans.known_at
from spans
inner join hashed
  on spans.list_code = hashed.list_code
  and spans.entry_id = hashed.entry_id
  and spans.name_no = hashed.name_no
  and spans.valid_from_at = hashed.published_at
