{#- On Spark, makes the raw tables readable: the loaders write DuckDB only, and the run exports raw to Parquet before dbt starts
    (orchestration/spark.py). On DuckDB there is nothing to do. Runs once, at the start of an invocation. -#}
{%- macro attach_raw_tables() -%}
  {%- if execute and target.type == 'spark' -%}
    {%- set made = [] -%}
    {%- for source in graph.sources.values() -%}
      {%- if source.schema not in made -%}
        {%- do run_query('create schema if not exists ' ~ source.schema) -%}
        {%- do made.append(source.schema) -%}
      {%- endif -%}
      {%- set folder = env_var('PLUMBLINE_HOME') ~ '/spark/raw/' ~ source.schema ~ '/' ~ source.identifier.lstrip('_') -%}
      {%- do run_query('drop table if exists ' ~ source.schema ~ '.' ~ source.identifier) -%}
      {%- do run_query('create table ' ~ source.schema ~ '.' ~ source.identifier ~ " using parquet location '" ~ folder ~ "'") -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
