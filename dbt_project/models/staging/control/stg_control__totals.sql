{%- for feed in feeds() %}
select
  feed_code,
  table_name,
  extract_id,
  cast(known_at as date) as delivery_date,
  event_date,
  upper(trim(asset_code)) as asset_code,
  source_rows,
  source_amount,
  source_hash,
  captured_by,
  source_uri,
  known_at,
  _record_no as record_no,
  _dlt_load_id
from {{ source('raw_' ~ feed, 'control_totals') }}
where {{ is_known(feed, 'known_at') }}
{{ 'union all' if not loop.last }}
{%- endfor %}
