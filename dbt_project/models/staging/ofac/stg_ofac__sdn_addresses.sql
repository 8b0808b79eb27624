with source as (
  {{ as_known('ofac', 'sdn_addresses', ['publication_date', 'ent_num', 'add_num']) | indent(2) }}
)

select
  ent_num,
  add_num,
  address,
  city,
  country,
  add_remarks,
  publication_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
