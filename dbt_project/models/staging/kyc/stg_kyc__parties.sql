{{ config(schema='restricted') }}
with source as (
  {{ as_known('kyc', 'parties', ['party_id', 'valid_from_at']) | indent(2) }}
)

select
  party_id,
  party_type_code,
  legal_name,
  birth_date,
  upper(trim(residence_country_code)) as residence_country_code,
  upper(trim(nationality_country_code)) as nationality_country_code,
  kyc_level_code,
  kyc_status_code,
  is_pep,
  declared_annual_income_amount,
  upper(trim(declared_income_ccy)) as declared_income_ccy,
  occupation,
  segment_code,
  risk_rating_code,
  next_review_date,
  valid_from_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
