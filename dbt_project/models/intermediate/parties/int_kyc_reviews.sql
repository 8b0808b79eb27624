with reviews as (
  select * from {{ ref('stg_kyc__reviews') }}
),

applicants as (
  select vendor_code, applicant_id, party_id from {{ ref('stg_kyc__applicants') }}
),

conformed as (
  select
    reviews.vendor_code,
    reviews.review_id,
    coalesce(reviews.party_id, applicants.party_id) as party_id,
    reviews.applicant_id,
    reviews.review_type_code,
    reviews.level_name,
    case
      when reviews.status_code in ('completed', 'complete', 'approved', 'declined', 'failed', 'ready') then 'completed'
      when reviews.status_code in ('on_hold', 'onhold', 'needs_review', 'review', 'awaiting_client_input', 'paused') then 'on_hold'
      when reviews.status_code in ('abandoned', 'expired', 'error', 'errored', 'withdrawn') then 'abandoned'
      when reviews.status_code in ('pending', 'init', 'queued', 'prechecked', 'created', 'processing', 'awaiting_input', 'in_progress') then 'pending'
      else 'unknown'
    end as status_code,
    case
      when reviews.answer_code in ('approved', 'green', 'clear') then 'approved'
      when reviews.answer_code = 'retry' or (reviews.answer_code = 'red' and reviews.reject_type_code = 'retry') then 'retry'
      when reviews.answer_code in ('rejected', 'red', 'declined', 'failed') then 'rejected'
      when reviews.answer_code is not null then 'unknown'
    end as answer_code,
    reviews.status_code as stated_status_code,
    reviews.reject_labels,
    reviews.risk_labels,
    reviews.has_pep_hit,
    reviews.has_watchlist_hit,
    reviews.reviewed_at,
    reviews.valid_from_at,
    reviews.first_known_at as known_at
  from reviews
  left join applicants
    on reviews.vendor_code = applicants.vendor_code
    and reviews.applicant_id = applicants.applicant_id
)

select
  *,
  party_id is not null and row_number() over (
    partition by party_id, review_type_code
    order by coalesce(reviewed_at, valid_from_at) desc, valid_from_at desc, vendor_code, review_id
  ) = 1 as is_latest
from conformed
