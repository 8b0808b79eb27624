{#- One outcome a transfer: of two legs the one that matters more, and only when every leg that the transfer must have is there
    exactly once. Read from what the scenarios say they read, and from nothing else. -#}
with scenario_legs as (
  {{ scenario_rows(['scenario_id', 'scenario_version', 'transfer_id', 'legs_expected', 'event_date', 'asset_code', 'amount', 'outcome_code', 'reason_code']) | indent(2) }}
),

transfers as (
  select
    scenario_id,
    scenario_version,
    transfer_id,
    event_date,
    asset_code,
    max(amount) as amount,
    count(*) as legs,
    max(legs_expected) as legs_expected,
    -- '1' to '5' by weight, then the reason: the smallest text is the leg that matters most.
    min(
      case outcome_code when 'errored' then '1' when 'alerted' then '2' when 'not_evaluable' then '3' when 'below_threshold' then '4' when 'excluded' then '5' else '1' end
      || coalesce(reason_code, '')
    ) as ranked_reason
  from scenario_legs
  group by scenario_id, scenario_version, transfer_id, event_date, asset_code
),

decided as (
  select
    *,
    case
      when legs <> legs_expected then 'unexplained'
      when ranked_reason like '1%' then 'errored'
      when ranked_reason like '2%' then 'alerted'
      when ranked_reason like '3%' then 'not_evaluable'
      when ranked_reason like '4%' then 'below_threshold'
      else 'excluded'
    end as outcome_code,
    case when legs <> legs_expected then 'legs_missing_or_doubled' else substr(ranked_reason, 2) end as reason_code
  from transfers
),

grouped as (
  select
    scenario_id,
    scenario_version,
    event_date,
    asset_code,
    outcome_code,
    reason_code,
    count(*) as transfer_count,
    cast(sum(amount) as decimal(38,18)) as amount
  from decided
  where scenario_id in (select scenario_id from {{ ref('scenarios') }} where mode_code <> 'off')
  group by scenario_id, scenario_version, event_date, asset_code, outcome_code, reason_code
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
)

select
  {{ md5_key(['grouped.scenario_id', 'grouped.scenario_version', 'grouped.event_date', 'grouped.asset_code', 'grouped.outcome_code', 'grouped.reason_code']) }} as scenario_outcome_id,
  grouped.scenario_id,
  grouped.scenario_version,
  grouped.event_date,
  grouped.asset_code,
  grouped.outcome_code,
  grouped.reason_code,
  grouped.transfer_count,
  grouped.amount,
  {{ usd_amount('grouped.amount', 'rates.rate_usd') }} as amount_usd
from grouped
left join rates
  on grouped.asset_code = rates.asset_code
  and grouped.event_date = rates.rate_date
