{#- The trades of the population with what a leg does not carry: side, quote, fee. -#}
with trades as (
  select * from {{ ref('stg_exchange__trades') }}
),

legs as (
  select leg_id, transfer_id, account_id, party_id, event_at, event_date, known_at
  from {{ ref('int_transfer_legs') }}
  where transfer_type_code = 'trade'
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
)

select
  legs.leg_id,
  legs.transfer_id,
  legs.account_id,
  legs.party_id,
  trades.side_code,
  trades.base_asset_code,
  trades.quote_asset_code,
  case when trades.side_code = 'buy' then trades.base_asset_code else trades.quote_asset_code end as bought_asset_code,
  trades.base_amount,
  trades.quote_amount,
  trades.fee_amount,
  {{ usd_amount('trades.quote_amount', 'rates.rate_usd') }} as quote_usd,
  {{ usd_amount('trades.fee_amount', 'rates.rate_usd') }} as fee_usd,
  legs.event_at,
  legs.event_date,
  legs.known_at
from legs
inner join trades
  on 'exchange:trade:' || trades.trade_id = legs.transfer_id
left join rates
  on rates.asset_code = trades.quote_asset_code
  and rates.rate_date = trades.event_date
