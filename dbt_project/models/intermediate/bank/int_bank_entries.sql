with entries as (
  select
    *,
    -- What the bank booked as one, however many payments it lists in it.
    substr(entry_id, 1, length(entry_id) - instr(reverse(entry_id), '/')) as booking_id,
    cast(amount as decimal(38,18)) as exact_amount,
    -- A bank that gives no date leaves only the day on which we heard of it.
    coalesce(booking_date, value_date, cast(known_at as date)) as event_date,
    case credit_debit_code when 'CRDT' then 'in' when 'DBIT' then 'out' end as direction_code,
    case status_code when 'BOOK' then 'completed' when 'PDNG' then 'pending' when 'INFO' then 'info' else lower(status_code) end as transfer_status_code,
    split_part(coalesce(bank_transaction_code, ''), '/', 1) as domain_code,
    split_part(coalesce(bank_transaction_code, ''), '/', 2) as family_code,
    split_part(coalesce(bank_transaction_code, ''), '/', 3) as sub_family_code
  from {{ ref('stg_bank__entries') }}
),

scopes as (
  select * from {{ ref('bank_transaction_scopes') }}
),

scoped as (
  select
    entries.entry_id,
    min(scopes.out_of_scope_reason) as out_of_scope_reason
  from entries
  inner join scopes
    on scopes.domain_code in ('*', entries.domain_code)
    and scopes.family_code in ('*', entries.family_code)
    and scopes.sub_family_code in ('*', entries.sub_family_code)
  group by entries.entry_id
),

bookings as (
  select
    booking_id,
    case when message_type_code = 'camt.054' then 'notified' else 'booked' end as side_code,
    account_iban,
    ccy_code,
    is_reversal,
    count(*) as payment_count,
    cast(sum(case direction_code when 'in' then exact_amount else -exact_amount end) as decimal(38,18)) as net_amount,
    min(event_date) as event_date,
    min(case when transfer_status_code = 'completed' then 1 else 0 end) as is_booked
  from entries
  where message_type_code = 'camt.054'
    or (message_type_code in ('camt.053', 'mt940') and transfer_status_code = 'completed')
  group by booking_id, message_type_code, account_iban, ccy_code, is_reversal
),

-- The bank's own references name one booking; those of payers come again (a standing order), so theirs are those of a day.
booking_references as (
  {% for reference in ['servicer_reference', 'uetr', 'end_to_end_id', 'instruction_id', 'tx_id'] %}
  select booking_id, '{{ reference }}' as reference_type_code, {{ reference }} as reference, {{ 'cast(null as date)' if loop.index <= 2 else 'event_date' }} as reference_date
  from entries
  where {{ reference }} is not null and upper({{ reference }}) not in ('NOTPROVIDED', 'NONREF')
  {{ 'union' if not loop.last }}
  {%- endfor %}
),

numbered_bookings as (
  select
    bookings.*,
    booking_references.reference_type_code,
    booking_references.reference,
    booking_references.reference_date,
    row_number() over (
      partition by
        bookings.side_code, booking_references.reference_type_code, booking_references.reference, booking_references.reference_date,
        bookings.account_iban, bookings.ccy_code, bookings.is_reversal, bookings.net_amount
      order by bookings.event_date, bookings.booking_id
    ) as pair_no
  from bookings
  inner join booking_references on bookings.booking_id = booking_references.booking_id
),

-- A payment that was notified and stands on a statement is one payment: the statement counts, unless the notification alone
-- lists what the statement has as one sum.
told_twice as (
  select
    case when notified.payment_count > booked.payment_count and notified.is_booked = 1 then booked.booking_id else notified.booking_id end as booking_id,
    case when notified.payment_count > booked.payment_count and notified.is_booked = 1 then 'detailed_by_notification' else 'booked_on_statement' end as out_of_scope_reason
  from numbered_bookings as notified
  inner join numbered_bookings as booked
    on notified.reference_type_code = booked.reference_type_code
    and notified.reference = booked.reference
    and coalesce(notified.reference_date, date '1970-01-01') = coalesce(booked.reference_date, date '1970-01-01')
    and notified.account_iban = booked.account_iban
    and notified.ccy_code = booked.ccy_code
    and notified.is_reversal = booked.is_reversal
    and notified.net_amount = booked.net_amount
    and notified.pair_no = booked.pair_no
  where notified.side_code = 'notified' and booked.side_code = 'booked'
),

