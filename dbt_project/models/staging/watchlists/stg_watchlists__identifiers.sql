with source as (
  {{ as_known('watchlists', 'identifiers', ['list_code', 'published_at', 'entry_id', 'identifier_no']) | indent(2) }}
)

select
  list_code,
  published_at,
  entry_id,
  identifier_no,
  identifier_type,
  value,
  country,
  date_precision_code,
  note,
  is_valid,
  invalid_reason_code,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
