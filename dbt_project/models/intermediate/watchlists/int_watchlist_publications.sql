with publications as (
  select
    publication_date,
    count(*) as entry_count,
    min(first_known_at) as known_at
  from {{ ref('stg_ofac__sdn_entries') }}
  group by publication_date
)

select
  'ofac_sdn' as list_code,
  publication_date,
  row_number() over (order by publication_date) as publication_no,
  lag(publication_date) over (order by publication_date) as previous_publication_date,
  lead(publication_date) over (order by publication_date) as next_publication_date,
  entry_count,
  known_at
from publications
