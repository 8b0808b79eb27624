with source as (
  {{ as_known('ofac', 'sdn_entries', ['publication_date', 'ent_num']) | indent(2) }}
)

select
  ent_num,
  sdn_name,
  sdn_type,
  program,
  title,
  call_sign,
  vess_type,
  tonnage,
  grt,
  vess_flag,
  vess_owner,
  remarks,
  publication_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
