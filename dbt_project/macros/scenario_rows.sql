{#- All scenarios' rows, one below the other, with the columns asked for. The list of models is var scenario_models.
    condition: which rows. -#}
{%- macro scenario_rows(columns, condition='true') -%}
{%- for model in var('scenario_models') %}
select {{ columns | join(', ') }} from {{ ref(model) }}
{%- if condition != 'true' %}
where {{ condition }}
{%- endif %}
{%- if not loop.last %}
union all
{%- endif -%}
{%- endfor -%}
{%- endmacro -%}

{#- All scenarios' rows, each scenario's counted by itself before they are put together: many small groupings take a quarter of
    the time of one over all rows. keys: columns to group by; aggregates: select-list items; condition: which rows. -#}
{%- macro scenario_counts(keys, aggregates, condition='true') -%}
{%- for model in var('scenario_models') %}
select {{ (keys + aggregates) | join(', ') }} from {{ ref(model) }}
{%- if condition != 'true' %}
where {{ condition }}
{%- endif %}
group by {{ keys | join(', ') }}
{%- if not loop.last %}
union all
{%- endif -%}
{%- endfor -%}
{%- endmacro -%}
