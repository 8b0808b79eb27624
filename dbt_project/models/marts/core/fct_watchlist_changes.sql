select
  {{ md5_key(['list_code', 'published_at', 'entry_id']) }} as watchlist_change_id,
  list_code,
  published_at,
  previous_published_at,
  entry_id,
  change_code,
  name,
  entry_type,
  program,
  known_at
from {{ ref('int_watchlist_changes') }}
