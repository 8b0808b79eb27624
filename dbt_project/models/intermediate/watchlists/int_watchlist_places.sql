{#- Every postal address or country an entry is listed with. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

places as (
  select
    ent_num,
    add_num as place_no,
    address,
    city,
    country,
    publication_date,
    first_known_at as known_at,
    {{ md5_key(['address', 'city', 'country']) }} as entry_hash
  from {{ ref('stg_ofac__sdn_addresses') }}
),

spans as (
  {{ publication_spans('places', 'publications', ['ent_num', 'place_no']) | indent(2) }}
)

select
  'ofac_sdn' as list_code,
  spans.ent_num,
  spans.place_no,
  places.address,
  places.city,
  places.country,
  spans.valid_from_date,
  spans.valid_to_date,
  spans.known_at
from spans
inner join places
  on spans.ent_num = places.ent_num
  and spans.place_no = places.place_no
  and spans.valid_from_date = places.publication_date
