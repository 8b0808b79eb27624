with source as (
  {{ as_known('onchain', 'blocks', ['chain_code', 'number']) | indent(2) }}
)

select
  chain_code,
  number as block_number,
  lower(hash) as block_hash,
  lower(parent_hash) as parent_hash,
  block_timestamp as event_at,
  cast(block_timestamp as date) as event_date,
  transaction_count,
  transport_code,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
