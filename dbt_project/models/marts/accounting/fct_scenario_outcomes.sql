{#- One outcome a transfer: of two legs the one that matters more, and only when every leg that the transfer must have is there
    exactly once. Read from what the scenarios say they read, and from nothing else.
    A transfer of one leg is counted as it stands, which spares forty scenarios an aggregation over every transfer: were its leg
    there twice or missing, the count itself would differ from the population. What alerted is looked at by transfer, because a
    suppression may have silenced it. Each scenario is counted by itself, because small groupings are so much faster than one.
    A transfer is accounted for where its paying side is: one of two legs in the jurisdiction of the leg that sends. -#}
{%- set counted_as_it_stands = "(legs_expected = 1 and outcome_code <> 'alerted')" -%}
with live_or_shadow as (
  select scenario_id from {{ ref('scenarios') }}
  where mode_code <> 'off'
),

suppressed as (
  select scenario_id, leg_id from {{ ref('int_suppressed_legs') }}
),

as_they_stand as (
  {%- for model in var('scenario_models') %}
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    outcome_code,
    reason_code,
    count(*) as transfer_count,
    sum(amount) as amount
  from {{ ref(model) }}
  where {{ counted_as_it_stands }}
  group by scenario_id, scenario_version, jurisdiction_code, event_date, asset_code, outcome_code, reason_code
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

looked_at as (
  {%- for model in var('scenario_models') %}
  select
    scenario_id,
    scenario_version,
    leg_id,
    transfer_id,
    legs_expected,
    jurisdiction_code,
    event_date,
    asset_code,
    amount,
    outcome_code,
    reason_code
  from {{ ref(model) }}
  where not coalesce({{ counted_as_it_stands }}, false)
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

transfers as (
  select
    legs.scenario_id,
    legs.scenario_version,
    legs.event_date,
    legs.asset_code,
    coalesce(max(case when legs.leg_id like '%:out' then legs.jurisdiction_code end), max(legs.jurisdiction_code)) as jurisdiction_code,
    max(legs.amount) as amount,
    -- '1' to '5' by weight, then the reason: the smallest text is the leg that matters most.
    case when count(*) = max(legs.legs_expected) then
      min(
        case
          when suppressed.leg_id is not null then '5suppressed'
          else case legs.outcome_code when 'alerted' then '2' when 'not_evaluable' then '3' when 'below_threshold' then '4' when 'excluded' then '5' else '1' end
            || coalesce(legs.reason_code, '')
        end
      )
    else '0legs_missing_or_doubled' end as ranked_reason
  from looked_at as legs
  left join suppressed
    on suppressed.scenario_id = legs.scenario_id
    and suppressed.leg_id = legs.leg_id
  group by legs.scenario_id, legs.scenario_version, legs.transfer_id, legs.event_date, legs.asset_code
),

counted as (
  select * from as_they_stand
  union all
  select
    scenario_id,
    scenario_version,
    jurisdiction_code,
    event_date,
    asset_code,
    case substr(ranked_reason, 1, 1)
      when '0' then 'unexplained' when '2' then 'alerted' when '3' then 'not_evaluable' when '4' then 'below_threshold' when '5' then 'excluded' else 'errored'
    end as outcome_code,
    substr(ranked_reason, 2) as reason_code,
    count(*) as transfer_count,
    sum(amount) as amount
  from transfers
  group by scenario_id, scenario_version, jurisdiction_code, event_date, asset_code, ranked_reason
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
  from counted
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
  -- an outcome that nobody knows is an error, never a pass
  case when grouped.outcome_code in ('unexplained', 'alerted', 'not_evaluable', 'below_threshold', 'excluded') then grouped.outcome_code else 'errored' end as outcome_code,
  coalesce(grouped.reason_code, '') as reason_code,
  grouped.transfer_count,
  grouped.amount,
  {{ usd_amount('grouped.amount', 'rates.rate_usd') }} as amount_usd
from grouped
inner join live_or_shadow on live_or_shadow.scenario_id = grouped.scenario_id
left join rates
  on grouped.asset_code = rates.asset_code
  and grouped.event_date = rates.rate_date
