with outcomes as (
  select
    case_id,
    vendor_code,
    alert_id as stated_alert_id,
    scenario_id,
    {{ pseudonym('party_id') }} as party_key,
    window_start_date,
    window_end_date,
    opened_at,
    status_code,
    decided_at,
    outcome_code,
    sar_filed_at,
    {{ pseudonym('investigator_id') }} as investigator_key,
    qa_result_code,
    is_mapped,
    known_at
  from {{ ref('int_case_outcomes') }}
),

alerts as (
  select
    alert_id,
    scenario_id,
    party_key,
    triggered_at,
    cast(window_start_at as date) as window_start_date,
    cast(window_end_at as date) as window_end_date
  from {{ ref('fct_alerts') }}
),

by_id as (
  select outcomes.case_id, alerts.alert_id
  from outcomes
  inner join alerts
    on alerts.alert_id = outcomes.stated_alert_id
),

-- of several alerts in the window the one that was triggered inside it, and of those the first
by_window as (
  select
    outcomes.case_id,
    alerts.alert_id,
    count(*) over (partition by outcomes.case_id) as candidate_count
  from outcomes
  inner join alerts
    on alerts.scenario_id = outcomes.scenario_id
    and alerts.party_key = outcomes.party_key
    and alerts.window_start_date <= outcomes.window_end_date
    and alerts.window_end_date >= outcomes.window_start_date
  qualify row_number() over (
    partition by outcomes.case_id
    order by
      case when cast(alerts.triggered_at as date) between outcomes.window_start_date and outcomes.window_end_date then 0 else 1 end,
      alerts.triggered_at,
      alerts.alert_id
  ) = 1
)

select
  outcomes.case_id,
  outcomes.vendor_code,
  coalesce(by_id.alert_id, by_window.alert_id) as alert_id,
  cast(case
    when by_id.alert_id is not null then 'alert_id'
    when by_window.alert_id is not null then 'party_scenario_window'
    else 'unmatched'
  end as string) as match_status_code,
  case when by_id.alert_id is not null then 1 else coalesce(by_window.candidate_count, 0) end as candidate_count,
  outcomes.stated_alert_id,
  outcomes.scenario_id,
  outcomes.party_key,
  outcomes.window_start_date,
  outcomes.window_end_date,
  outcomes.opened_at,
  outcomes.status_code,
  outcomes.decided_at,
  outcomes.outcome_code,
  outcomes.sar_filed_at,
  outcomes.investigator_key,
  outcomes.qa_result_code,
  cast({{ seconds_between('outcomes.opened_at', 'outcomes.decided_at') }} as bigint) as seconds_to_decision,
  cast({{ seconds_between('outcomes.opened_at', 'outcomes.sar_filed_at') }} as bigint) as seconds_to_sar,
  outcomes.is_mapped,
  outcomes.known_at
from outcomes
left join by_id
  on by_id.case_id = outcomes.case_id
left join by_window
  on by_window.case_id = outcomes.case_id
