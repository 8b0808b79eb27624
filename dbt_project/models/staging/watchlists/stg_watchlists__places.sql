with source as (
  {{ as_known('watchlists', 'places', ['list_code', 'published_at', 'entry_id', 'place_no']) | indent(2) }}
)

select
  list_code,
  published_at,
  entry_id,
  place_no,
  place_type,
  address,
  city,
  country,
  note,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