superseded as (
  select booking_id, min(out_of_scope_reason) as out_of_scope_reason
  from told_twice
  group by booking_id
),

classified as (
  select
    entries.*,
    case
      when entries.transfer_status_code = 'info' then 'information_only'
      else coalesce(scoped.out_of_scope_reason, superseded.out_of_scope_reason)
    end as out_of_scope_reason
  from entries
  left join scoped on entries.entry_id = scoped.entry_id
  left join superseded on entries.booking_id = superseded.booking_id
),

-- A bank reports the reference it was given in one of these; which one differs by bank and payment.
entry_references as (
  {% for reference in ['end_to_end_id', 'entry_reference', 'instruction_id', 'tx_id', 'uetr'] %}
  select entry_id, {{ reference }} as reference, ccy_code, exact_amount, direction_code, transfer_status_code
  from classified
  where out_of_scope_reason is null and {{ reference }} is not null
  {{ 'union' if not loop.last }}
  {%- endfor %}
),

ledger as (
  select 'exchange:deposit:' || deposit_id as transfer_id, bank_reference as reference, asset_code, amount, 'in' as direction_code
  from {{ ref('stg_exchange__deposits') }}
  where bank_reference is not null and status_code = 'completed'
  union all
  select 'exchange:withdrawal:' || withdrawal_id as transfer_id, bank_reference as reference, asset_code, amount, 'out' as direction_code
  from {{ ref('stg_exchange__withdrawals') }}
  where bank_reference is not null and status_code = 'completed'
),

numbered_entries as (
  select
    *,
    row_number() over (
      partition by reference, ccy_code, exact_amount, direction_code
      order by case when transfer_status_code = 'completed' then 0 else 1 end, entry_id
    ) as pair_no
  from entry_references
),

numbered_ledger as (
  select
    *,
    row_number() over (partition by reference, asset_code, amount, direction_code order by transfer_id) as pair_no
  from ledger
),

candidates as (
  select distinct
    numbered_entries.entry_id,
    numbered_ledger.transfer_id
  from numbered_entries
  inner join numbered_ledger
    on numbered_entries.reference = numbered_ledger.reference
    and numbered_entries.ccy_code = numbered_ledger.asset_code
    and numbered_entries.exact_amount = numbered_ledger.amount
    and numbered_entries.direction_code = numbered_ledger.direction_code
    and numbered_entries.pair_no = numbered_ledger.pair_no
),

one_per_entry as (
  select * from candidates
  qualify row_number() over (partition by entry_id order by transfer_id) = 1
),

pairs as (
  select * from one_per_entry
  qualify row_number() over (partition by transfer_id order by entry_id) = 1
)

select
  classified.entry_id,
  classified.statement_id,
  classified.message_type_code,
  classified.account_iban,
  classified.exact_amount as amount,
  classified.ccy_code as asset_code,
  classified.direction_code,
  classified.is_reversal,
  classified.transfer_status_code as status_code,
  cast(classified.event_date as timestamp) as event_at,
  classified.event_date,
  classified.bank_transaction_code,
  upper(replace(classified.counterparty_account, ' ', '')) as counterparty_account,
  case
    when classified.out_of_scope_reason is not null then null
    else coalesce(pairs.transfer_id, 'bank:' || classified.entry_id)
  end as transfer_id,
  case
    when classified.out_of_scope_reason is not null then 'out_of_scope'
    when pairs.transfer_id is not null then 'matched'
    else 'unmatched'
  end as match_status_code,
  classified.out_of_scope_reason,
  classified.first_known_at as known_at,
  classified.extract_id
from classified
left join pairs on classified.entry_id = pairs.entry_id
