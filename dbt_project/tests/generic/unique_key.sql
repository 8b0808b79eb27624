{#- The columns together identify a row: no null in any of them, no two rows alike. Rows returned are keys that fail.
    columns: list; nulls_allowed: rows with a null in a single-column key are left out, nulls in a longer key count as values. -#}
{% test unique_key(model, columns, nulls_allowed=false) %}
select
  {{ columns | join(', ') }},
  count(*) as row_count
from {{ model }}
{% if nulls_allowed and columns | length == 1 %}where {{ columns[0] }} is not null{% endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- if not nulls_allowed %}{% for column in columns %} or {{ column }} is null{% endfor %}{% endif %}
{% endtest %}
