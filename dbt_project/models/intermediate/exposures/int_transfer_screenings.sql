with transfers as (
  select * from {{ ref('stg_chainalysis__transfers') }}
)

select
  transfer_id,
  'chainalysis' as vendor_code,
  external_id,
  case when updated_at is not null then 'screened' else 'pending' end as screening_status_code,
  updated_at as screened_at,
  vendor_amount_usd,
  first_known_at as known_at
from transfers
-- Registered twice under two vendor ids: the finished answer counts.
qualify row_number() over (partition by transfer_id order by case when updated_at is null then 1 else 0 end, known_at desc, external_id) = 1
