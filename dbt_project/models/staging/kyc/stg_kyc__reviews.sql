with source as (
  {{ as_known('kyc', 'reviews', ['vendor_code', 'review_id'], content=['party_id', 'status_code', 'answer_code', 'reject_type_code', 'reject_labels', 'risk_labels']) | indent(2) }}
)

select
  vendor_code,
  review_id,
  party_id,
  applicant_id,
  review_type_code,
  level_name,
  lower(trim(status_code)) as status_code,
  lower(trim(answer_code)) as answer_code,
  lower(trim(reject_type_code)) as reject_type_code,
  reject_labels,
  risk_labels,
  has_pep_hit,
  has_watchlist_hit,
  reviewed_at,
  valid_from_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
