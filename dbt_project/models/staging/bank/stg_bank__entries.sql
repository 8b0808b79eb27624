{{ config(schema='restricted') }}
with source as (
  {{ as_known('bank', 'entries', ['entry_id'], content=['status_code', 'amount']) | indent(2) }}
)

select
  entry_id,
  statement_id,
  account_iban,
  coalesce(message_type_code, 'camt.053') as message_type_code,
  entry_reference,
  servicer_reference,
  amount,
  upper(trim(ccy_code)) as ccy_code,
  credit_debit_code,
  is_reversal,
  status_code,
  booking_date,
  value_date,
  bank_transaction_code,
  end_to_end_id,
  instruction_id,
  tx_id,
  uetr,
  counterparty_name,
  counterparty_account,
  counterparty_bic,
  remittance_text,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
