{#- What every scenario has to account for, counted without the models that scenarios read: the exchange's transfers from the
    sources' own totals, bank and chain rows from raw. Only what raw proves to be matched or out of scope is taken off; a row
    that a model lost or waved through on the way therefore stays in the population.
    A source's totals know no jurisdiction. Raw tells how they divide; what the totals have and raw has not (or has too much) stays
    in the population as of no known jurisdiction. -#}
with totals as (
  select
    event_date,
    asset_code,
    source_rows - rejected_rows - superseded_rows as population_rows,
    coalesce(source_amount, 0) - coalesce(rejected_amount, 0) - coalesce(superseded_amount, 0) as population_amount
  from {{ ref('int_feed_rows') }}
  where feed_code = 'exchange' and table_name in ('deposits', 'withdrawals', 'internal_transfers', 'trades')
),

divided as (
  select event_date, asset_code, jurisdiction_code, population_rows, population_amount from {{ ref('int_population_exchange_rows') }}
),

stacked as (
  select 'exchange' as source_code, event_date, asset_code, jurisdiction_code, population_rows, population_amount from divided
  union all
  select 'exchange' as source_code, event_date, asset_code, {{ jurisdiction_of('null') }} as jurisdiction_code, population_rows, cast(population_amount as decimal(38,18)) as population_amount
  from totals
  union all
  select 'exchange' as source_code, event_date, asset_code, {{ jurisdiction_of('null') }} as jurisdiction_code, -population_rows as population_rows, -population_amount as population_amount
  from divided
  union all
  select 'bank' as source_code, event_date, asset_code, {{ jurisdiction_of('null') }} as jurisdiction_code, cast(1 as bigint) as population_rows, amount as population_amount
  from {{ ref('int_population_bank_rows') }}
  where not is_settled
  union all
  select 'onchain' as source_code, event_date, asset_code, jurisdiction_code, cast(1 as bigint) as population_rows, amount as population_amount
  from {{ ref('int_population_chain_rows') }}
  where not is_settled
)

select
  source_code,
  event_date,
  asset_code,
  jurisdiction_code,
  cast(sum(population_rows) as bigint) as population_rows,
  cast(sum(population_amount) as decimal(38,18)) as population_amount
from stacked
group by source_code, event_date, asset_code, jurisdiction_code
having sum(population_rows) <> 0 or sum(population_amount) <> 0
