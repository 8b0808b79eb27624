with source as (
  {{ as_known('onchain', 'bitcoin_inputs', ['transaction_hash', 'index']) | indent(2) }}
)

select
  lower(transaction_hash) as tx_hash,
  index as input_index,
  block_number,
  block_hash,
  block_timestamp as event_at,
  cast(block_timestamp as date) as event_date,
  is_coinbase,
  type as input_type,
  address,
  value as value_text,
  lower(spent_transaction_hash) as spent_tx_hash,
  spent_output_index,
  transport_code,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
