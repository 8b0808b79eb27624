with versions as (
  select
    *,
    min(first_known_at) over (partition by account_id) as account_first_known_at
  from {{ ref('stg_kyc__accounts') }}
)

select
  account_id,
  party_id,
  account_type_code,
  opened_at,
  closed_at,
  last_activity_at,
  valid_from_at,
  known_at,
  account_first_known_at as first_known_at
from versions
qualify row_number() over (partition by account_id order by valid_from_at desc) = 1
