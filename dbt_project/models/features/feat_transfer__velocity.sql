with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'account_id', 'direction_code', 'event_at', 'event_date', 'amount_usd', 'counterparty_id']) }}
),

sided as (
  select
    *,
    case when direction_code = 'in' then amount_usd end as in_usd,
    case when direction_code = 'out' then amount_usd end as out_usd,
    case when direction_code = 'in' then 1 end as in_one,
    case when direction_code = 'out' then 1 end as out_one,
    case when amount_usd is null then 1 end as unvalued_one,
    case when direction_code = 'in' then counterparty_id end as sender_id,
    case when direction_code = 'out' then counterparty_id end as receiver_id
  from legs
)

select
  leg_id,
  transfer_id,
  party_id,
  account_id,
  direction_code,
  event_at,
  event_date,
  {%- for name, length in [('1h', '1 hour'), ('24h', '24 hours'), ('7d', '7 days'), ('30d', '30 days')] %}
  count(in_one) over ({{ rolling('party_id', length) }}) as in_count_{{ name }},
  count(out_one) over ({{ rolling('party_id', length) }}) as out_count_{{ name }},
  cast(coalesce(sum(in_usd) over ({{ rolling('party_id', length) }}), 0) as decimal(38,2)) as in_amount_usd_{{ name }},
  cast(coalesce(sum(out_usd) over ({{ rolling('party_id', length) }}), 0) as decimal(38,2)) as out_amount_usd_{{ name }},
  {%- endfor %}
  count(unvalued_one) over ({{ rolling('party_id', '30 days') }}) as unvalued_count_30d,
  {{ count_distinct_over('sender_id', rolling('account_id', '24 hours')) }} as sender_count_24h,
  {{ count_distinct_over('sender_id', rolling('account_id', '48 hours')) }} as sender_count_48h,
  {{ count_distinct_over('sender_id', rolling('account_id', '30 days')) }} as sender_count_30d,
  {{ count_distinct_over('receiver_id', rolling('account_id', '24 hours')) }} as receiver_count_24h,
  {{ count_distinct_over('receiver_id', rolling('account_id', '30 days')) }} as receiver_count_30d
from sided
