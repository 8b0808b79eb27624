with alerts as (
  select alert_id, trigger_transfer_id, evidence_transfer_ids
  from {{ ref('fct_alerts') }}
),

raised as (
  select alert_id, {{ split_to_rows('evidence_transfer_ids', ';') }} as transfer_id
  from alerts
),

-- an episode goes on after its alert was raised: the row in the ledger stays as it was, the new transfers show here
covered as (
  select legs.alert_id, episodes.evidence_transfer_ids
  from {{ ref('fct_alert_legs') }} as legs
  inner join {{ ref('int_alert_episodes') }} as episodes
    on episodes.scenario_id = legs.scenario_id
    and episodes.leg_id = legs.leg_id
),

present as (
  select alert_id, {{ split_to_rows('evidence_transfer_ids', ';') }} as transfer_id
  from covered
),

pairs as (
  select alert_id, transfer_id, 1 as raised_one from raised
  union all
  select alert_id, transfer_id, 0 as raised_one from present
),

merged as (
  select alert_id, transfer_id, max(raised_one) as raised_one
  from pairs
  group by alert_id, transfer_id
)

select
  merged.alert_id,
  merged.transfer_id,
  merged.transfer_id = alerts.trigger_transfer_id as is_trigger,
  merged.raised_one = 1 as is_known_when_raised
from merged
inner join alerts
  on alerts.alert_id = merged.alert_id
