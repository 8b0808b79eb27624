{#- Where the rates have holes between the first and the last transfer of an asset: days without any rate, and hours without one on
    days that have rates within the day. Between two marks that are further apart than one step lies a gap. -#}
with transfers as (
  select asset_code, event_at, event_date, amount_usd from {{ ref('int_transfers') }}
),

needed as (
  select asset_code, min(event_date) as first_date, max(event_date) as last_date
  from transfers
  group by asset_code
),

rate_hours as (
  select asset_code, rate_date, date_trunc('hour', valid_from_at) as rate_hour from {{ ref('int_rate_hours') }}
),

day_marks as (
  select needed.asset_code, rates.rate_date as marked_date
  from needed
  inner join {{ ref('int_rates') }} as rates
    on needed.asset_code = rates.asset_code and rates.rate_date between needed.first_date and needed.last_date
  where rates.rate_usd is not null
  union
  select needed.asset_code, rate_hours.rate_date as marked_date
  from needed
  inner join rate_hours
    on needed.asset_code = rate_hours.asset_code and rate_hours.rate_date between needed.first_date and needed.last_date
  union
  select asset_code, {{ days_after('first_date', '-1') }} as marked_date from needed
  union
  select asset_code, {{ days_after('last_date', '1') }} as marked_date from needed
),

day_steps as (
  select
    asset_code,
    marked_date,
    lead(marked_date) over (partition by asset_code order by marked_date) as next_marked_date
  from day_marks
),

hour_marks as (
  select rate_hours.asset_code, rate_hours.rate_date, rate_hours.rate_hour
  from rate_hours
  inner join needed
    on rate_hours.asset_code = needed.asset_code and rate_hours.rate_date between needed.first_date and needed.last_date
  union
  select rate_hours.asset_code, rate_hours.rate_date, cast(rate_hours.rate_date as timestamp) - interval '1' hour as rate_hour
  from rate_hours
  inner join needed
    on rate_hours.asset_code = needed.asset_code and rate_hours.rate_date between needed.first_date and needed.last_date
  union
  select rate_hours.asset_code, rate_hours.rate_date, cast({{ days_after('rate_hours.rate_date', '1') }} as timestamp) as rate_hour
  from rate_hours
  inner join needed
    on rate_hours.asset_code = needed.asset_code and rate_hours.rate_date between needed.first_date and needed.last_date
),

hour_steps as (
  select
    asset_code,
    rate_hour,
    lead(rate_hour) over (partition by asset_code, rate_date order by rate_hour) as next_rate_hour
  from hour_marks
),

gaps as (
  select
    'day' as gap_type_code,
    asset_code,
    cast({{ days_after('marked_date', '1') }} as timestamp) as gap_from_at,
    cast(next_marked_date as timestamp) as gap_to_at,
    cast({{ days_between('marked_date', 'next_marked_date') }} - 1 as bigint) as missing_count
  from day_steps
  where {{ days_between('marked_date', 'next_marked_date') }} > 1
  union all
  select
    'hour' as gap_type_code,
    asset_code,
    rate_hour + interval '1' hour as gap_from_at,
    next_rate_hour as gap_to_at,
    cast(({{ seconds_between('rate_hour', 'next_rate_hour') }}) / 3600 - 1 as bigint) as missing_count
  from hour_steps
  where {{ seconds_between('rate_hour', 'next_rate_hour') }} > 3600
)

select
  {{ md5_key(['gaps.gap_type_code', 'gaps.asset_code', 'gaps.gap_from_at']) }} as rate_gap_id,
  gaps.asset_code,
  cast(gaps.gap_type_code as string) as gap_type_code,
  gaps.gap_from_at,
  gaps.gap_to_at,
  gaps.missing_count,
  count(transfers.asset_code) as transfer_count,
  count(case when transfers.asset_code is not null and transfers.amount_usd is null then 1 end) as unvalued_transfer_count
from gaps
left join transfers
  on gaps.asset_code = transfers.asset_code
  and transfers.event_at >= gaps.gap_from_at
  and transfers.event_at < gaps.gap_to_at
group by gaps.asset_code, gaps.gap_type_code, gaps.gap_from_at, gaps.gap_to_at, gaps.missing_count
