{#- One outcome a transfer: of two legs the one that matters more, and only when every leg that the transfer must have is there
    exactly once. Read from what the scenarios say they read, and from nothing else.
    A transfer of one leg is counted as it stands, which spares forty scenarios an aggregation over every transfer: were its leg
    there twice or missing, the count itself would differ from the population. What alerted is looked at leg by leg, because a
    suppression may silence it.
    A transfer is accounted for where its paying side is: one of two legs in the jurisdiction of the leg that sends. -#}
{%- set counted_as_they_stand = "legs_expected = 1 and outcome_code is distinct from 'alerted'" -%}
with live_or_shadow as (
  select scenario_id from {{ ref('scenarios') }}
  where mode_code <> 'off'
),

suppressed as (
  select scenario_id, leg_id from {{ ref('int_suppressed_legs') }}
),

counted as (
  {{ scenario_counts(
    ['scenario_id', 'scenario_version', 'jurisdiction_code', 'event_date', 'asset_code', 'outcome_code', 'reason_code'],
    ['count(*) as transfer_count', 'cast(sum(amount) as decimal(38,18)) as amount'],
    counted_as_they_stand
  ) | indent(2) }}
),

scenario_legs as (
  {{ scenario_rows(
    ['scenario_id', 'scenario_version', 'leg_id', 'transfer_id', 'legs_expected', 'jurisdiction_code', 'event_date', 'asset_code', 'amount', 'outcome_code', 'reason_code'],
    'not coalesce(' ~ counted_as_they_stand ~ ', false)'
  ) | indent(2) }}
),

legs as (
  select
    scenario_legs.scenario_id,
    scenario_legs.scenario_version,
    scenario_legs.leg_id,
    scenario_legs.transfer_id,
    scenario_legs.legs_expected,
    scenario_legs.jurisdiction_code,
    scenario_legs.event_date,
    scenario_legs.asset_code,
    scenario_legs.amount,
    case when suppressed.leg_id is null then scenario_legs.outcome_code else 'excluded' end as outcome_code,
    case when suppressed.leg_id is null then scenario_legs.reason_code else 'suppressed' end as reason_code
  from scenario_legs
  left join suppressed
    on suppressed.scenario_id = scenario_legs.scenario_id
    and suppressed.leg_id = scenario_legs.leg_id
),

of_several_legs as (
  select
    scenario_id,
    scenario_version,
    transfer_id,
    event_date,
    asset_code,
    coalesce(max(case when leg_id like '%:out' then jurisdiction_code end), max(jurisdiction_code)) as jurisdiction_code,
    max(amount) as amount,
    count(*) as legs,
    max(legs_expected) as legs_expected,
    -- '1' to '5' by weight, then the reason: the smallest text is the leg that matters most.
    min(
      case outcome_code when 'errored' then '1' when 'alerted' then '2' when 'not_evaluable' then '3' when 'below_threshold' then '4' when 'excluded' then '5' else '1' end
      || coalesce(reason_code, '')
    ) as ranked_reason
  from legs
  where legs_expected is distinct from 1
  group by scenario_id, scenario_version, transfer_id, event_date, asset_code
),

decided as (
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    cast(1 as bigint) as transfer_count,
    amount,
    case
      when legs is distinct from legs_expected then 'unexplained'
      when ranked_reason like '1%' then 'errored'
      when ranked_reason like '2%' then 'alerted'
      when ranked_reason like '3%' then 'not_evaluable'
      when ranked_reason like '4%' then 'below_threshold'
      else 'excluded'
    end as outcome_code,
    case when legs is distinct from legs_expected then 'legs_missing_or_doubled' else substr(ranked_reason, 2) end as reason_code
  from of_several_legs
  union all
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    cast(1 as bigint) as transfer_count,
    amount,
    outcome_code,
    coalesce(reason_code, '') as reason_code
  from legs
  where legs_expected = 1
  union all
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    transfer_count,
    amount,
    case when outcome_code in ('not_evaluable', 'below_threshold', 'excluded') then outcome_code else 'errored' end as outcome_code,
    coalesce(reason_code, '') as reason_code
  from counted
),

grouped as (
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    outcome_code,
    reason_code,
    cast(sum(transfer_count) as bigint) as transfer_count,
    cast(sum(amount) as decimal(38,18)) as amount
  from decided
  group by scenario_id, scenario_version, jurisdiction_code, event_date, asset_code, outcome_code, reason_code
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
)

select
  {{ md5_key(['grouped.scenario_id', 'grouped.scenario_version', 'grouped.jurisdiction_code', 'grouped.event_date', 'grouped.asset_code', 'grouped.outcome_code', 'grouped.reason_code']) }} as scenario_outcome_id,
  grouped.scenario_id,
  grouped.scenario_version,
  grouped.jurisdiction_code,
  grouped.event_date,
  grouped.asset_code,
  grouped.outcome_code,
  grouped.reason_code,
  grouped.transfer_count,
  grouped.amount,
  {{ usd_amount('grouped.amount', 'rates.rate_usd') }} as amount_usd
from grouped
inner join live_or_shadow on live_or_shadow.scenario_id = grouped.scenario_id
left join rates
  on grouped.asset_code = rates.asset_code
  and grouped.event_date = rates.rate_date
