{#- Every postal address, country or birth place an entry is listed with. -#}
with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

places as (
  select
    list_code,
    entry_id,
    place_no,
    place_type,
    address,
    city,
    country,
    published_at,
    first_known_at as known_at,
    {{ md5_key(['place_type', 'address', 'city', 'country']) }} as entry_hash
  from {{ ref('stg_watchlists__places') }}
),

spans as (
  {{ publication_spans('places', 'publications', ['place_no']) | indent(2) }}
)

select
  spans.list_code,
  spans.entry_id,
  spans.place_no,
  places.place_type,
  places.address,
  places.city,
  places.country,
  spans.valid_from_at,
  spans.valid_to_at,
  spans.known_at
from spans
inner join places
  on spans.list_code = places.list_code
  and spans.entry_id = places.entry_id
  and spans.place_no = places.place_no
  and spans.valid_from_at = places.published_at
