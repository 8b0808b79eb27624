{#
  A feature table of windows. The model's SQL is its definition: what Spark runs (there it is a table), what lineage, docs
  and tests read. On DuckDB a kernel of analytics/ may write the table instead, whole or only where its legs changed; it
  is compared with the SQL bit for bit (tests/integration/test_windowed_tables.py, docs/adr/0021).
  config: kernel_legs, the columns of counted_legs() that the features depend on. `--full-refresh` builds the whole table.
#}
{% materialization windowed, adapter="duckdb", supported_languages=["sql"] %}
  {%- set relation = this.incorporate(type="table") -%}
  {%- if model.constraints or config.get("indexes") or config.get("grants") or config.get("persist_docs") -%}
    {{ exceptions.raise_compiler_error("the windowed materialization takes no constraints, indexes, grants or persist_docs") }}
  {%- endif -%}
  {{ run_hooks(pre_hooks) }}
  {%- do get_assert_columns_equivalent(compiled_code) -%}
  {%- set table = {
    "relation": relation | string,
    "name": relation.identifier,
    "select": get_select_subquery(compiled_code),
    "legs": counted_legs(config.get("kernel_legs"))
  } -%}
  {%- set legs_table = ref("int_transfer_legs") | string -%}
  {% call statement("main", language="python") -%}
import asyncio
import json

from analytics import feature_tables


def dbtObj(load):
    return None


def model(dbt, connection):
    table = feature_tables.Table(**json.loads({{ tojson(tojson(table)) }}))
    least_legs = {{ var("kernel_least_legs") }}
    with connection.cursor() as cursor:
        feature_tables.build(cursor, table, {{ tojson(legs_table) }}, least_legs, full_refresh={{ should_full_refresh() }})


def materialize(result, connection):
    # The adapter opens an event loop in each thread that runs Python, for who needs one, and leaves it open.
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)
  {%- endcall %}
  {{ run_hooks(post_hooks) }}
  {% do adapter.commit() %}
  {{ return({"relations": [relation]}) }}
{% endmaterialization %}
