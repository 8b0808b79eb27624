with source as (
  {{ as_known('bank', 'statements', ['statement_id']) | indent(2) }}
)

select
  statement_id,
  message_id,
  coalesce(message_type_code, 'camt.053') as message_type_code,
  msg_version,
  account_iban,
  ccy_code,
  electronic_sequence_no,
  page_no,
  from_at,
  to_at,
  opening_balance_amount,
  closing_balance_amount,
  entry_count,
  entries_net_amount,
  is_balanced,
  created_at,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
