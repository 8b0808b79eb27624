-- The ledger of alerts raised: rows are only ever added. It is the one mart that cannot be rebuilt from raw, because it says
-- what was raised when, so a full refresh does not touch it either.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='fail') }}

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

as_of as (
  select as_of_at from {{ ref('stg_control__as_of') }}
),

parameter_sets as (
  select distinct scenario_id, parameter_set_id, parameters_text
  from {{ ref('scenario_parameter_sets') }}
),

transfers as (
  select transfer_id, amount_usd from {{ ref('int_transfers') }}
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

-- the day of the last transfer of the finding ends at midnight UTC; a day later at the latest its evidence should be known
placed as (
  select
    *,
    first_value(leg_id) over (
      partition by scenario_id, scenario_version, subject_type_code, subject_id, episode_no order by event_at, leg_id
      rows between unbounded preceding and unbounded following
    ) as trigger_leg_id,
    {{ seconds_between('cast(' ~ days_after('cast(evidence_end_at as date)', '1') ~ ' as timestamp)', 'evidence_known_at') }} as seconds_to_known
  from numbered
),

episodes as (
  select
    {{ md5_key(['scenario_id', 'scenario_version', 'subject_id', 'trigger_leg_id']) }} as alert_id,
    scenario_id,
    scenario_version,
    subject_type_code,
    subject_id,
    trigger_leg_id,
    min(window_start_at) as window_start_at,
    max(window_end_at) as window_end_at,
    count(*) as leg_count,
    max(evidence_known_at) as evidence_known_at,
    max(seconds_to_known) as seconds_to_known
  from placed
  group by scenario_id, scenario_version, subject_type_code, subject_id, trigger_leg_id
),

evidence_ids as (
  select scenario_id, scenario_version, subject_id, trigger_leg_id, {{ split_to_rows('evidence_transfer_ids', ';') }} as transfer_id
  from placed
),

evidence_transfers as (
  select distinct scenario_id, scenario_version, subject_id, trigger_leg_id, transfer_id
  from evidence_ids
),

evidence as (
  select
    {{ md5_key(['evidence_transfers.scenario_id', 'evidence_transfers.scenario_version', 'evidence_transfers.subject_id', 'evidence_transfers.trigger_leg_id']) }} as alert_id,
    {{ list_text('evidence_transfers.transfer_id') }} as evidence_transfer_ids,
    count(*) as evidence_count,
    sum(transfers.amount_usd) as amount_usd
  from evidence_transfers
  left join transfers
    on transfers.transfer_id = evidence_transfers.transfer_id
  group by
    evidence_transfers.scenario_id, evidence_transfers.scenario_version, evidence_transfers.subject_id, evidence_transfers.trigger_leg_id
),

final as (
  select
    episodes.alert_id,
    episodes.scenario_id,
    episodes.scenario_version,
    triggers.parameter_set_id,
    parameter_sets.parameters_text,
    episodes.subject_type_code,
    {{ pseudonym('episodes.subject_id') }} as subject_key,
    {{ pseudonym('triggers.party_id') }} as party_key,
    {{ pseudonym('triggers.account_id') }} as account_key,
    triggers.transfer_id as trigger_transfer_id,
    triggers.event_at as triggered_at,
    episodes.window_start_at,
    episodes.window_end_at,
    episodes.leg_count,
    evidence.evidence_count,
    cast(evidence.amount_usd as decimal(38,2)) as amount_usd,
    triggers.reason_text,
    evidence.evidence_transfer_ids,
    episodes.evidence_known_at,
    as_of.as_of_at as raised_as_of_at,
    episodes.seconds_to_known > 86400 as is_late,
    cast(case when episodes.seconds_to_known > 86400 then floor(episodes.seconds_to_known / 86400) else 0 end as bigint) as late_days
  from episodes
  inner join placed as triggers
    on triggers.scenario_id = episodes.scenario_id
    and triggers.leg_id = episodes.trigger_leg_id
  left join evidence
    on evidence.alert_id = episodes.alert_id
  left join parameter_sets
    on parameter_sets.scenario_id = triggers.scenario_id
    and parameter_sets.parameter_set_id = triggers.parameter_set_id
  cross join as_of
)

select * from final
{% if is_incremental() %}
where alert_id not in (select alert_id from {{ this }})
{% endif %}
