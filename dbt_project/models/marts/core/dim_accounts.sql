select
  {{ pseudonym('account_id') }} as account_key,
  {{ pseudonym('party_id') }} as party_key,
  account_type_code,
  opened_at,
  closed_at,
  last_activity_at,
  first_known_at
from {{ ref('int_accounts') }}
