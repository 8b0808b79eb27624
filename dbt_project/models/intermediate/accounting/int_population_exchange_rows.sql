{#- The exchange's transfers by jurisdiction, from raw: a transfer is accounted for where its paying account's party lives. -#}
{%- set tables = [
  ('deposits', 'deposit_id', 'account_id', 'asset_code', 'amount'),
  ('withdrawals', 'withdrawal_id', 'account_id', 'asset_code', 'amount'),
  ('internal_transfers', 'internal_transfer_id', 'from_account_id', 'asset_code', 'amount'),
  ('trades', 'trade_id', 'account_id', 'base_asset_code', 'base_amount'),
] -%}
with newest as (
  {%- for table, key, account, asset, amount in tables %}
  select * from (
    select
      r.{{ account }} as account_id,
      upper(trim(r.{{ asset }})) as asset_code,
      cast(r.{{ amount }} as decimal(38,18)) as amount,
      r.event_at
    from {{ source('raw_exchange', table) }} as r
    where {{ is_known('exchange', 'r._known_at') }}
    qualify lead(r._record_no) over (partition by r.{{ key }} order by r._known_at, r._extract_id, r._record_no) is null
  ) as newest_{{ table }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
)

select
  cast(newest.event_at as date) as event_date,
  newest.asset_code,
  {{ jurisdiction_of('places.jurisdiction_code') }} as jurisdiction_code,
  count(*) as population_rows,
  cast(sum(newest.amount) as decimal(38,18)) as population_amount
from newest
left join {{ ref('int_population_accounts') }} as places
  on places.account_id = newest.account_id
  and newest.event_at >= places.effective_from_at
  and newest.event_at < places.effective_to_at
group by cast(newest.event_at as date), newest.asset_code, {{ jurisdiction_of('places.jurisdiction_code') }}
