{#- The only bridge from a pseudonymous key back to a person; who may read this schema may re-identify. -#}
with latest as (
  select * from {{ ref('stg_kyc__parties') }}
  qualify row_number() over (partition by party_id order by valid_from_at desc) = 1
)

select
  {{ pseudonym('party_id') }} as party_key,
  party_id,
  party_type_code,
  legal_name,
  birth_date,
  known_at
from latest
