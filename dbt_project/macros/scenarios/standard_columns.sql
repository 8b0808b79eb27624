{#- The select list every scenario ends with: the standard columns, in their order and types. The relation selected from has one
    row per leg of the population with the leg's own columns and: parameter_set_id, window_start_at,
    window_end_at, measure_1_value, measure_2_value, threshold_1_value, threshold_2_value, outcome_code, reason_code,
    reason_text, evidence_transfer_ids, evidence_known_at, evidence_end_at; subject_type_code and subject_id too.
    measures: the names of the two measures. episode_key: expression for what an alert is about beyond its subject, where alerts on
    different things must not be one (an address, an entity); text. -#}
{%- macro scenario_standard_columns(scenario_id, measures, episode_key="''") -%}
  cast('{{ scenario_id }}' as string) as scenario_id,
  cast((select max(scenario_version) from {{ ref('scenarios') }} where scenario_id = '{{ scenario_id }}') as string) as scenario_version,
  leg_id,
  transfer_id,
  legs_expected,
  party_id,
  account_id,
  cast({{ jurisdiction_of('jurisdiction_code') }} as string) as jurisdiction_code,
  cast(
    case when transfer_type_code in ('deposit', 'withdrawal') then rail_code || '_' || transfer_type_code else transfer_type_code end as string
  ) as product_code,
  cast(subject_type_code as string) as subject_type_code,
  cast(subject_id as string) as subject_id,
  cast(case when outcome_code = 'alerted' then {{ episode_key }} else '' end as string) as episode_key,
  event_at,
  event_date,
  asset_code,
  amount,
  amount_usd,
  cast(window_start_at as timestamp) as window_start_at,
  cast(window_end_at as timestamp) as window_end_at,
  cast('{{ measures[0] }}' as string) as measure_1_name,
  cast(measure_1_value as decimal(38,6)) as measure_1_value,
  {% if measures | length > 1 %}cast('{{ measures[1] }}' as string){% else %}cast(null as string){% endif %} as measure_2_name,
  cast(measure_2_value as decimal(38,6)) as measure_2_value,
  cast(threshold_1_value as decimal(38,6)) as threshold_1_value,
  cast(threshold_2_value as decimal(38,6)) as threshold_2_value,
  parameter_set_id,
  cast(outcome_code as string) as outcome_code,
  cast(reason_code as string) as reason_code,
  cast(reason_text as string) as reason_text,
  cast(evidence_transfer_ids as string) as evidence_transfer_ids,
  cast(evidence_known_at as timestamp) as evidence_known_at,
  cast(evidence_end_at as timestamp) as evidence_end_at
{%- endmacro -%}

{#- Where a leg is accounted for: the jurisdiction of its party's residence; UNKNOWN where KYC does not tell. -#}
{%- macro jurisdiction_of(code) -%}
coalesce({{ code }}, 'UNKNOWN')
{%- endmacro -%}

{#- The outcome of a leg, from its reason: one table of reasons for all scenarios, so that a reason means the same everywhere.
    A reason that is not listed here is an error, never a pass. -#}
{%- macro outcome_of(reason) -%}
case
  when {{ reason }} = 'alerted' then 'alerted'
  when {{ reason }} in (
    'below_threshold', 'outside_band', 'below_minimum_amount', 'low_severity_category', 'not_dormant', 'not_round', 'no_exposure',
    'no_hit', 'not_new', 'not_silent', 'known_service', 'not_designated_then', 'not_high_risk', 'message_complete',
    'transparent_asset'
  ) then 'below_threshold'
  when {{ reason }} in (
    'trade', 'not_completed', 'not_fiat', 'not_crypto', 'wrong_direction', 'own_transfer', 'not_a_person', 'internal',
    'not_a_trade', 'marked_itself'
  ) then 'excluded'
  when {{ reason }} in (
    'no_kyc', 'no_valuation', 'no_counterparty', 'no_threshold_for_currency', 'insufficient_history', 'not_screened',
    'screening_pending', 'unmapped_category', 'no_address', 'invalid_address',
    'no_variance', 'no_peers', 'no_behaviour', 'no_declared_income', 'no_birth_date', 'window_open', 'hub_cut',
    'no_designation_date', 'no_country', 'no_identifier', 'community_too_wide'
  ) then 'not_evaluable'
  else 'errored'
end
{%- endmacro -%}
