select
  {{ md5_key(['list_code', 'publication_date', 'ent_num']) }} as watchlist_change_id,
  list_code,
  publication_date,
  previous_publication_date,
  ent_num,
  change_code,
  sdn_name,
  sdn_type,
  program,
  known_at
from {{ ref('int_watchlist_changes') }}
