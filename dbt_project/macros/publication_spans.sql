{#- From lists that are published whole, the spans over which an entry said the same thing: one row per keys x span with
    valid_from_date (the first publication that says it), valid_to_date (the first later publication that does not; null while
    current) and known_at. rows: a CTE with publication_date, known_at, the keys and entry_hash; publications: a CTE with every
    publication_date of the list, publication_no (1, 2, ...) and next_publication_date. -#}
{%- macro publication_spans(rows, publications, keys) -%}
select
  {{ keys | join(', ') }},
  entry_hash,
  min(publication_date) as valid_from_date,
  nullif(max(coalesce(next_publication_date, cast('9999-12-31' as date))), cast('9999-12-31' as date)) as valid_to_date,
  min(known_at) as known_at
from (
  select
    entries.*,
    published.publication_no,
    published.next_publication_date,
    -- Constant along a run of consecutive publications that say the same.
    published.publication_no - row_number() over (
      partition by {% for key in keys %}entries.{{ key }}, {% endfor %}entries.entry_hash order by published.publication_no
    ) as run_no
  from {{ rows }} as entries
  inner join {{ publications }} as published on entries.publication_date = published.publication_date
) as runs
group by {{ keys | join(', ') }}, entry_hash, run_no
{%- endmacro -%}


{#- Predicate: the date lies in a span of alias, from its first date up to, not including, its end. -#}
{%- macro within_span(date, alias, from_column='valid_from_date', to_column='valid_to_date') -%}
{{ date }} >= {{ alias }}.{{ from_column }} and ({{ alias }}.{{ to_column }} is null or {{ date }} < {{ alias }}.{{ to_column }})
{%- endmacro -%}
