with statements as (
  select * from {{ ref('stg_bank__statements') }}
)

select
  statement_id,
  message_type_code,
  account_iban,
  ccy_code,
  electronic_sequence_no,
  from_at,
  to_at,
  opening_balance_amount,
  closing_balance_amount,
  entry_count,
  entries_net_amount,
  is_balanced,
  -- Pages of one statement share its number, and the first statement has none before it: nothing is missing then.
  greatest(
    coalesce(
      electronic_sequence_no - lag(electronic_sequence_no) over (
        partition by
          account_iban,
          ccy_code,
          message_type_code,
          -- An MT940 begins again each year.
          case when message_type_code = 'mt940' then extract(year from created_at) end
        order by electronic_sequence_no, created_at, statement_id
      ) - 1,
      0
    ),
    0
  ) as missing_statement_count,
  created_at,
  first_known_at as known_at
from statements
