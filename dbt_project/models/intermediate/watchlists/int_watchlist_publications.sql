with publications as (
  select
    list_code,
    published_at,
    min(format_code) as format_code,
    count(case when is_whole then 1 end) > 0 as is_whole,
    count(*) as entry_count,
    min(first_known_at) as known_at
  from {{ ref('stg_watchlists__entries') }}
  group by list_code, published_at
)

select
  list_code,
  published_at,
  format_code,
  is_whole,
  lag(published_at) over (partition by list_code order by published_at) as previous_published_at,
  min(case when is_whole then published_at end) over (
    partition by list_code order by published_at rows between 1 following and unbounded following
  ) as next_whole_at,
  entry_count,
  known_at
from publications
