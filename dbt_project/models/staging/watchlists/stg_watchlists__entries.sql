with source as (
  {{ as_known('watchlists', 'entries', ['list_code', 'published_at', 'entry_id']) | indent(2) }}
)

select
  list_code,
  published_at,
  entry_id,
  format_code,
  op_code,
  is_whole,
  entry_type,
  name,
  program,
  listed_on_text,
  remarks,
  content_hash,
  lead(published_at) over (partition by list_code, entry_id order by published_at) as next_said_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
