{#- Every name an entry goes by, the primary one and its aliases. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

names as (
  select ent_num, '0' as name_no, 'primary' as name_type_code, sdn_name as name, publication_date, first_known_at as known_at
  from {{ ref('stg_ofac__sdn_entries') }}
  union all
  select ent_num, alt_num as name_no, lower(alt_type) as name_type_code, alt_name as name, publication_date, first_known_at as known_at
  from {{ ref('stg_ofac__sdn_aliases') }}
),

hashed as (
  select *, {{ md5_key(['name_type_code', 'name']) }} as entry_hash from names
),

spans as (
  {{ publication_spans('hashed', 'publications', ['ent_num', 'name_no']) | indent(2) }}
)

select
  'ofac_sdn' as list_code,
  spans.ent_num,
  spans.name_no,
  hashed.name_type_code,
  hashed.name,
  spans.valid_from_date,
  spans.valid_to_date,
  spans.known_at
from spans
inner join hashed
  on spans.ent_num = hashed.ent_num
  and spans.name_no = hashed.name_no
  and spans.valid_from_date = hashed.publication_date
