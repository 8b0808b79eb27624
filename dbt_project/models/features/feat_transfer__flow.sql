with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'amount_usd']) }}
),

sided as (
  select
    *,
    case when direction_code = 'in' then amount_usd end as in_usd,
    case when direction_code = 'out' then amount_usd end as out_usd,
    case when direction_code = 'in' then event_at end as in_at,
    case when direction_code = 'out' then event_at end as out_at
  from legs
),

flows as (
  select
    leg_id,
    transfer_id,
    party_id,
    direction_code,
    event_at,
    event_date,
    cast(coalesce(sum(in_usd) over (partition by party_id, event_at), 0) as decimal(38,2)) as inflow_usd,
    cast(coalesce(sum(in_usd) over ({{ rolling('party_id', '24 hours') }}), 0) as decimal(38,2)) as inflow_usd_24h,
    cast(coalesce(sum(out_usd) over ({{ rolling('party_id', '24 hours') }}), 0) as decimal(38,2)) as outflow_usd_24h,
    cast(coalesce(sum(out_usd) over ({{ rolling_ahead('party_id', '24 hours') }}), 0) as decimal(38,2)) as outflow_usd_next_24h,
    max(in_at) over ({{ rolling('party_id', '24 hours') }}) as previous_inflow_at,
    min(out_at) over ({{ rolling_ahead('party_id', '24 hours') }}) as next_outflow_at
  from sided
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  inflow_usd,
  inflow_usd_24h,
  outflow_usd_24h,
  outflow_usd_next_24h,
  {{ decimal_ratio('outflow_usd_24h', 'inflow_usd_24h') }} as out_in_ratio_24h,
  case when direction_code = 'in' then {{ decimal_ratio('outflow_usd_next_24h', 'inflow_usd') }} end as out_in_ratio_next_24h,
  cast(case when direction_code = 'out' then {{ seconds_between('previous_inflow_at', 'event_at') }} end as bigint) as holding_seconds_24h,
  cast(case when direction_code = 'in' then {{ seconds_between('event_at', 'next_outflow_at') }} end as bigint) as holding_seconds_next_24h
from flows
