{{ config(meta={'owner': 'data-engineering@plumbline.example', 'dagster': {'ref': {'name': 'int_population_rows'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- A row that is called matched or out of scope is not monitored on its own, so raw has to prove it: a match agrees with one
-- completed ledger transfer in asset, amount, side and reference (bank: and day), one to one; a reason is what raw says.
select
  'bank' as source_code,
  entry_id as row_id,
  claim_code,
  out_of_scope_reason
from {{ ref('int_population_bank_rows') }}
where claim_code is not null and not is_settled
union all
select
  'onchain' as source_code,
  chain_transfer_id as row_id,
  claim_code,
  out_of_scope_reason
from {{ ref('int_population_chain_rows') }}
where claim_code is not null and not is_settled
