with source as (
  {{ as_known('onchain', 'ethereum_token_transfers', ['transaction_hash', 'log_index']) | indent(2) }}
)

select
  lower(token_address) as token_address,
  lower(from_address) as from_address,
  lower(to_address) as to_address,
  value as value_text,
  lower(transaction_hash) as tx_hash,
  log_index,
  block_number,
  block_hash,
  transport_code,
  block_timestamp as event_at,
  cast(block_timestamp as date) as event_date,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
