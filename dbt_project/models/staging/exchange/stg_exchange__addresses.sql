with source as (
  {{ as_known('exchange', 'addresses', ['address', 'chain_code', 'assigned_at'], content=['role_code', 'account_id']) | indent(2) }}
)

select
  address,
  bad_checksums,
  lower(trim(chain_code)) as chain_code,
  role_code,
  account_id,
  assigned_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
