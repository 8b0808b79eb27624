{#- All scenarios' rows, one below the other, with the columns asked for. The list of models is var scenario_models. -#}
{%- macro scenario_rows(columns) -%}
{%- for model in var('scenario_models') %}
select {{ columns | join(', ') }} from {{ ref(model) }}
{%- if not loop.last %}
union all
{%- endif -%}
{%- endfor -%}
{%- endmacro -%}

{#- The same with each scenario's rows counted by themselves before they are put together: many small groupings take a quarter of
    the time of one over all rows. keys: columns to group by; aggregates: select-list items. -#}
{%- macro scenario_counts(keys, aggregates) -%}
{%- for model in var('scenario_models') %}
select {{ (keys + aggregates) | join(', ') }} from {{ ref(model) }}
group by {{ keys | join(', ') }}
{%- if not loop.last %}
union all
{%- endif -%}
{%- endfor -%}
{%- endmacro -%}
