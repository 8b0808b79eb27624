{#- Open rejects: one that a replay brought in has a second row and is none from then on. -#}
{%- for feed in feeds() %}
select
  reject_id,
  feed_code,
  table_name,
  extract_id,
  record_no,
  cast(_known_at as date) as delivery_date,
  event_date,
  upper(trim(asset_code)) as asset_code,
  amount,
  reason_code,
  reason,
  first_seen_at,
  _known_at as known_at,
  _dlt_load_id
from {{ source('raw_' ~ feed, 'rejects') }}
where {{ is_known(feed, '_known_at') }}
qualify count(replayed_at) over (partition by reject_id) = 0
{{ 'union all' if not loop.last }}
{%- endfor %}
