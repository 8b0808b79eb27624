{#- Where DuckDB and Spark 4 (ANSI) say the same thing differently. Nothing else in the project may depend on the engine. -#}

{#- A regular expression as a SQL literal; write it with \x{hhhh} for code points, which RE2 and Java both read. -#}
{%- macro regex_literal(pattern) -%}
  {{ return(adapter.dispatch('regex_literal')(pattern)) }}
{%- endmacro -%}
{%- macro default__regex_literal(pattern) -%}{{ return("'" ~ pattern ~ "'") }}{%- endmacro -%}
{%- macro spark__regex_literal(pattern) -%}{{ return("r'" ~ pattern ~ "'") }}{%- endmacro -%}

{#- A group of the pattern is \\1, \\2, ... in the replacement. -#}
{%- macro regex_replace(expr, pattern, replacement) -%}
  {{ return(adapter.dispatch('regex_replace')(expr, pattern, replacement)) }}
{%- endmacro -%}
{%- macro default__regex_replace(expr, pattern, replacement) -%}
  {{ return("regexp_replace(" ~ expr ~ ", " ~ regex_literal(pattern) ~ ", '" ~ replacement ~ "', 'g')") }}
{%- endmacro -%}
{%- macro spark__regex_replace(expr, pattern, replacement) -%}
  {{ return("regexp_replace(" ~ expr ~ ", " ~ regex_literal(pattern) ~ ", '" ~ replacement | replace('\\', '$') ~ "')") }}
{%- endmacro -%}

{#- True where the pattern occurs anywhere in the text; anchor it yourself. -#}
{%- macro regex_matches(expr, pattern) -%}
  {{ return(adapter.dispatch('regex_matches')(expr, pattern)) }}
{%- endmacro -%}
{%- macro default__regex_matches(expr, pattern) -%}
  {{ return("regexp_matches(" ~ expr ~ ", " ~ regex_literal(pattern) ~ ")") }}
{%- endmacro -%}
{%- macro spark__regex_matches(expr, pattern) -%}
  {{ return("(" ~ expr ~ " rlike " ~ regex_literal(pattern) ~ ")") }}
{%- endmacro -%}

{#- One row for each part of a text between separators (a regular expression); use as a select-list item. -#}
{%- macro split_to_rows(expr, pattern) -%}
  {{ return(adapter.dispatch('split_to_rows')(expr, pattern)) }}
{%- endmacro -%}
{%- macro default__split_to_rows(expr, pattern) -%}
  {{ return("unnest(string_split_regex(" ~ expr ~ ", " ~ regex_literal(pattern) ~ "))") }}
{%- endmacro -%}
{%- macro spark__split_to_rows(expr, pattern) -%}
  {{ return("explode(split(" ~ expr ~ ", " ~ regex_literal(pattern) ~ "))") }}
{%- endmacro -%}

{#- count(distinct expr) over (window); nulls do not count. window is the text between the brackets. -#}
{%- macro count_distinct_over(expr, window) -%}
  {{ return(adapter.dispatch('count_distinct_over')(expr, window)) }}
{%- endmacro -%}
{%- macro default__count_distinct_over(expr, window) -%}
  {{ return("count(distinct " ~ expr ~ ") over (" ~ window ~ ")") }}
{%- endmacro -%}
{%- macro spark__count_distinct_over(expr, window) -%}
  {{ return("cast(size(collect_set(" ~ expr ~ ") over (" ~ window ~ ")) as bigint)") }}
{%- endmacro -%}

{#- Aggregate: the values of a text joined by ';', sorted, so that the same set gives the same text. -#}
{%- macro list_text(expr, order=none) -%}
  {{ return(adapter.dispatch('list_text')(expr, order or expr)) }}
{%- endmacro -%}
{%- macro default__list_text(expr, order) -%}
  {{ return("string_agg(" ~ expr ~ ", ';' order by " ~ order ~ ")") }}
{%- endmacro -%}
{%- macro spark__list_text(expr, order) -%}
  {{ return("listagg(" ~ expr ~ ", ';') within group (order by " ~ order ~ ")") }}
{%- endmacro -%}

{#- Whole seconds from the first to the second instant (bigint, towards minus infinity on neither engine: equal for >= 0). -#}
{%- macro seconds_between(start, finish) -%}
  {{ return(adapter.dispatch('seconds_between')(start, finish)) }}
{%- endmacro -%}
{%- macro default__seconds_between(start, finish) -%}
  {{ return("((epoch_us(" ~ finish ~ ") - epoch_us(" ~ start ~ ")) // 1000000)") }}
{%- endmacro -%}
{%- macro spark__seconds_between(start, finish) -%}
  {{ return("timestampdiff(second, " ~ start ~ ", " ~ finish ~ ")") }}
{%- endmacro -%}

{#- Whole days from the first to the second date (bigint). -#}
{%- macro days_between(start, finish) -%}
  {{ return(adapter.dispatch('days_between')(start, finish)) }}
{%- endmacro -%}
{%- macro default__days_between(start, finish) -%}
  {{ return("date_diff('day', cast(" ~ start ~ " as date), cast(" ~ finish ~ " as date))") }}
{%- endmacro -%}
{%- macro spark__days_between(start, finish) -%}
  {{ return("cast(datediff(cast(" ~ finish ~ " as date), cast(" ~ start ~ " as date)) as bigint)") }}
{%- endmacro -%}

{#- One row for each day from the first to the last date, both included; use as a select-list item. -#}
{%- macro days_to_rows(first, last) -%}
  {{ return(adapter.dispatch('days_to_rows')(first, last)) }}
{%- endmacro -%}
{%- macro default__days_to_rows(first, last) -%}
  {{ return("cast(unnest(generate_series(cast(" ~ first ~ " as timestamp), cast(" ~ last ~ " as timestamp), interval 1 day)) as date)") }}
{%- endmacro -%}
{%- macro spark__days_to_rows(first, last) -%}
  {{ return("explode(sequence(" ~ first ~ ", " ~ last ~ ", interval 1 day))") }}
{%- endmacro -%}

{#- The first 15 hex digits of md5(text) as a whole number (60 bits, bigint). -#}
{%- macro md5_number(expr) -%}
  {{ return(adapter.dispatch('md5_number')(expr)) }}
{%- endmacro -%}
{%- macro default__md5_number(expr) -%}
  {{ return("cast('0x' || substr(md5(" ~ expr ~ "), 1, 15) as bigint)") }}
{%- endmacro -%}
{%- macro spark__md5_number(expr) -%}
  {{ return("cast(conv(substr(md5(" ~ expr ~ "), 1, 15), 16, 10) as bigint)") }}
{%- endmacro -%}

{%- macro sha256_hex(expr) -%}
  {{ return(adapter.dispatch('sha256_hex')(expr)) }}
{%- endmacro -%}
{%- macro default__sha256_hex(expr) -%}{{ return("sha256(" ~ expr ~ ")") }}{%- endmacro -%}
{%- macro spark__sha256_hex(expr) -%}{{ return("sha2(" ~ expr ~ ", 256)") }}{%- endmacro -%}

{#- A decimal(38,18) as text with all of its 18 decimals. Spark's cast writes a small number as 1E-18 on some of its code paths. -#}
{%- macro plain_decimal_text(expr) -%}
  {{ return(adapter.dispatch('plain_decimal_text')(expr)) }}
{%- endmacro -%}
{%- macro default__plain_decimal_text(expr) -%}
  {{ return("cast(cast(" ~ expr ~ " as decimal(38,18)) as string)") }}
{%- endmacro -%}
{%- macro spark__plain_decimal_text(expr) -%}
  {{ return("case when " ~ expr ~ " < 0 then '-' else '' end || trim(to_char(abs(cast(" ~ expr ~ " as decimal(38,18))), '" ~ '9' * 19 ~ '0D' ~ '0' * 18 ~ "'))") }}
{%- endmacro -%}
