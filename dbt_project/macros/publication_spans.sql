{#- The end of time, where a span has no end yet. -#}
{%- macro far_future() -%}cast('9999-12-31' as timestamp){%- endmacro -%}

{#- The spans over which a list said the same of an entry or of a part of it: one row per keys x span with valid_from_at (the
    first publication that says it), valid_to_at (the first later publication that does not; null while current) and known_at.
    What a publication says holds until the next whole publication of the list, or until the next one that says anything of the
    entry (a set of changes). rows: a CTE with list_code, entry_id, published_at, known_at, entry_hash and the keys;
    publications: a CTE of int_watchlist_publications. keys: what tells the parts of an entry apart. -#}
{%- macro publication_spans(rows, publications, keys=[]) -%}
{%- set grain = ['list_code', 'entry_id'] + keys -%}
select
  {{ grain | join(', ') }},
  entry_hash,
  min(published_at) as valid_from_at,
  nullif(max(ended_at), {{ far_future() }}) as valid_to_at,
  min(known_at) as known_at
from (
  select
    *,
    sum(case when is_carried_on then 0 else 1 end) over (
      partition by {{ grain | join(', ') }} order by published_at rows between unbounded preceding and current row
    ) as run_no
  from (
    select
      ended.*,
      coalesce(
        lag(ended.entry_hash) over (partition by {{ grain | join(', ') }} order by published_at) = ended.entry_hash
        and lag(ended.ended_at) over (partition by {{ grain | join(', ') }} order by published_at) >= ended.published_at,
        false
      ) as is_carried_on
    from (
      select
        said.*,
        least(
          coalesce(published.next_whole_at, {{ far_future() }}),
          coalesce(entry.next_said_at, {{ far_future() }})
        ) as ended_at
      from {{ rows }} as said
      inner join {{ publications }} as published
        on said.list_code = published.list_code and said.published_at = published.published_at
      left join {{ ref('stg_watchlists__entries') }} as entry
        on said.list_code = entry.list_code
        and said.entry_id = entry.entry_id
        and said.published_at = entry.published_at
    ) as ended
  ) as compared
) as runs
group by {{ grain | join(', ') }}, entry_hash, run_no
{%- endmacro -%}

{#- Predicate: the date or instant lies in a span of alias, from its beginning up to, not including, its end. -#}
{%- macro within_span(moment, alias, from_column='valid_from_at', to_column='valid_to_at') -%}
{{ moment }} >= {{ alias }}.{{ from_column }} and ({{ alias }}.{{ to_column }} is null or {{ moment }} < {{ alias }}.{{ to_column }})
{%- endmacro -%}
