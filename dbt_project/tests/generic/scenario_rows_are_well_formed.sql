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

legs as (
  select leg_id from {{ ref('int_transfer_legs') }}
)

{% for rule, broken in rules.items() -%}
select leg_id, '{{ rule }}' as rule
from scenario
where {{ broken }}
union all
{% endfor -%}
select leg_id, 'leg_twice' as rule
from scenario
group by leg_id
having count(*) > 1
union all
select legs.leg_id, 'leg_of_the_population_missing' as rule
from legs
left join scenario on scenario.leg_id = legs.leg_id
where scenario.leg_id is null
union all
select scenario.leg_id, 'leg_not_of_the_population' as rule
from scenario
left join legs on legs.leg_id = scenario.leg_id
where legs.leg_id is null
{% endtest %}
