with source as (
  {{ as_known('ofac', 'sdn_aliases', ['publication_date', 'ent_num', 'alt_num']) | indent(2) }}
)

select
  ent_num,
  alt_num,
  alt_type,
  alt_name,
  alt_remarks,
  publication_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
