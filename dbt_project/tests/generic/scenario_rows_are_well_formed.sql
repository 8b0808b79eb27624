{#- A scenario's rows have the form that the accounting, the alert ledger and an investigator rely on: each leg of the population
    exactly once and nothing else, codes that are known, and alerted rows (only they) with their sentence, evidence that contains
    the transfer itself, and the parameters used. One test for all rules, because each test is a query of its own; a row returned
    names the rule that it breaks. -#}
{% test scenario_rows_are_well_formed(model) %}
{%- set rules = {
  'key_missing': 'scenario_id is null or scenario_version is null or leg_id is null or transfer_id is null or event_at is null'
    ~ ' or subject_id is null or episode_key is null or reason_code is null or outcome_code is null',
  'scenario_unknown': 'scenario_id not in (select scenario_id from ' ~ ref('scenarios') ~ ')',
  'outcome_unknown': "outcome_code not in ('alerted', 'below_threshold', 'excluded', 'not_evaluable', 'errored')",
  'subject_type_unknown': "subject_type_code not in ('party', 'account', 'address', 'transfer')",
  'alert_unexplained': "(outcome_code = 'alerted') <> (reason_text is not null and evidence_transfer_ids is not null"
    ~ ' and evidence_known_at is not null and evidence_end_at is not null and parameter_set_id is not null)'
    ~ " and (outcome_code = 'alerted' or reason_text is not null or evidence_transfer_ids is not null)",
  'transfer_not_in_evidence': "outcome_code = 'alerted' and ';' || evidence_transfer_ids || ';' not like '%;' || transfer_id || ';%'",
  'window_backwards': 'window_end_at < window_start_at'
} -%}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
with scenario as (
  select * from {{ model }}
),

-- One pass over the rows for all rules, and one comparison of the legs: there are as many rows as legs, for each scenario.
broken as (
  select * from scenario
  where {% for condition in rules.values() %}({{ condition }}){{ ' or ' if not loop.last }}{% endfor %}
),

counted as (
  select leg_id, count(*) as row_count from scenario group by leg_id
),

legs as (
  select leg_id from {{ ref('int_transfer_legs') }}
),

compared as (
  select
    coalesce(counted.leg_id, legs.leg_id) as leg_id,
    case
      when counted.leg_id is null then 'leg_of_the_population_missing'
      when legs.leg_id is null then 'leg_not_of_the_population'
      when counted.row_count > 1 then 'leg_twice'
    end as rule
  from counted
  full outer join legs on legs.leg_id = counted.leg_id
)

{% for rule, condition in rules.items() -%}
select leg_id, '{{ rule }}' as rule
from broken
where {{ condition }}
union all
{% endfor -%}
select leg_id, rule
from compared
where rule is not null
{% endtest %}
