with as_of as (
  select as_of_at, as_of_date from {{ ref('stg_control__as_of') }}
),

-- the definition in force on the as-of date
definitions as (
  select definitions.*
  from {{ ref('kri_definitions') }} as definitions
  cross join as_of
  where definitions.valid_from_date <= as_of.as_of_date
  qualify row_number() over (partition by definitions.kri_code order by definitions.valid_from_date desc) = 1
),

-- periods end with the as-of date and are half-open: the day period_days before it is not part of one
periods as (
  select
    definitions.kri_code,
    {{ days_after('as_of.as_of_date', '-1 * definitions.period_days') }} as after_date,
    as_of.as_of_date as until_date
  from definitions
  cross join as_of
  where definitions.period_days is not null
),

-- the ledger as it was on the as-of instant: it also holds what was raised later
alerts as (
  select ledger.alert_id, cast(ledger.triggered_at as date) as triggered_date, ledger.evidence_known_at
  from {{ ref('fct_alerts') }} as ledger
  cross join as_of
  where ledger.raised_as_of_at <= as_of.as_of_at
),

transfers as (
  select transfer_id, rail_code, amount_usd, event_date
  from {{ ref('int_transfers') }}
  where status_code = 'completed'
),

active_days as (
  select distinct party_id, event_date
  from {{ ref('int_transfer_legs') }}
  where status_code = 'completed' and party_id is not null
),

closed_cases as (
  select *
  from {{ ref('fct_case_outcomes') }}
  where status_code = 'closed'
),

open_alerts as (
  select alerts.alert_id, alerts.evidence_known_at
  from alerts
  where alerts.alert_id not in (select alert_id from closed_cases where alert_id is not null)
),

feeds as (
  select
    cast(sum(source_rows) as bigint) as source_rows,
    cast(sum(rejected_rows) as bigint) as rejected_rows,
    cast(sum(abs(unexplained_rows)) as bigint) as unexplained_rows
  from {{ ref('fct_feed_reconciliation') }}
),

population as (
  select
    cast(sum(evaluated_rows) as bigint) as evaluated_rows,
    cast(sum(population_rows) - sum(excluded_rows) as bigint) as in_scope_rows
  from {{ ref('fct_scenario_population') }}
),

screenings as (
  select transfer_id
  from {{ ref('int_transfer_screenings') }}
  group by transfer_id
  having count(case when screening_status_code = 'screened' then 1 end) = count(*)
),

-- Several vendors naming the same category speak of the same value.
direct_exposures as (
  select transfer_id, sum(exposure_usd) as exposure_usd
  from (
    select transfer_id, category_code, max(exposure_usd) as exposure_usd
    from {{ ref('int_exposures') }}
    where exposure_type_code = 'DIRECT' and severity_code in ('severe', 'high', 'medium')
    group by transfer_id, category_code
  ) as named
  group by transfer_id
),

alerts_in_period as (
  select periods.kri_code, count(alerts.alert_id) as alert_count
  from periods
  left join alerts
    on alerts.triggered_date > periods.after_date and alerts.triggered_date <= periods.until_date
  where periods.kri_code in ('alert_volume', 'alerts_per_1000_active_customers', 'alerts_per_1m_transfers')
  group by periods.kri_code
),

