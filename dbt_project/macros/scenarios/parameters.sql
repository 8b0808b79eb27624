{#- The parameters of a scenario as one wide row per context (segment, jurisdiction, currency and validity interval) with the
    id of the set of rows used. codes: the parameter codes wanted as columns.
    Join with on_scenario_parameters(): a leg without a row has no parameters in force, which is an error, never a pass. -#}
{%- macro scenario_parameters(scenario_id, codes) -%}
select
  segment_key,
  jurisdiction_key,
  ccy_key,
  valid_from_date,
  valid_to_date,
  parameter_set_id
  {%- for code in codes %},
  max(case when parameter_code = '{{ code }}' then parameter_value end) as {{ code }}
  {%- endfor %}
from {{ ref('int_scenario_parameters') }}
where scenario_id = '{{ scenario_id }}'
group by segment_key, jurisdiction_key, ccy_key, valid_from_date, valid_to_date, parameter_set_id
{%- endmacro -%}

{#- Join condition of a leg with scenario_parameters(): as of the leg's event date, half-open. -#}
{%- macro on_scenario_parameters(leg, parameters) -%}
{{ parameters }}.segment_key = coalesce({{ leg }}.segment_code, '')
  and {{ parameters }}.jurisdiction_key = coalesce({{ leg }}.jurisdiction_code, '')
  and {{ parameters }}.ccy_key = coalesce({{ leg }}.asset_code, '')
  and {{ leg }}.event_date >= {{ parameters }}.valid_from_date
  and {{ leg }}.event_date < {{ parameters }}.valid_to_date
{%- endmacro -%}
