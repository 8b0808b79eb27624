with source as (
  {{ as_known('tagpacks', 'tags', ['tag_id']) | indent(2) }}
)

select
  tag_id,
  pack_uri,
  address,
  upper(trim(currency_code)) as currency_code,
  upper(trim(network_code)) as network_code,
  label,
  source,
  lower(trim(category_code)) as category_code,
  lower(trim(abuse_code)) as abuse_code,
  lower(trim(confidence_code)) as confidence_code,
  actor_id,
  is_cluster_definer,
  lastmod as lastmod_date,
  creator,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
