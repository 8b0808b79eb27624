{#- USD value of a native amount: decimal(18,2), half away from zero; null where the rate is missing or either number does not fit
    (15 integer digits for amounts, 6 for rates): such a transfer is kept and accounted for as not valued. -#}
{%- macro usd_amount(amount, rate) -%}
cast(round(try_cast({{ amount }} as decimal(23,8)) * try_cast({{ rate }} as decimal(14,8)), 2) as decimal(18,2))
{%- endmacro -%}

{#- A whole number of smallest units written as text, in units of the asset: decimal(38,18). Null where it is not a number, does not
    fit or the decimals are unknown. Moves the point in the text, because dividing decimals would go through floating point. -#}
{%- macro scaled_amount(text, decimals) -%}
try_cast(
  case when {{ decimals }} is not null and {{ regex_matches(text, '^[0-9]{1,60}$') }} then
    substr(lpad({{ text }}, 80, '0'), 1, 80 - {{ decimals }}) || '.' || substr(lpad({{ text }}, 80, '0'), 81 - {{ decimals }}, {{ decimals }})
  end as decimal(38,18)
)
{%- endmacro -%}
