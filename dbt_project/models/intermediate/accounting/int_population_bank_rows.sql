{#- Every bank entry, from raw, and whether it is taken off the population. int_bank_entries claims that an entry is matched or
    out of scope; it is settled only when raw itself proves the claim, on a path of its own: a scope that grew too wide or a
    match that is none leaves the entry in the population, and the accounting of the same run shows it. -#}
with claims as (
  select
    entry_id,
    transfer_id,
    match_status_code,
    out_of_scope_reason
  from {{ ref('int_bank_entries') }}
  where match_status_code in ('matched', 'out_of_scope')
),

entries as (
  select
    r.entry_id,
    {{ regex_replace('r.entry_id', '/[^/]*$', '') }} as booking_id,
    coalesce(r.message_type_code, 'camt.053') = 'camt.054' as is_notified,
    coalesce(r.booking_date, r.value_date) as bank_date,
    coalesce(r.booking_date, r.value_date, cast(r._known_at as date)) as event_date,
    upper(trim(r.ccy_code)) as asset_code,
    cast(r.amount as decimal(38,18)) as amount,
    case r.credit_debit_code when 'CRDT' then 'deposit' else 'withdrawal' end as ledger_side_code,
    r.account_iban,
    r.is_reversal,
    r.status_code,
    coalesce(r.bank_transaction_code, '') || '///' as bank_transaction_code,
    r.servicer_reference,
    r.end_to_end_id,
    r.entry_reference,
    r.instruction_id,
    r.tx_id,
    r.uetr
  from {{ source('raw_bank', 'entries') }} as r
  where {{ is_known('bank', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.entry_id order by r._known_at, r._extract_id, r._record_no) is null
),

ledger as (
  {% for side in ['deposit', 'withdrawal'] %}
  select * from (
    select
      'exchange:{{ side }}:' || r.{{ side }}_id as transfer_id,
      '{{ side }}' as ledger_side_code,
      upper(trim(r.asset_code)) as asset_code,
      cast(r.amount as decimal(38,18)) as amount,
      cast(r.event_at as date) as event_date,
      r.status_code,
      r.bank_reference
    from {{ source('raw_exchange', side ~ 's') }} as r
    where {{ is_known('exchange', 'r._known_at') }}
    qualify lead(r._record_no) over (partition by r.{{ side }}_id order by r._known_at, r._extract_id, r._record_no) is null
  ) as newest_{{ side }}s
  where status_code = 'completed'
  {{ 'union all' if not loop.last }}
  {%- endfor %}
),

matched as (
  select entries.entry_id
  from entries
  inner join claims
    on entries.entry_id = claims.entry_id
    and claims.match_status_code = 'matched'
  inner join ledger
    on claims.transfer_id = ledger.transfer_id
    and entries.ledger_side_code = ledger.ledger_side_code
    and entries.asset_code = ledger.asset_code
    and entries.amount = ledger.amount
    and ledger.bank_reference in (entries.end_to_end_id, entries.entry_reference, entries.instruction_id, entries.tx_id, entries.uetr)
    and coalesce(abs({{ days_between('entries.bank_date', 'ledger.event_date') }}), 0) <= {{ var('settlement_days') }}
  -- One to one: of several entries that claim a transfer, one is it.
  qualify row_number() over (partition by ledger.transfer_id order by entries.entry_id) = 1
),

out_of_scope as (
  select entries.entry_id
  from entries
  inner join claims
    on entries.entry_id = claims.entry_id
    and claims.out_of_scope_reason = 'information_only'
  where entries.status_code = 'INFO'
  union
  select entries.entry_id
  from entries
  inner join claims on entries.entry_id = claims.entry_id
  inner join {{ ref('bank_transaction_scopes') }} as scopes
    on claims.out_of_scope_reason = scopes.out_of_scope_reason
    and entries.bank_transaction_code like replace(scopes.domain_code || '/' || scopes.family_code || '/' || scopes.sub_family_code || '/%', '*', '%')
),

bookings as (
  select
    entries.booking_id,
    entries.is_notified,
    max(case when claims.out_of_scope_reason in ('booked_on_statement', 'detailed_by_notification') then 1 else 0 end) = 1 as is_told_twice,
    entries.account_iban,
    entries.asset_code,
    entries.is_reversal,
    sum(case entries.ledger_side_code when 'deposit' then entries.amount else -entries.amount end) as net_amount
  from entries
  left join claims on entries.entry_id = claims.entry_id
  group by entries.booking_id, entries.is_notified, entries.account_iban, entries.asset_code, entries.is_reversal
),

booking_references as (
  {% for reference in ['servicer_reference', 'uetr', 'end_to_end_id', 'instruction_id', 'tx_id'] %}
  select booking_id, {{ reference }} as reference from entries where {{ reference }} is not null
  {{ 'union' if not loop.last }}
  {%- endfor %}
),

referred as (
  select
    bookings.*,
    booking_references.reference
  from bookings
  inner join booking_references on bookings.booking_id = booking_references.booking_id
),

tellings as (
  select distinct
    dropped.booking_id,
    kept.booking_id as kept_booking_id,
    dropped.is_notified,
    dropped.account_iban,
    dropped.asset_code,
    dropped.is_reversal,
    dropped.net_amount
  from referred as dropped
  inner join referred as kept
    on dropped.reference = kept.reference
    and dropped.is_notified <> kept.is_notified
    and dropped.account_iban = kept.account_iban
    and dropped.asset_code = kept.asset_code
    and dropped.is_reversal = kept.is_reversal
    and dropped.net_amount = kept.net_amount
  where dropped.is_told_twice and not kept.is_told_twice
),

-- Of as many equal payments as were kept, that many may be dropped as told twice.
kept_counts as (
  select
    is_notified,
    account_iban,
    asset_code,
    is_reversal,
    net_amount,
    count(distinct kept_booking_id) as kept_count
  from tellings
  group by is_notified, account_iban, asset_code, is_reversal, net_amount
),

told_twice as (
  select numbered.booking_id
  from (
    select
      *,
      row_number() over (partition by is_notified, account_iban, asset_code, is_reversal, net_amount order by booking_id) as drop_no
    from (select distinct booking_id, is_notified, account_iban, asset_code, is_reversal, net_amount from tellings) as dropped
  ) as numbered
  inner join kept_counts
    on numbered.is_notified = kept_counts.is_notified
    and numbered.account_iban = kept_counts.account_iban
    and numbered.asset_code = kept_counts.asset_code
    and numbered.is_reversal = kept_counts.is_reversal
    and numbered.net_amount = kept_counts.net_amount
  where numbered.drop_no <= kept_counts.kept_count
)

select
  entries.entry_id,
  entries.event_date,
  entries.asset_code,
  entries.amount,
  claims.match_status_code as claim_code,
  claims.out_of_scope_reason,
  matched.entry_id is not null
  or out_of_scope.entry_id is not null
  or (
    coalesce(claims.out_of_scope_reason, '') in ('booked_on_statement', 'detailed_by_notification')
    and told_twice.booking_id is not null
  ) as is_settled
from entries
left join claims on entries.entry_id = claims.entry_id
left join matched on entries.entry_id = matched.entry_id
left join out_of_scope on entries.entry_id = out_of_scope.entry_id
left join told_twice on entries.booking_id = told_twice.booking_id
