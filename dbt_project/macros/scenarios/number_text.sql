{#- A number inside a sentence: text with exactly the given number of decimals, halves away from zero. -#}
{%- macro number_text(expr, decimals=0) -%}
cast(cast(round({{ expr }}, {{ decimals }}) as decimal(38,{{ decimals }})) as string)
{%- endmacro -%}

{#- A share inside a sentence, in per cent with one decimal. -#}
{%- macro percent_text(expr) -%}
{{ number_text('100 * ' ~ expr, 1) }} || ' %'
{%- endmacro -%}
