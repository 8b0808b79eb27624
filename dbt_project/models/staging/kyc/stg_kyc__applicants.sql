with source as (
  {{ as_known('kyc', 'applicants', ['vendor_code', 'applicant_id']) | indent(2) }}
)

select
  vendor_code,
  applicant_id,
  party_id,
  applicant_type_code,
  status_code,
  upper(trim(country_code)) as country_code,
  created_at,
  updated_at,
  _known_at as known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
