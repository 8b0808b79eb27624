with suppressed as (
  select
    suppression_id,
    count(*) as suppressed_leg_count,
    count(distinct transfer_id) as suppressed_transfer_count,
    sum(amount_usd) as suppressed_usd,
    min(event_at) as first_suppressed_at,
    max(event_at) as last_suppressed_at
  from {{ ref('int_suppressed_legs') }}
  group by suppression_id
)

select
  suppressions.suppression_id,
  suppressions.scenario_id,
  {{ pseudonym('suppressions.subject_id') }} as subject_key,
  suppressions.valid_from_date,
  suppressions.valid_to_date,
  suppressions.valid_to_date <= as_of.as_of_date as is_expired,
  suppressions.reason,
  suppressions.owner,
  suppressions.approver,
  cast(coalesce(suppressed.suppressed_leg_count, 0) as bigint) as suppressed_leg_count,
  cast(coalesce(suppressed.suppressed_transfer_count, 0) as bigint) as suppressed_transfer_count,
  cast(coalesce(suppressed.suppressed_usd, 0) as decimal(18,2)) as suppressed_usd,
  suppressed.first_suppressed_at,
  suppressed.last_suppressed_at
from {{ ref('suppressions') }} as suppressions
cross join {{ ref('stg_control__as_of') }} as as_of
left join suppressed
  on suppressed.suppression_id = suppressions.suppression_id
