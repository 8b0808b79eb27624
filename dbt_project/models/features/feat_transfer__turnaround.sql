with parameters as (
  {{ scenario_parameters('TM08', ['max_commission_pct', 'tolerance_pct']) }}
),

legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'asset_code', 'segment_code', 'jurisdiction_code', 'amount_usd', 'event_at', 'event_date']) }}
),

trades as (
  select party_id, event_at
  from {{ ref('int_transfer_legs') }}
  where transfer_type_code = 'trade' and status_code = 'completed' and party_id is not null
),

timeline as (
  select
    leg_id,
    party_id,
    event_at,
    case when direction_code = 'out' then amount_usd end as out_usd,
    cast(null as timestamp) as trade_at
  from legs
  union all
  select
    cast(null as string) as leg_id,
    party_id,
    event_at,
    cast(null as decimal(18,2)) as out_usd,
    event_at as trade_at
  from trades
),

-- legs with the same number have no trade between them
numbered as (
  select
    *,
    count(trade_at) over (partition by party_id order by event_at range between unbounded preceding and current row) as trade_number,
    min(trade_at) over ({{ rolling_ahead('party_id', '24 hours') }}) as next_trade_at,
    count(trade_at) over ({{ rolling_ahead('party_id', '24 hours') }}) as trade_count_next_24h
  from timeline
),

untraded as (
  select
    leg_id,
    next_trade_at,
    trade_count_next_24h,
    case when next_trade_at = event_at then 0 else
      coalesce(sum(out_usd) over ({{ rolling_ahead('party_id, trade_number', '24 hours') }}), 0)
    end as untraded_outflow_usd
  from numbered
),

banded as (
  select
    legs.*,
    legs.party_id as group_key,
    case when legs.direction_code = 'in' then
      cast(
        cast(legs.amount_usd as decimal(20,2))
        * cast((1 - cast(parameters.max_commission_pct as decimal(9,6))) * (1 - cast(parameters.tolerance_pct as decimal(9,6))) as decimal(18,12))
      as decimal(38,12))
    end as mirror_low_usd,
    case when legs.direction_code = 'in' then
      cast(cast(legs.amount_usd as decimal(20,2)) * (1 + cast(parameters.tolerance_pct as decimal(9,6))) as decimal(38,12))
    end as mirror_high_usd
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

incoming as (
  select * from banded where direction_code = 'in'
),

outgoing as (
  select * from banded where direction_code = 'out'
),

pairs as (
  {{ window_pairs('incoming', 'outgoing', '0', '24') }}
),

mirrored as (
  select
    pairs.alerted_leg_id as leg_id,
    count(*) as mirror_count_next_24h,
    sum(pairs.amount_usd) as mirror_amount_usd_next_24h
  from pairs
  inner join incoming
    on incoming.leg_id = pairs.alerted_leg_id
  where pairs.amount_usd between incoming.mirror_low_usd and incoming.mirror_high_usd
  group by pairs.alerted_leg_id
)

select
  banded.leg_id,
  banded.transfer_id,
  banded.party_id,
  banded.direction_code,
  banded.event_at,
  banded.event_date,
  untraded.next_trade_at,
  untraded.trade_count_next_24h,
  cast(untraded.untraded_outflow_usd as decimal(38,2)) as untraded_outflow_usd_next_24h,
  banded.mirror_low_usd,
  banded.mirror_high_usd,
  coalesce(mirrored.mirror_count_next_24h, 0) as mirror_count_next_24h,
  cast(coalesce(mirrored.mirror_amount_usd_next_24h, 0) as decimal(38,2)) as mirror_amount_usd_next_24h
from banded
inner join untraded
  on untraded.leg_id = banded.leg_id
left join mirrored
  on mirrored.leg_id = banded.leg_id
