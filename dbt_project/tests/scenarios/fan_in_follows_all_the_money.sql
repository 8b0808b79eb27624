{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'scn_tm09_fan_in'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: TM09 reads a window of its own, what came into the account and what left it again; the ratio it decides by is
-- told anew for every leg where enough senders meet.
with legs as (
  {{ legs_in_windows() }}
),

followed as (
  select leg_id, account_id, event_at, window_start_at, window_end_at, measure_2_value
  from {{ ref('scn_tm09_fan_in') }}
  where outcome_code in ('alerted', 'below_threshold') and measure_1_value >= threshold_1_value
),

came as (
  select followed.leg_id, min(legs.event_at) as first_in_at, sum(legs.amount_usd) as inflow_usd
  from followed
  inner join legs
    on legs.account_id = followed.account_id
    and legs.direction_code = 'in'
    and legs.event_at between followed.window_start_at and followed.event_at
  group by followed.leg_id
),

went as (
  select followed.leg_id, sum(legs.amount_usd) as forwarded_usd
  from followed
  inner join came
    on came.leg_id = followed.leg_id
  inner join legs
    on legs.account_id = followed.account_id
    and legs.direction_code = 'out'
    and legs.event_at between came.first_in_at and followed.window_end_at
  group by followed.leg_id
)

select followed.leg_id, followed.measure_2_value, came.inflow_usd, went.forwarded_usd
from followed
left join came
  on came.leg_id = followed.leg_id
left join went
  on went.leg_id = followed.leg_id
where followed.measure_2_value is distinct from {{ decimal_ratio('coalesce(went.forwarded_usd, 0)', 'came.inflow_usd') }}
