-- The ledger of alerts raised: rows are only ever added. It is the one mart that cannot be rebuilt from raw, because it says
-- what was raised when, so a full refresh does not touch it either.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='fail') }}

with legs as (
  select * from {{ ref('int_alert_episodes') }}
),

as_of as (
  select as_of_at from {{ ref('stg_control__as_of') }}
),

parameter_sets as (
  select distinct scenario_id, parameter_set_id, parameters_text
  from {{ ref('int_scenario_parameters') }}
),

transfers as (
  select transfer_id, amount_usd from {{ ref('int_transfers') }}
),

recorded as (
  {%- if is_incremental() %}
  select alert_id, continues_alert_id, raised_as_of_at, triggered_at, {{ split_to_rows('finding_ids', ';') }} as finding_id
  from {{ this }}
  {%- else %}
  select
    cast(null as string) as alert_id,
    cast(null as string) as continues_alert_id,
    cast(null as timestamp) as raised_as_of_at,
    cast(null as timestamp) as triggered_at,
    cast(null as string) as finding_id
  from as_of
  where 1 = 0
  {%- endif %}
),

-- the earliest alert on any leg of an episode
raised as (
  select
    legs.episode_id,
    coalesce(recorded.continues_alert_id, recorded.alert_id) as first_alert_id,
    recorded.raised_as_of_at
  from legs
  inner join recorded
    on recorded.finding_id = legs.finding_id
  qualify row_number() over (
    partition by legs.episode_id order by recorded.raised_as_of_at, recorded.triggered_at, recorded.alert_id
  ) = 1
),

-- A leg that happened and became known in time after its episode was alerted goes on with it. Every other leg that the ledger
-- does not have yet raises an alert: it came late, or should have been there, or the scenario wants each.
new_legs as (
  select
    legs.*,
    raised.first_alert_id as continues_alert_id,
    first_value(legs.finding_id) over (partition by legs.episode_id order by legs.event_at, legs.leg_id) as alert_id
  from legs
  left join recorded
    on recorded.finding_id = legs.finding_id
  left join raised
    on raised.episode_id = legs.episode_id
  where recorded.finding_id is null
    and (
      raised.episode_id is null
      or legs.continuation_code = 'every'
      or legs.seconds_to_known > 86400
      or legs.evidence_known_at <= raised.raised_as_of_at
    )
),

episodes as (
  select
    alert_id,
    min(window_start_at) as window_start_at,
    max(window_end_at) as window_end_at,
    count(*) as leg_count,
    {{ list_text('finding_id') }} as finding_ids,
    max(evidence_known_at) as evidence_known_at,
    max(seconds_to_known) as seconds_to_known
  from new_legs
  group by alert_id
),

evidence_ids as (
  select alert_id, {{ split_to_rows('evidence_transfer_ids', ';') }} as transfer_id
  from new_legs
),

evidence_transfers as (
  select distinct alert_id, transfer_id
  from evidence_ids
),

evidence as (
  select
    evidence_transfers.alert_id,
    {{ list_text('evidence_transfers.transfer_id') }} as evidence_transfer_ids,
    count(*) as evidence_count,
    sum(transfers.amount_usd) as amount_usd
  from evidence_transfers
  left join transfers
    on transfers.transfer_id = evidence_transfers.transfer_id
  group by evidence_transfers.alert_id
)

select
  triggers.alert_id,
  triggers.continues_alert_id,
  triggers.scenario_id,
  triggers.scenario_version,
  triggers.parameter_set_id,
  parameter_sets.parameters_text,
  triggers.subject_type_code,
  {{ pseudonym('triggers.subject_id') }} as subject_key,
  {{ pseudonym('triggers.party_id') }} as party_key,
  {{ pseudonym('triggers.account_id') }} as account_key,
  triggers.episode_key,
  triggers.transfer_id as trigger_transfer_id,
  triggers.event_at as triggered_at,
  episodes.window_start_at,
  episodes.window_end_at,
  episodes.leg_count,
  episodes.finding_ids,
  evidence.evidence_count,
  cast(evidence.amount_usd as decimal(38,2)) as amount_usd,
  triggers.reason_text,
  evidence.evidence_transfer_ids,
  episodes.evidence_known_at,
  as_of.as_of_at as raised_as_of_at,
  episodes.seconds_to_known > 86400 as is_late,
  cast(case when episodes.seconds_to_known > 86400 then floor(episodes.seconds_to_known / 86400) else 0 end as bigint) as late_days
from new_legs as triggers
inner join episodes
  on episodes.alert_id = triggers.alert_id
inner join evidence
  on evidence.alert_id = triggers.alert_id
left join parameter_sets
  on parameter_sets.scenario_id = triggers.scenario_id
  and parameter_sets.parameter_set_id = triggers.parameter_set_id
cross join as_of
where triggers.finding_id = triggers.alert_id
