{#- Rejects, as their extracts account for them. One that a replay brought in has a second row: in its own extract it is none
    from then on; where a vendor answered anew, in an extract of its own, the old one stays counted and is no longer open. -#}
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
  record_hash,
  reason_code,
  reason,
  count(replayed_at) over (partition by reject_id) = 0 as is_open,
  first_seen_at,
  _known_at as known_at,
  _dlt_load_id
from {{ source('raw_' ~ feed, 'rejects') }}
where {{ is_known(feed, '_known_at') }}
qualify count(case when _extract_id = extract_id then replayed_at end) over (partition by reject_id) = 0 and replayed_at is null
{{ 'union all' if not loop.last }}
{%- endfor %}
