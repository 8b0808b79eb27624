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
    notified.booking_id as notified_id,
    booked.booking_id as booked_id,
    min(notified.payment_count) > min(booked.payment_count) and min(notified.is_booked) = 1 as is_detailed,
    -- The bank's own reference says more than a payer's.
    min(case when notified.reference_date is null then 0 else 1 end) as doubt
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
  group by notified.booking_id, booked.booking_id
),

one_per_notified as (
  select * from told_twice
  qualify row_number() over (partition by notified_id order by doubt, booked_id) = 1
),

-- One booking on a statement is one payment: it takes the place of one notification, not of two that share a reference.
one_to_one as (
  select * from one_per_notified
  qualify row_number() over (partition by booked_id order by doubt, notified_id) = 1
),

superseded as (
  select
    case when is_detailed then booked_id else notified_id end as booking_id,
    case when is_detailed then 'detailed_by_notification' else 'booked_on_statement' end as out_of_scope_reason
  from one_to_one
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
  select entry_id, {{ reference }} as reference, ccy_code, exact_amount, direction_code, transfer_status_code, coalesce(booking_date, value_date) as bank_date
  from classified
  where out_of_scope_reason is null and {{ reference }} is not null
  {{ 'union' if not loop.last }}
  {%- endfor %}
),

ledger as (
  select 'exchange:deposit:' || deposit_id as transfer_id, bank_reference as reference, asset_code, amount, 'in' as direction_code, event_date
  from {{ ref('stg_exchange__deposits') }}
  where bank_reference is not null and status_code = 'completed'
  union all
  select 'exchange:withdrawal:' || withdrawal_id as transfer_id, bank_reference as reference, asset_code, amount, 'out' as direction_code, event_date
  from {{ ref('stg_exchange__withdrawals') }}
  where bank_reference is not null and status_code = 'completed'
),

-- A reference may come again (a standing order): payments of the same day belong together first, then what is left in the
-- order of its days, never further apart than a settlement takes. A bank that gives no date is taken at its reference.
{% for pass in ['same_day', 'later'] %}
{{ pass }}_entries as (
  select
    *,
    row_number() over (
      partition by reference, ccy_code, exact_amount, direction_code{{ ', bank_date' if loop.first }}
      order by case when transfer_status_code = 'completed' then 0 else 1 end, bank_date, entry_id
    ) as pair_no
  from entry_references
  {% if not loop.first %}where entry_id not in (select entry_id from same_day_pairs){% endif %}
),

{{ pass }}_ledger as (
  select
    *,
    row_number() over (
      partition by reference, asset_code, amount, direction_code{{ ', event_date' if loop.first }}
      order by event_date, transfer_id
    ) as pair_no
  from ledger
  {% if not loop.first %}where transfer_id not in (select transfer_id from same_day_pairs){% endif %}
),

{{ pass }}_pairs as (
  select distinct
    entries.entry_id,
    ledger.transfer_id
  from {{ pass }}_entries as entries
  inner join {{ pass }}_ledger as ledger
    on entries.reference = ledger.reference
    and entries.ccy_code = ledger.asset_code
    and entries.exact_amount = ledger.amount
    and entries.direction_code = ledger.direction_code
    and entries.pair_no = ledger.pair_no
    {% if loop.first -%}
    and entries.bank_date = ledger.event_date
    {%- else -%}
    and coalesce(abs({{ days_between('entries.bank_date', 'ledger.event_date') }}), 0) <= {{ var('settlement_days') }}
    {%- endif %}
),

{% endfor -%}
candidates as (
  select entry_id, transfer_id from same_day_pairs
  union all
  select entry_id, transfer_id from later_pairs
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
