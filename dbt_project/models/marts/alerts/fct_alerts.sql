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

episodes as (
  select
    alert_id,
    min(window_start_at) as window_start_at,
    max(window_end_at) as window_end_at,
    count(*) as leg_count,
    max(evidence_known_at) as evidence_known_at,
    max(seconds_to_known) as seconds_to_known
  from legs
  group by alert_id
),

evidence_ids as (
  select alert_id, {{ split_to_rows('evidence_transfer_ids', ';') }} as transfer_id
  from legs
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
),

final as (
  select
    triggers.alert_id,
    triggers.scenario_id,
    triggers.scenario_version,
    triggers.parameter_set_id,
    parameter_sets.parameters_text,
    triggers.subject_type_code,
    {{ pseudonym('triggers.subject_id') }} as subject_key,
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
  from legs as triggers
  inner join episodes
    on episodes.alert_id = triggers.alert_id
  inner join evidence
    on evidence.alert_id = triggers.alert_id
  left join parameter_sets
    on parameter_sets.scenario_id = triggers.scenario_id
    and parameter_sets.parameter_set_id = triggers.parameter_set_id
  cross join as_of
  where triggers.is_trigger
)

select * from final
{% if is_incremental() %}
where alert_id not in (select alert_id from {{ this }})
{% endif %}
