select
  {{ pseudonym('party_id') }} as party_key,
  party_type_code,
  segment_code,
  residence_country_code,
  nationality_country_code,
  jurisdiction_code,
  kyc_level_code,
  kyc_status_code,
  risk_rating_code,
  is_pep,
  declared_annual_income_usd,
  next_review_date,
  valid_from_at,
  first_known_at
from {{ ref('int_parties') }}
