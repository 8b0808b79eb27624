with source as (
  {{ as_known('chainalysis', 'listed_transfers', ['user_id', 'direction_code', 'transfer_reference', 'asset_code'], content=['answer_json']) | indent(2) }}
)

select
  user_id,
  direction_code,
  transfer_reference,
  asset_code,
  asset_amount,
  amount_usd,
  rating_code,
  cluster_name,
  category_id,
  transfer_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
