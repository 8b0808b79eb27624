with source as (
  {{ as_known('chainalysis', 'registered_addresses', ['user_id', 'kind_code', 'asset_code', 'address'], content=['answer_json']) | indent(2) }}
)

select
  user_id,
  kind_code,
  asset_code,
  address,
  rating_code,
  cluster_name,
  category_id,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
