with source as (
  {{ as_known('onchain', 'ethereum_transactions', ['hash']) | indent(2) }}
)

select
  lower(hash) as tx_hash,
  nonce,
  block_hash,
  block_number,
  transaction_index,
  lower(from_address) as from_address,
  lower(to_address) as to_address,
  value as value_text,
  block_timestamp as event_at,
  cast(block_timestamp as date) as event_date,
  transaction_type,
  receipt_status,
  transport_code,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
