{#- A model's schema is its layer's name as written: asset key, Soda dataset and table name stay one identity. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro -%}
