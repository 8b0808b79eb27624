with reports as (
  select
    party_id,
    'reported' as mark_code,
    sar_filed_at as marked_at,
    known_at
  from {{ ref('int_case_outcomes') }}
  where outcome_code = 'sar_filed' and sar_filed_at is not null and party_id is not null
),

exits as (
  select
    party_id,
    'exited' as mark_code,
    valid_from_at as marked_at,
    known_at
  from {{ ref('int_party_history') }}
  where kyc_status_code = 'rejected'
),

marks as (
  select * from reports
  union all
  select * from exits
)

select
  party_id,
  mark_code,
  min(marked_at) as marked_at,
  -- it counts from the first instant at which one of them had happened and was known
  min(greatest(marked_at, known_at)) as effective_from_at
from marks
group by party_id, mark_code
