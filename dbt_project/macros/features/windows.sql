{#- The frame of a rolling window in event time, closed at both ends: rows at the same instant are peers and see each other. -#}
{%- macro rolling(by, length) -%}
partition by {{ by }} order by event_at range between interval {{ length }} preceding and current row
{%- endmacro -%}

{#- The same, looking ahead from the row: it settles only when the window has passed. -#}
{%- macro rolling_ahead(by, length) -%}
partition by {{ by }} order by event_at range between current row and interval {{ length }} following
{%- endmacro -%}

{#- Everything strictly before the row's instant and at most so many days back: peers at the same instant are not history. Both
    bounds are in microseconds, because Spark wants them in one unit. -#}
{%- macro rolling_before(by, days) -%}
partition by {{ by }} order by event_at
range between interval {{ days * 86400000000 }} microseconds preceding and interval 1 microseconds preceding
{%- endmacro -%}

{#- Ratio of two non-negative decimals of at most two decimals, decimal(38,6), halves away from zero; null where the second is 0
    or null. Whole-number arithmetic, because the engines' decimal division differs in its last digit. -#}
{%- macro decimal_ratio(numerator, denominator) -%}
  {{ return(adapter.dispatch('decimal_ratio')(numerator, denominator)) }}
{%- endmacro -%}
{%- macro default__decimal_ratio(numerator, denominator) -%}
  {%- set n = "cast(cast(" ~ numerator ~ " as decimal(20,2)) * 100 as hugeint)" -%}
  {%- set d = "nullif(cast(cast(" ~ denominator ~ " as decimal(20,2)) * 100 as hugeint), 0)" -%}
  {{ return("cast(cast((2000000 * " ~ n ~ " + " ~ d ~ ") // (2 * " ~ d ~ ") as decimal(28,0)) * cast(0.000001 as decimal(7,6)) as decimal(38,6))") }}
{%- endmacro -%}
{%- macro spark__decimal_ratio(numerator, denominator) -%}
  {%- set n = "cast(cast(" ~ numerator ~ " as decimal(20,2)) * 100 as decimal(22,0))" -%}
  {%- set d = "nullif(cast(cast(" ~ denominator ~ " as decimal(20,2)) * 100 as decimal(22,0)), 0)" -%}
  {{ return("cast(cast((2000000 * " ~ n ~ " + " ~ d ~ ") div (2 * " ~ d ~ ") as decimal(28,0)) * cast(0.000001 as decimal(7,6)) as decimal(38,6))") }}
{%- endmacro -%}
