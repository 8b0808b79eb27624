{#
  A table in one statement. The adapter's own materialization builds beside, renames twice and drops: five statements
  and as many catalogue look-ups for each model, a third of dbt's time on a day with little data. `create or replace`
  is atomic in DuckDB: a reader never sees the table missing, and a killed run leaves it as it was. Serves enforced
  contracts (names and types); constraints, indexes, grants and persisted docs are refused, no model uses them.
#}
{% materialization table, adapter="duckdb", supported_languages=["sql"] %}
  {%- set relation = this.incorporate(type="table") -%}
  {%- set enforced = config.get("contract").enforced -%}
  {%- if model.constraints or config.get("indexes") or config.get("grants") or config.get("persist_docs") -%}
    {{ exceptions.raise_compiler_error("the table materialization of this project takes no constraints, indexes, grants or persist_docs") }}
  {%- endif -%}
  {{ run_hooks(pre_hooks) }}
  {% call statement("main") -%}
    {% if enforced %}{{ get_assert_columns_equivalent(compiled_code) }}{% endif %}
    create or replace table {{ relation }} as (
      {{ get_select_subquery(compiled_code) if enforced else compiled_code }}
    )
  {%- endcall %}
  {{ run_hooks(post_hooks) }}
  {% do adapter.commit() %}
  {{ return({"relations": [relation]}) }}
{% endmaterialization %}
