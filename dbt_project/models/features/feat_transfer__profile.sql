with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'amount_usd', 'counterparty_id', 'party_type_code', 'declared_annual_income_usd']) }}
),

opened as (
  select party_id, min(account_opened_at) as first_opened_at
  from {{ ref('int_transfer_legs') }}
  where party_id is not null
  group by party_id
),

sided as (
  select
    *,
    case when direction_code = 'in' then amount_usd end as in_usd,
    case when direction_code = 'in' then event_at end as in_at
  from legs
),

windowed as (
  select
    *,
    min(in_at) over (partition by party_id order by event_at range between unbounded preceding and current row) as first_inflow_at,
    min(event_at) over (partition by party_id, direction_code, counterparty_id) as first_with_counterparty_at,
    cast(coalesce(sum(in_usd) over ({{ rolling('party_id', '90 days') }}), 0) as decimal(38,2)) as inflow_usd_90d
  from sided
),

measured as (
  select
    windowed.*,
    opened.first_opened_at,
    profiles.birth_date
  from windowed
  left join opened
    on opened.party_id = windowed.party_id
  left join {{ ref('int_party_history') }} as profiles
    on profiles.party_id = windowed.party_id
    and windowed.event_at >= profiles.effective_from_at
    and windowed.event_at < profiles.effective_to_at
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  party_type_code,
  first_opened_at,
  case when first_opened_at is not null then {{ days_elapsed('least(first_opened_at, event_at)', 'event_at') }} end as account_age_days,
  first_inflow_at,
  cast({{ seconds_between('first_inflow_at', 'event_at') }} as bigint) as seconds_since_first_inflow,
  cast(case when birth_date is not null then
    year(event_date) - year(birth_date)
    - case when month(event_date) < month(birth_date) or (month(event_date) = month(birth_date) and day(event_date) < day(birth_date)) then 1 else 0 end
  end as bigint) as customer_age_years,
  case when counterparty_id is not null then first_with_counterparty_at = event_at end as is_new_counterparty,
  declared_annual_income_usd,
  inflow_usd_90d,
  {{ decimal_ratio('inflow_usd_90d', 'declared_annual_income_usd') }} as inflow_to_income_ratio_90d
from measured
