{{ config(meta={'owner': 'sanctions@plumbline.example', 'dagster': {'ref': {'name': 'int_ledger_addresses'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- A text of the ledger that holds n addresses yields n addresses. Told from staging by the classes of Unicode, without the
-- macros that split and normalise: a run of at least 25 letters and digits is an address, except in the query of a payment
-- URI, as the contract of a token transfer, and as a tag or memo behind an address. An address that is found nowhere, and one
-- with something between two addresses left inside, would never match a list.
{% set invisible = '[\\p{Cf}\\x{034f}\\x{0000}-\\x{0008}]' %}
with fields as (
  select 'exchange:deposit:' || deposit_id as transfer_id, 'counterparty' as role_code, from_address as field
  from {{ ref('stg_exchange__deposits') }}
  union all
  select 'exchange:deposit:' || deposit_id as transfer_id, 'own' as role_code, to_address as field
  from {{ ref('stg_exchange__deposits') }}
  union all
  select 'exchange:withdrawal:' || withdrawal_id as transfer_id, 'counterparty' as role_code, to_address as field
  from {{ ref('stg_exchange__withdrawals') }}
),

visible as (
  select transfer_id, role_code, {{ regex_replace("coalesce(field, '')", invisible, '') }} as field
  from fields
),

without_contracts as (
  select transfer_id, role_code, {{ regex_replace('field', '[A-Za-z]+:[^\\s?;,|]*/transfer[?]', ' ') }} as field
  from visible
),

without_queries as (
  select transfer_id, role_code, {{ regex_replace("replace(field, 'address=', ' ')", '[?&][^\\s;,|]*', ' ') }} as field
  from without_contracts
),

without_tags as (
  select transfer_id, role_code, {{ regex_replace('field', '([0-9A-Za-z]{25}):[^\\s;,|]*', '\\1') }} as field
  from without_queries
),

words as (
  select transfer_id, role_code, {{ split_to_rows('field', '[^\\p{L}\\p{M}\\p{N}._-]+') }} as word
  from without_tags
),

expected as (
  select distinct transfer_id, role_code, lower(word) as word
  from words
  where length(word) >= 25
),

found as (
  select
    transfer_id,
    role_code,
    address,
    lower({{ regex_replace(regex_replace('address', invisible, ''), '^-?[0-9]{1,2}:', '') }}) as word
  from {{ ref('int_ledger_addresses') }}
)

select expected.transfer_id, expected.role_code, expected.word, 'not found' as problem
from expected
left join found
  on expected.transfer_id = found.transfer_id
  and expected.role_code = found.role_code
  and expected.word = found.word
where found.transfer_id is null
union all
select transfer_id, role_code, address as word, 'not separated' as problem
from {{ ref('int_transfer_addresses') }}
where {{ regex_matches('address', '[\\p{Z}\\p{Cc};,|"<>(){}]') }}
