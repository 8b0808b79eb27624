with alerted as (
  select *
  from (
    {{ scenario_rows(['scenario_id', 'scenario_version', 'leg_id', 'transfer_id', 'subject_id', 'event_at', 'event_date', 'amount_usd', 'outcome_code']) | indent(4) }}
  ) as scenario_rows
  where outcome_code = 'alerted'
)

select
  alerted.scenario_id,
  alerted.leg_id,
  alerted.transfer_id,
  alerted.event_at,
  alerted.event_date,
  alerted.amount_usd,
  suppressions.suppression_id
from alerted
inner join {{ ref('suppressions') }} as suppressions
  on suppressions.scenario_id = alerted.scenario_id
  and suppressions.subject_id = alerted.subject_id
  and alerted.event_date >= suppressions.valid_from_date
  and alerted.event_date < suppressions.valid_to_date
-- two suppressions of one subject: the one that was there first answers for the leg
qualify row_number() over (
  partition by alerted.scenario_id, alerted.leg_id order by suppressions.valid_from_date, suppressions.suppression_id
) = 1
