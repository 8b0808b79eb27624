{#- The first publication is the baseline: it changes nothing. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
  where previous_publication_date is not null
),

entries as (
  select * from {{ ref('int_watchlist_entries') }}
),

begun as (
  select
    entries.*,
    publications.publication_date,
    publications.previous_publication_date
  from entries
  inner join publications on entries.valid_from_date = publications.publication_date
),

ended as (
  select
    entries.*,
    publications.publication_date,
    publications.previous_publication_date,
    publications.known_at as publication_known_at
  from entries
  inner join publications on entries.valid_to_date = publications.publication_date
)

select
  'ofac_sdn' as list_code,
  coalesce(begun.publication_date, ended.publication_date) as publication_date,
  coalesce(begun.previous_publication_date, ended.previous_publication_date) as previous_publication_date,
  coalesce(begun.ent_num, ended.ent_num) as ent_num,
  case
    when ended.ent_num is null then 'added'
    when begun.ent_num is null then 'removed'
    else 'changed'
  end as change_code,
  coalesce(begun.sdn_name, ended.sdn_name) as sdn_name,
  coalesce(begun.sdn_type, ended.sdn_type) as sdn_type,
  coalesce(begun.program, ended.program) as program,
  coalesce(begun.known_at, ended.publication_known_at) as known_at
from begun
full outer join ended
  on begun.ent_num = ended.ent_num
  and begun.publication_date = ended.publication_date
