with addresses as (
  select
    {{ normalise_address('address') }} as address,
    chain_code,
    role_code,
    account_id,
    assigned_at,
    first_known_at as known_at
  from {{ ref('stg_exchange__addresses') }}
)

select
  address,
  chain_code,
  role_code,
  account_id,
  assigned_at,
  known_at
from addresses
where address is not null
qualify row_number() over (partition by address order by assigned_at desc, chain_code, role_code, account_id) = 1
