{#- Codes are among the known ones; null is allowed. codes: a map of column to its list of codes. One test for all of a model's
    codes, because each test is a query of its own. -#}
{% test known_codes(model, codes) %}
{%- for column, known in codes.items() %}
select
  '{{ column }}' as column_name,
  {{ column }} as unknown_code,
  count(*) as row_count
from {{ model }}
where {{ column }} not in ({% for code in known %}'{{ code }}'{{ ', ' if not loop.last }}{% endfor %})
group by {{ column }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