measures as (
  select kri_code, cast(alert_count as decimal(38,6)) as numerator, cast(null as decimal(38,6)) as denominator
  from alerts_in_period
  where kri_code = 'alert_volume'
  union all
  select periods.kri_code, max(alerts_in_period.alert_count), count(distinct active_days.party_id)
  from periods
  inner join alerts_in_period on alerts_in_period.kri_code = periods.kri_code
  left join active_days on active_days.event_date > periods.after_date and active_days.event_date <= periods.until_date
  where periods.kri_code = 'alerts_per_1000_active_customers'
  group by periods.kri_code
  union all
  select periods.kri_code, max(alerts_in_period.alert_count), count(transfers.transfer_id)
  from periods
  inner join alerts_in_period on alerts_in_period.kri_code = periods.kri_code
  left join transfers on transfers.event_date > periods.after_date and transfers.event_date <= periods.until_date
  where periods.kri_code = 'alerts_per_1m_transfers'
  group by periods.kri_code
  union all
  select 'productive_alert_rate', count(case when outcome_code in ('escalated', 'sar_filed') then 1 end), count(*)
  from closed_cases
  union all
  select 'false_positive_ratio', count(case when outcome_code = 'false_positive' then 1 end), count(*)
  from closed_cases
  union all
  select 'open_alert_backlog', count(*), null
  from open_alerts
  union all
  select
    definitions.kri_code,
    count(case when {{ seconds_between('open_alerts.evidence_known_at', 'as_of.as_of_at') }} > definitions.clock_days * 86400 then 1 end),
    count(open_alerts.alert_id)
  from definitions
  cross join as_of
  left join open_alerts on true
  where definitions.kri_code = 'open_alerts_over_30_days_share'
  group by definitions.kri_code
  union all
  select
    definitions.kri_code,
    count(case when closed_cases.seconds_to_decision <= definitions.clock_days * 86400 then 1 end),
    count(closed_cases.case_id)
  from definitions
  left join closed_cases on true
  where definitions.kri_code = 'decided_within_sla_share'
  group by definitions.kri_code
  union all
  select
    definitions.kri_code,
    count(case when filed.seconds_to_sar > definitions.clock_days * 86400 then 1 end),
    count(filed.case_id)
  from definitions
  left join (select case_id, seconds_to_sar from {{ ref('fct_case_outcomes') }} where sar_filed_at is not null) as filed on true
  where definitions.kri_code = 'sar_over_30_days_share'
  group by definitions.kri_code
  union all
  select 'data_feed_completeness', source_rows - rejected_rows - unexplained_rows, source_rows
  from feeds
  union all
  select 'scenario_population_coverage', evaluated_rows, in_scope_rows
  from population
  union all
  select 'reject_rate', rejected_rows, source_rows
  from feeds
  union all
  select 'screening_coverage', count(screenings.transfer_id), count(transfers.transfer_id)
  from transfers
  left join screenings on screenings.transfer_id = transfers.transfer_id
  where transfers.rail_code = 'crypto'
  union all
  select
    periods.kri_code,
    cast(coalesce(sum(direct_exposures.exposure_usd), 0) as decimal(38,6)),
    cast(coalesce(sum(transfers.amount_usd), 0) as decimal(38,6))
  from periods
  left join transfers
    on transfers.event_date > periods.after_date and transfers.event_date <= periods.until_date and transfers.rail_code = 'crypto'
  left join direct_exposures on direct_exposures.transfer_id = transfers.transfer_id
  where periods.kri_code = 'direct_exposure_share'
  group by periods.kri_code
),

valued as (
  select
    definitions.*,
    measures.numerator,
    measures.denominator,
    case
      when measures.denominator is null then measures.numerator
      else {{ decimal_ratio('measures.numerator * definitions.multiplier', 'measures.denominator') }}
    end as kri_value
  from definitions
  left join measures
    on measures.kri_code = definitions.kri_code
)

select
  valued.kri_code,
  valued.kri_name,
  as_of.as_of_date,
  cast(valued.kri_value as decimal(38,6)) as value,
  valued.unit,
  cast(case
    when valued.kri_value is null then 'not_measured'
    when valued.red_limit is null or valued.amber_limit is null then 'no_limit'
    when valued.direction_code = 'higher_is_worse' and valued.kri_value >= valued.red_limit then 'red'
    when valued.direction_code = 'higher_is_worse' and valued.kri_value >= valued.amber_limit then 'amber'
    when valued.direction_code = 'lower_is_worse' and valued.kri_value <= valued.red_limit then 'red'
    when valued.direction_code = 'lower_is_worse' and valued.kri_value <= valued.amber_limit then 'amber'
    else 'green'
  end as string) as rag_code,
  cast(valued.numerator as decimal(38,6)) as numerator,
  cast(valued.denominator as decimal(38,6)) as denominator,
  cast(valued.amber_limit as decimal(38,6)) as amber_limit,
  cast(valued.red_limit as decimal(38,6)) as red_limit,
  valued.formula,
  valued.owner
from valued
cross join as_of
