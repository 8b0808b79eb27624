with alerted as (
  select *
  from (
    {{ scenario_rows([
      'scenario_id', 'scenario_version', 'leg_id', 'transfer_id', 'party_id', 'account_id', 'subject_type_code', 'subject_id', 'event_at',
      'window_start_at', 'window_end_at', 'parameter_set_id', 'outcome_code', 'reason_text', 'evidence_transfer_ids', 'evidence_known_at',
      'evidence_end_at'
    ]) }}
  ) as scenario_rows
  where outcome_code = 'alerted'
),

scenarios as (
  select scenario_id, episode_gap_hours
  from {{ ref('scenarios') }}
  where mode_code = 'live'
),

-- legs of a subject that follow each other closer than the scenario's window are one episode
chained as (
  select
    alerted.*,
    scenarios.episode_gap_hours,
    lag(alerted.event_at) over (
      partition by alerted.scenario_id, alerted.scenario_version, alerted.subject_type_code, alerted.subject_id
      order by alerted.event_at, alerted.leg_id
    ) as previous_event_at
  from alerted
  inner join scenarios
    on scenarios.scenario_id = alerted.scenario_id
),

numbered as (
  select
    *,
    sum(case when previous_event_at is null or event_at >= {{ hours_after('previous_event_at', 'episode_gap_hours') }} then 1 else 0 end) over (
      partition by scenario_id, scenario_version, subject_type_code, subject_id
      order by event_at, leg_id
      rows between unbounded preceding and current row
    ) as episode_no
  from chained
),

placed as (
  select
    *,
    first_value(leg_id) over (
      partition by scenario_id, scenario_version, subject_type_code, subject_id, episode_no order by event_at, leg_id
      rows between unbounded preceding and unbounded following
    ) as trigger_leg_id
  from numbered
)

select
  {{ md5_key(['scenario_id', 'scenario_version', 'subject_id', 'trigger_leg_id']) }} as alert_id,
  scenario_id,
  scenario_version,
  subject_type_code,
  subject_id,
  leg_id,
  transfer_id,
  party_id,
  account_id,
  leg_id = trigger_leg_id as is_trigger,
  event_at,
  window_start_at,
  window_end_at,
  parameter_set_id,
  reason_text,
  evidence_transfer_ids,
  evidence_known_at,
  -- the day of the last transfer of the finding ends at midnight UTC; a day later at the latest its evidence should be known
  cast({{ seconds_between('cast(' ~ days_after('cast(evidence_end_at as date)', '1') ~ ' as timestamp)', 'evidence_known_at') }} as bigint) as seconds_to_known
from placed
