{#- As many rows came out as went in: a join that drops or doubles rows cannot hide.
    parts: list of {model, where}, whose rows add up; where: an optional condition on the tested model. It runs once the
    accounting is built, which says which transfers are missing: dbt does not build what lies behind a failed test. -#}
{% test row_count_equals(model, parts, where=none) %}
-- depends_on: {{ ref('fct_kris') }} {{ ref('fct_feed_totals') }}
with counted as (
  select
    (select count(*) from {{ model }}{% if where %} where {{ where }}{% endif %}) as row_count,
    {% for part in parts %}(select count(*) from {{ part.model }}{% if part.where %} where {{ part.where }}{% endif %}){{ ' + ' if not loop.last }}{% endfor %} as expected_count
)

select * from counted
where row_count <> expected_count
{% endtest %}
