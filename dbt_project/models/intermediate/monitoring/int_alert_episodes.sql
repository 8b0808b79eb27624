with alerted as (
  select *
  from (
    {{ scenario_rows([
      'scenario_id', 'scenario_version', 'leg_id', 'transfer_id', 'party_id', 'account_id', 'subject_type_code', 'subject_id', 'episode_key',
      'event_at', 'window_start_at', 'window_end_at', 'parameter_set_id', 'outcome_code', 'reason_text', 'evidence_transfer_ids',
      'evidence_known_at', 'evidence_end_at'
    ]) }}
  ) as scenario_rows
  where outcome_code = 'alerted'
),

suppressed as (
  select scenario_id, leg_id from {{ ref('int_suppressed_legs') }}
),

scenarios as (
  select scenario_id, episode_gap_hours, max_episode_hours, continuation_code
  from {{ ref('scenarios') }}
  where mode_code = 'live'
),

found as (
  select
    alerted.*,
    {{ md5_key(['alerted.scenario_id', 'alerted.scenario_version', 'alerted.subject_id', 'alerted.episode_key', 'alerted.leg_id']) }} as finding_id,
    {{ md5_key(['alerted.scenario_id', 'alerted.scenario_version', 'alerted.subject_type_code', 'alerted.subject_id', 'alerted.episode_key']) }} as line_id,
    scenarios.episode_gap_hours,
    scenarios.max_episode_hours,
    scenarios.continuation_code
  from alerted
  inner join scenarios
    on scenarios.scenario_id = alerted.scenario_id
  left join suppressed
    on suppressed.scenario_id = alerted.scenario_id
    and suppressed.leg_id = alerted.leg_id
  where suppressed.leg_id is null
),

-- legs of a subject that follow each other closer than the scenario's window are one chain
spaced as (
  select
    *,
    lag(event_at) over (partition by line_id order by event_at, leg_id) as previous_event_at
  from found
),

chained as (
  select
    *,
    sum(case when previous_event_at is null or event_at >= {{ hours_after('previous_event_at', 'episode_gap_hours') }} then 1 else 0 end) over (
      partition by line_id order by event_at, leg_id rows between unbounded preceding and current row
    ) as chain_no
  from spaced
),

begun as (
  select
    *,
    min(event_at) over (partition by line_id, chain_no) as chain_start_at
  from chained
),

-- and a chain is cut where it becomes longer than the scenario's longest episode
cut as (
  select
    *,
    cast(floor({{ seconds_between('chain_start_at', 'event_at') }} / (max_episode_hours * 3600.0)) as bigint) as part_no
  from begun
)

select
  finding_id,
  first_value(finding_id) over (partition by line_id, chain_no, part_no order by event_at, leg_id) as episode_id,
  scenario_id,
  scenario_version,
  subject_type_code,
  subject_id,
  episode_key,
  leg_id,
  transfer_id,
  party_id,
  account_id,
  event_at,
  window_start_at,
  window_end_at,
  parameter_set_id,
  reason_text,
  evidence_transfer_ids,
  evidence_known_at,
  -- the day of the last transfer of the finding ends at midnight UTC; a day later at the latest its evidence should be known
  cast({{ seconds_between('cast(' ~ days_after('cast(evidence_end_at as date)', '1') ~ ' as timestamp)', 'evidence_known_at') }} as bigint) as seconds_to_known,
  continuation_code
from cut
