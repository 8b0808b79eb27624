{#- Whether a whole number lies at least so many sample deviations above the mean of its history, exactly: with n numbers, their sum
    and the sum of their squares, (n x - sum)^2 (n - 1) >= z^2 n (n squares - sum^2). n times a number below
    10^12, n below 1,000, z below 1,000. The widths keep DuckDB's products out of 64 bits and Spark's within 38 digits. -#}
{%- macro zscore_reaches(value, n, sum, squares, zscore) -%}
(
  {{ n }} * {{ value }} > {{ sum }}
  and cast({{ n }} * {{ value }} - {{ sum }} as decimal(19,0)) * cast({{ n }} * {{ value }} - {{ sum }} as decimal(12,0)) * cast({{ n }} - 1 as decimal(3,0))
    >= cast({{ zscore }} as decimal(7,4)) * cast({{ zscore }} as decimal(7,4)) * cast({{ n }} * ({{ n }} * {{ squares }} - {{ sum }} * {{ sum }}) as decimal(20,0))
)
{%- endmacro -%}

{#- The same score as a number to show, decimal(18,4): sums are whole numbers, the last step is floating point and rounded; null
    without variance. -#}
{%- macro zscore(value, n, sum, squares) -%}
case when {{ n }} > 1 and {{ n }} * {{ squares }} > {{ sum }} * {{ sum }} then
  cast(round(
    cast({{ n }} * {{ value }} - {{ sum }} as double)
    / sqrt(cast({{ n }} * ({{ n }} * {{ squares }} - {{ sum }} * {{ sum }}) as double) / cast({{ n }} - 1 as double)),
    4
  ) as decimal(18,4))
end
{%- endmacro -%}

{#- Whether the coefficient of variation (sample deviation / mean) of n whole numbers is below a limit, exactly, from their sum and the
    sum of their squares: n (n squares - sum^2) < limit^2 (n - 1) sum^2. Sums below 3 * 10^6, n below 10^4, limit below 10. -#}
{%- macro variation_below(n, sum, squares, limit) -%}
cast({{ n }} as decimal(9,0)) * cast({{ n }} * {{ squares }} - {{ sum }} * {{ sum }} as decimal(20,0))
  < cast(cast({{ limit }} as decimal(5,4)) * cast({{ limit }} as decimal(5,4)) as decimal(19,8)) * cast({{ n }} - 1 as decimal(4,0)) * cast({{ sum }} * {{ sum }} as decimal(13,0))
{%- endmacro -%}

{#- Whole days that have passed from the first to the second instant (bigint), for a second that is not before the first. -#}
{%- macro days_elapsed(start, finish) -%}
cast(floor(cast({{ seconds_between(start, finish) }} as double) / 86400) as bigint)
{%- endmacro -%}

{#- Reciprocals of the shares that Benford's law expects of the first digits 1 to 9, 1 / log10(1 + 1/d), to six decimals. -#}
{%- macro benford_reciprocals() -%}
  {{ return(['3.321928', '5.678874', '8.003923', '10.318851', '12.629253', '14.937236', '17.243774', '19.549378', '21.854345']) }}
{%- endmacro -%}
