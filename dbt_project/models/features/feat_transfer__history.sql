with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'amount_usd']) }}
),

-- a customer who trades is not dormant, so completed trades are activity too
activity as (
  select distinct party_id, event_at
  from {{ ref('int_transfer_legs') }}
  where status_code = 'completed' and party_id is not null
),

instants as (
  select
    party_id,
    event_at,
    lag(event_at) over (partition by party_id order by event_at) as previous_at
  from activity
),

before_ledger as (
  select
    party_id,
    max(last_activity_at) as last_activity_at,
    min(account_opened_at) as first_opened_at
  from {{ ref('int_transfer_legs') }}
  where party_id is not null
  group by party_id
),

previous as (
  select
    instants.party_id,
    instants.event_at,
    before_ledger.first_opened_at,
    coalesce(
      instants.previous_at,
      case when before_ledger.last_activity_at < instants.event_at then before_ledger.last_activity_at end
    ) as previous_activity_at,
    case
      when instants.previous_at is not null then 'ledger'
      when before_ledger.last_activity_at < instants.event_at then 'account'
      else 'unknown'
    end as previous_activity_source_code
  from instants
  inner join before_ledger
    on before_ledger.party_id = instants.party_id
),

measured as (
  select
    leg_id,
    party_id,
    amount_usd,
    count(amount_usd) over ({{ rolling_before('party_id', 90) }}) as history_count_90d,
    sum(amount_usd) over ({{ rolling_before('party_id', 90) }}) as history_sum_usd,
    sum(cast(amount_usd * amount_usd as decimal(38,4))) over ({{ rolling_before('party_id', 90) }}) as history_sum_of_squares,
    min(amount_usd) over ({{ rolling_before('party_id', 90) }}) as history_min_usd,
    max(amount_usd) over ({{ rolling_before('party_id', 90) }}) as history_max_usd
  from legs
),

-- sums are exact; only the last step, mean and deviation, is floating point, and is rounded
moments as (
  select
    *,
    cast(history_sum_usd as double) / history_count_90d as history_mean,
    case when history_count_90d > 1 and history_max_usd > history_min_usd then
      sqrt(greatest(
        (cast(history_sum_of_squares as double) - cast(history_sum_usd as double) * cast(history_sum_usd as double) / history_count_90d)
        / (history_count_90d - 1),
        0
      ))
    end as history_deviation
  from measured
)

select
  legs.leg_id,
  legs.transfer_id,
  legs.party_id,
  legs.direction_code,
  legs.event_at,
  legs.event_date,
  previous.previous_activity_at,
  cast(previous.previous_activity_source_code as string) as previous_activity_source_code,
  previous.first_opened_at,
  cast(floor(cast({{ seconds_between('previous.previous_activity_at', 'legs.event_at') }} as double) / 86400) as bigint) as dormant_days,
  moments.history_count_90d,
  cast(coalesce(moments.history_sum_usd, 0) as decimal(38,2)) as history_amount_usd_90d,
  cast(moments.history_max_usd as decimal(18,2)) as history_max_usd_90d,
  case when moments.history_count_90d >= {{ var('history_min_legs', 10) }} and moments.history_deviation > 0 then
    cast(round((cast(legs.amount_usd as double) - moments.history_mean) / moments.history_deviation, 4) as decimal(18,4))
  end as amount_zscore_90d,
  case when moments.history_count_90d >= {{ var('history_min_legs', 10) }} then
    {{ decimal_ratio('legs.amount_usd', 'moments.history_max_usd') }}
  end as amount_to_max_ratio_90d,
  cast(case
    when legs.amount_usd is null then 'no_valuation'
    when moments.history_count_90d < {{ var('history_min_legs', 10) }} then 'insufficient_history'
    when moments.history_deviation is null or moments.history_deviation = 0 then 'no_variance'
    else 'ok'
  end as string) as history_status_code
from legs
inner join moments
  on moments.leg_id = legs.leg_id
left join previous
  on previous.party_id = legs.party_id
  and previous.event_at = legs.event_at
