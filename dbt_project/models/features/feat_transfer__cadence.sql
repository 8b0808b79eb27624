with parameters as (
  {{ scenario_parameters('TM16', ['min_amount_usd']) }}
),

legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'asset_code', 'segment_code', 'jurisdiction_code', 'event_at', 'event_date', 'amount_usd']) }}
),

flagged as (
  select
    legs.*,
    coalesce(legs.amount_usd >= parameters.min_amount_usd, false) as is_large
  from legs
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
),

-- several large legs at one instant are one beat
beats as (
  select
    party_id,
    direction_code,
    event_at,
    lead(event_at) over (partition by party_id, direction_code order by event_at) as next_at
  from (select distinct party_id, direction_code, event_at from flagged where is_large) as instants
),

gaps as (
  select
    *,
    {{ seconds_between('event_at', 'next_at') }} as gap_seconds
  from beats
),

-- a gap is counted where it begins, so that all gaps between beats of the window lie in the window
series as (
  select
    party_id,
    direction_code,
    event_at,
    count(*) over ({{ rolling('party_id, direction_code', '30 days') }}) as large_count_30d,
    min(event_at) over ({{ rolling('party_id, direction_code', '30 days') }}) as first_large_at,
    count(gap_seconds) over ({{ rolling_before('party_id, direction_code', 30) }}) as gap_count_30d,
    sum(gap_seconds) over ({{ rolling_before('party_id, direction_code', 30) }}) as gap_seconds_30d,
    sum(cast(gap_seconds as decimal(19,0)) * cast(gap_seconds as decimal(19,0))) over ({{ rolling_before('party_id, direction_code', 30) }}) as gap_squares_30d
  from gaps
),

-- what ends a silence: any completed movement or trade
activity as (
  select
    party_id,
    event_at,
    lead(event_at) over (partition by party_id order by event_at) as next_activity_at
  from (
    select distinct party_id, event_at
    from {{ ref('int_transfer_legs') }}
    where status_code = 'completed' and party_id is not null
  ) as instants
)

select
  flagged.leg_id,
  flagged.transfer_id,
  flagged.party_id,
  flagged.direction_code,
  flagged.event_at,
  flagged.event_date,
  flagged.is_large,
  cast(coalesce(series.large_count_30d, 0) as bigint) as large_count_30d,
  series.first_large_at as first_large_at_30d,
  cast(coalesce(series.gap_count_30d, 0) as bigint) as gap_count_30d,
  cast(coalesce(series.gap_seconds_30d, 0) as bigint) as gap_seconds_30d,
  cast(coalesce(series.gap_squares_30d, 0) as decimal(38,0)) as gap_squares_30d,
  activity.next_activity_at,
  {{ days_elapsed('flagged.event_at', 'coalesce(activity.next_activity_at, greatest(as_of.as_of_at, flagged.event_at))') }} as silent_days_next
from flagged
left join series
  on flagged.is_large
  and series.party_id = flagged.party_id
  and series.direction_code = flagged.direction_code
  and series.event_at = flagged.event_at
left join activity
  on activity.party_id = flagged.party_id
  and activity.event_at = flagged.event_at
cross join {{ ref('stg_control__as_of') }} as as_of
