with legs as (
  select * from {{ ref('int_transfer_legs') }}
  where counterparty_id is not null and direction_code <> 'none'
),

sanctioned as (
  select distinct address
  from {{ ref('int_sanctioned_addresses') }}
  where delisted_on is null
),

attributions as (
  select address, category_code
  from {{ ref('int_address_attributions') }}
  qualify row_number() over (
    partition by address
    order by
      case severity_code when 'severe' then 0 when 'high' then 1 when 'medium' then 2 else 3 end,
      category_code,
      tag_id
  ) = 1
),

grouped as (
  select
    counterparty_id,
    min(case rail_code when 'crypto' then 'address' when 'fiat' then 'bank_account' else 'account' end) as counterparty_type_code,
    min(chain_code) as chain_code,
    min(event_at) as first_seen_at,
    max(event_at) as last_seen_at,
    count(*) as transfer_count,
    count(distinct account_id) as account_count,
    cast(sum(amount_usd) as decimal(18,2)) as amount_usd
  from legs
  group by counterparty_id
)

select
  grouped.counterparty_id,
  grouped.counterparty_type_code,
  grouped.chain_code,
  grouped.first_seen_at,
  grouped.last_seen_at,
  grouped.transfer_count,
  grouped.account_count,
  grouped.amount_usd,
  sanctioned.address is not null as is_sanctioned,
  attributions.category_code
from grouped
left join sanctioned on grouped.counterparty_id = sanctioned.address
left join attributions on grouped.counterparty_id = attributions.address
