{#- All scenarios' rows, one below the other, with the columns asked for. The list of models is var scenario_models. -#}
{%- macro scenario_rows(columns) -%}
{%- for model in var('scenario_models') %}
select {{ columns | join(', ') }} from {{ ref(model) }}
{%- if not loop.last %}
union all
{%- endif -%}
{%- endfor -%}
{%- endmacro -%}
