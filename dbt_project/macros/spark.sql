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

{#- Seeds on Spark. The adapter's own macro pastes values between quotes as they are: an apostrophe breaks the statement and an
    empty cell arrives as the text 'None'. -#}
{%- macro spark__load_csv_rows(model, agate_table) -%}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
    {%- set sql -%}
      insert into {{ this.render() }} values
      {% for row in chunk -%}
        ({%- for name in agate_table.column_names -%}
          {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
          {%- set value = row[loop.index0] -%}
          cast({% if value is none %}null{% else %}'{{ (value | string).replace('\\', '\\\\').replace("'", "\\'") }}'{% endif %} as {{ type }})
          {%- if not loop.last %}, {% endif -%}
        {%- endfor -%})
        {%- if not loop.last %}, {% endif -%}
      {%- endfor -%}
    {%- endset -%}
    {%- do run_query(sql) -%}
  {%- endfor -%}
  {{ return('') }}
{%- endmacro -%}
