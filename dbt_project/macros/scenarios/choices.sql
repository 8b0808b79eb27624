{#- The window a parameter chooses among those that exist as features: null where there is none, which is an error for the leg.
    hours: the parameter; prefix: the features' common name, as in features.band_count_; lengths: their endings, as in ['24h', '7d']. -#}
{%- macro feature_of_window(hours, prefix, lengths) -%}
case cast({{ hours }} as integer)
  {%- for length in lengths %}
  when {{ length[:-1] | int * {'h': 1, 'd': 24}[length[-1]] }} then {{ prefix }}{{ length }}
  {%- endfor %}
end
{%- endmacro -%}

{#- Position of a text in a list, from 1; null where it is not in it. -#}
{%- macro rank_of(expr, ranked) -%}
case {{ expr }}
  {%- for value in ranked %}
  when '{{ value }}' then {{ loop.index }}
  {%- endfor %}
end
{%- endmacro -%}

{#- A number of days in seconds. -#}
{%- macro seconds_of_days(days) -%}
({{ days }} * 86400)
{%- endmacro -%}

{#- A number of days in hours. -#}
{%- macro hours_of_days(days) -%}
({{ days }} * 24)
{%- endmacro -%}

{#- The percentile a parameter chooses among those that exist as features, null where there is none. percentile: the parameter, a
    share; percents: what there is, as in ['95', '99'], each between the features' common prefix and suffix. -#}
{%- macro feature_of_percentile(percentile, prefix, suffix, percents) -%}
case
  {%- for percent in percents %}
  when 100 * {{ percentile }} = {{ percent }} then {{ prefix }}{{ percent }}{{ suffix }}
  {%- endfor %}
end
{%- endmacro -%}
