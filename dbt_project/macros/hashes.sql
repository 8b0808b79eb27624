{#- Order-independent hash of records, the same formula as at the source: the sum over records of the first 15 hex digits of
    md5(key || '|' || amount with 18 decimals, or '' where there is none). Aggregate, decimal(38,0); where: only over rows of which
    this is true. -#}
{%- macro record_hash(key, amount=none, where=none) -%}
  {%- set text -%}
    coalesce({{ key }}, '') || '|' || {% if amount %}coalesce({{ plain_decimal_text(amount) }}, ''){% else %}''{% endif %}
  {%- endset -%}
  cast(sum({% if where %}case when {{ where }} then {% endif %}cast({{ md5_number(text) }} as decimal(38,0)){% if where %} end{% endif %}) as decimal(38,0))
{%- endmacro -%}

{#- The key of a table's records as text, from var record_keys; '' where the table has none at this hop.
    hop: raw or staged; alias: of the table whose columns these are. -#}
{%- macro record_key(feed, table, hop, alias) -%}
  {%- set said = var('record_keys').get(feed ~ '.' ~ table, {}) -%}
  {%- set columns = said.get(hop, said.get('raw', [])) -%}
  {%- set key -%}
    {%- for column in columns %}coalesce(cast({{ alias }}.{{ column }} as string), ''){{ " || ':' || " if not loop.last }}{% endfor -%}
  {%- endset -%}
  {{ return('lower(' ~ key ~ ')' if key and said.get('lower') else key) }}
{%- endmacro -%}

{#- Whether a table's hash is also over the amount of its hops. -#}
{%- macro is_amount_hashed(feed, table) -%}
  {{ return(var('record_keys').get(feed ~ '.' ~ table, {}).get('amount', false)) }}
{%- endmacro -%}

{#- md5 over several expressions, null-safe and unambiguous ('a','bc' differs from 'ab','c'). Text, 32 hex digits. -#}
{%- macro md5_key(exprs) -%}
  md5({% for expr in exprs %}coalesce(cast({{ expr }} as string), '~null~'){% if not loop.last %} || '|' || {% endif %}{% endfor %})
{%- endmacro -%}

{#- Pseudonym of an identifier: the first 128 bits of a keyed SHA-256, hex; null stays null. The key comes from the environment
    and is the same for all marts of one deployment, so that keys join; without it nobody can re-derive them. -#}
{%- macro pseudonym(expr) -%}
  {%- set key = env_var('PLUMBLINE_PSEUDONYM_KEY', '') -%}
  {%- if execute and not key -%}
    {{ exceptions.raise_compiler_error("PLUMBLINE_PSEUDONYM_KEY is not set: marts hold keyed hashes of identifiers. Set it to a secret of your own and keep it, or keys will change.") }}
  {%- endif -%}
  substr({{ sha256_hex("'" ~ key.replace("'", "''") ~ ":' || " ~ expr) }}, 1, 32)
{%- endmacro -%}
