with source as (
  {{ as_known('kyc', 'accounts', ['account_id', 'valid_from_at'], content=['party_id']) | indent(2) }}
)

select
  account_id,
  party_id,
  account_type_code,
  opened_at,
  closed_at,
  last_activity_at,
  valid_from_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
