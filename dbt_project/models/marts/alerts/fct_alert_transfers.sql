with alerts as (
  select alert_id, trigger_transfer_id, evidence_transfer_ids
  from {{ ref('fct_alerts') }}
),

exploded as (
  select
    alert_id,
    trigger_transfer_id,
    {{ split_to_rows('evidence_transfer_ids', ';') }} as transfer_id
  from alerts
)

select
  alert_id,
  transfer_id,
  transfer_id = trigger_transfer_id as is_trigger
from exploded
