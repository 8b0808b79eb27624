with versions as (
  select * from {{ ref('stg_kyc__parties') }}
),

jurisdictions as (
  select country_code, jurisdiction_code from {{ ref('jurisdictions') }}
),

spanned as (
  select
    *,
    row_number() over (partition by party_id order by valid_from_at) as version_no,
    lead(valid_from_at) over (partition by party_id order by valid_from_at) as next_valid_from_at
  from versions
)

select
  spanned.party_id,
  spanned.valid_from_at,
  -- What is known first holds for everything before it: a transfer is never without a profile because the profile came late.
  case when spanned.version_no = 1 then cast('1900-01-01 00:00:00' as timestamp) else spanned.valid_from_at end as effective_from_at,
  coalesce(spanned.next_valid_from_at, cast('9999-12-31 00:00:00' as timestamp)) as effective_to_at,
  spanned.party_type_code,
  spanned.birth_date,
  spanned.residence_country_code,
  spanned.nationality_country_code,
  case when spanned.residence_country_code is not null then coalesce(jurisdictions.jurisdiction_code, 'OTHER') end as jurisdiction_code,
  spanned.kyc_level_code,
  spanned.kyc_status_code,
  spanned.is_pep,
  spanned.declared_annual_income_amount,
  spanned.declared_income_ccy,
  spanned.occupation,
  spanned.segment_code,
  spanned.risk_rating_code,
  spanned.next_review_date,
  spanned.first_known_at as known_at
from spanned
left join jurisdictions
  on spanned.residence_country_code = jurisdictions.country_code
