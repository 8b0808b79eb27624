with documents as (
  select * from {{ ref('stg_kyc__documents') }}
),

-- Who a document belongs to may stand in the review that asked for it, or in the applicant alone.
reviews as (
  select vendor_code, review_id, party_id from {{ ref('int_kyc_reviews') }}
),

applicants as (
  select vendor_code, applicant_id, party_id from {{ ref('stg_kyc__applicants') }}
),

countries as (
  select country_code, iso3_code from {{ ref('jurisdictions') }}
)

select
  documents.vendor_code,
  documents.document_id,
  coalesce(documents.party_id, reviews.party_id, applicants.party_id) as party_id,
  documents.applicant_id,
  documents.review_id,
  case
    when documents.document_type_code in ('passport', 'pp') then 'passport'
    when documents.document_type_code in ('id_card', 'national_identity_card', 'id') then 'id_card'
    when documents.document_type_code in ('driving_licence', 'driving_license', 'drivers', 'dl') then 'driving_licence'
    when documents.document_type_code in ('residence_permit', 'rp', 'pr') then 'residence_permit'
    else 'other'
  end as document_type_code,
  documents.document_type_code as stated_document_type_code,
  case
    when length(documents.country_code) = 2 then documents.country_code
    else countries.country_code
  end as country_code,
  documents.country_code as stated_country_code,
  documents.issued_date,
  documents.expiry_date,
  documents.expiry_date < as_of.as_of_date as is_expired,
  documents.valid_from_at,
  documents.first_known_at as known_at
from documents
cross join {{ ref('stg_control__as_of') }} as as_of
left join reviews
  on documents.vendor_code = reviews.vendor_code
  and documents.review_id = reviews.review_id
left join applicants
  on documents.vendor_code = applicants.vendor_code
  and documents.applicant_id = applicants.applicant_id
left join countries on documents.country_code = countries.iso3_code
