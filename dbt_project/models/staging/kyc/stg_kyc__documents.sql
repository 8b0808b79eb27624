with source as (
  {{ as_known('kyc', 'documents', ['vendor_code', 'document_id'], content=['party_id', 'document_type_code', 'country_code', 'expiry_date']) | indent(2) }}
)

select
  vendor_code,
  document_id,
  party_id,
  applicant_id,
  review_id,
  lower(trim(document_type_code)) as document_type_code,
  upper(trim(country_code)) as country_code,
  issued_date,
  expiry_date,
  valid_from_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
