{#- The first publication of a list is the baseline: it changes nothing. The first one in another form changes no entry that it
    lists again: the publisher's words differ between its forms, and the entry does not. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
  where previous_published_at is not null
),

entries as (
  select * from {{ ref('int_watchlist_entries') }}
),

begun as (
  select
    entries.*,
    publications.published_at,
    publications.previous_published_at
  from entries
  inner join publications
    on entries.list_code = publications.list_code and entries.valid_from_at = publications.published_at
),

ended as (
  select
    entries.*,
    publications.published_at,
    publications.previous_published_at,
    publications.known_at as publication_known_at
  from entries
  inner join publications
    on entries.list_code = publications.list_code and entries.valid_to_at = publications.published_at
)

select
  coalesce(begun.list_code, ended.list_code) as list_code,
  coalesce(begun.published_at, ended.published_at) as published_at,
  coalesce(begun.previous_published_at, ended.previous_published_at) as previous_published_at,
  coalesce(begun.entry_id, ended.entry_id) as entry_id,
  case
    when ended.entry_id is null then 'added'
    when begun.entry_id is null then 'removed'
    else 'changed'
  end as change_code,
  coalesce(begun.name, ended.name) as name,
  coalesce(begun.entry_type, ended.entry_type) as entry_type,
  coalesce(begun.program, ended.program) as program,
  coalesce(begun.known_at, ended.publication_known_at) as known_at
from begun
full outer join ended
  on begun.list_code = ended.list_code
  and begun.entry_id = ended.entry_id
  and begun.published_at = ended.published_at
where ended.format_code is null or begun.format_code is null
  or replace(ended.format_code, '_delta', '') = replace(begun.format_code, '_delta', '')
