with legs as (
  {{ counted_legs(['party_id', 'direction_code', 'event_date', 'amount_usd']) }}
),

active_days as (
  select
    party_id,
    event_date,
    count(case when direction_code = 'in' then 1 end) as in_count,
    count(case when direction_code = 'out' then 1 end) as out_count,
    sum(case when direction_code = 'in' then amount_usd end) as in_amount_usd,
    sum(case when direction_code = 'out' then amount_usd end) as out_amount_usd,
    count(case when amount_usd is null then 1 end) as unvalued_count
  from legs
  group by party_id, event_date
),

spans as (
  select party_id, min(event_date) as first_date
  from active_days
  group by party_id
),

horizon as (
  select max(event_date) as last_date from active_days
),

-- quiet days count as days without movement, so every day from the party's first one on has a row
grid as (
  select
    spans.party_id,
    {{ days_to_rows('spans.first_date', 'horizon.last_date') }} as event_date
  from spans
  cross join horizon
),

days as (
  select
    grid.party_id,
    grid.event_date,
    coalesce(active_days.in_count, 0) as in_count,
    coalesce(active_days.out_count, 0) as out_count,
    coalesce(active_days.in_count, 0) + coalesce(active_days.out_count, 0) as leg_count,
    cast(coalesce(active_days.in_amount_usd, 0) as decimal(38,2)) as in_amount_usd,
    cast(coalesce(active_days.out_amount_usd, 0) as decimal(38,2)) as out_amount_usd,
    coalesce(active_days.unvalued_count, 0) as unvalued_count
  from grid
  left join active_days
    on active_days.party_id = grid.party_id
    and active_days.event_date = grid.event_date
),

measured as (
  select
    *,
    count(*) over history as history_days_90d,
    coalesce(sum(leg_count) over history, 0) as history_leg_count_90d,
    coalesce(sum(leg_count * leg_count) over history, 0) as history_leg_count_squares_90d,
    sum(in_amount_usd + out_amount_usd) over (
      partition by party_id order by event_date rows between 29 preceding and current row
    ) as turnover_usd_30d
  from days
  -- the 90 days that end two days before the row's: a window of 24 hours that ends on the row's day touches none of them
  window history as (partition by party_id order by event_date rows between 91 preceding and 2 preceding)
)

select
  measured.party_id,
  measured.event_date,
  segments.segment_code,
  cast(measured.in_count as bigint) as in_count,
  cast(measured.out_count as bigint) as out_count,
  measured.in_amount_usd,
  measured.out_amount_usd,
  cast(measured.unvalued_count as bigint) as unvalued_count,
  cast(measured.history_days_90d as bigint) as history_days_90d,
  cast(measured.history_leg_count_90d as bigint) as history_leg_count_90d,
  cast(measured.history_leg_count_squares_90d as bigint) as history_leg_count_squares_90d,
  cast(measured.turnover_usd_30d as decimal(38,2)) as turnover_usd_30d
from measured
left join {{ ref('int_party_segments') }} as segments
  on segments.party_id = measured.party_id
  and segments.effective_from_at < cast({{ days_after('measured.event_date', '1') }} as timestamp)
  and segments.effective_to_at >= cast({{ days_after('measured.event_date', '1') }} as timestamp)
