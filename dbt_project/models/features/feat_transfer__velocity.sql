{%- set columns = ['leg_id', 'transfer_id', 'party_id', 'account_id', 'direction_code', 'event_at', 'event_date', 'amount_usd', 'counterparty_id'] -%}
{{ config(materialized='windowed' if target.type == 'duckdb' else 'table', kernel_legs=columns) }}
{%- set windows = [('1h', '1 hour'), ('24h', '24 hours'), ('7d', '7 days'), ('30d', '30 days'), ('90d', '90 days')] -%}
with legs as (
  {{ counted_legs(columns) }}
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
),

counted as (
  select
    leg_id,
    transfer_id,
    party_id,
    account_id,
    direction_code,
    event_at,
    event_date,
    {%- for name, length in windows %}
    {%- for side in ['in', 'out'] %}
    count({{ side }}_one) over ({{ rolling('party_id', length) }}) as {{ side }}_count_{{ name }},
    count({{ side }}_usd) over ({{ rolling('party_id', length) }}) as {{ side }}_valued_{{ name }},
    cast(coalesce(sum({{ side }}_usd) over ({{ rolling('party_id', length) }}), 0) as decimal(38,2)) as {{ side }}_amount_usd_{{ name }},
    max({{ side }}_usd) over ({{ rolling('party_id', length) }}) as {{ side }}_max_usd_{{ name }},
    {%- endfor %}
    {%- endfor %}
    count(unvalued_one) over ({{ rolling('party_id', '30 days') }}) as unvalued_count_30d,
    {{ count_distinct_over('sender_id', rolling('account_id', '24 hours')) }} as sender_count_24h,
    {{ count_distinct_over('sender_id', rolling('account_id', '48 hours')) }} as sender_count_48h,
    {{ count_distinct_over('sender_id', rolling('account_id', '30 days')) }} as sender_count_30d,
    {{ count_distinct_over('receiver_id', rolling('account_id', '8 hours')) }} as receiver_count_8h,
    {{ count_distinct_over('receiver_id', rolling('account_id', '24 hours')) }} as receiver_count_24h,
    {{ count_distinct_over('receiver_id', rolling('account_id', '30 days')) }} as receiver_count_30d
  from sided
)

select
  leg_id,
  transfer_id,
  party_id,
  account_id,
  direction_code,
  event_at,
  event_date,
  {%- for name, length in windows %}
  {%- for side in ['in', 'out'] %}
  {{ side }}_count_{{ name }},
  {{ side }}_amount_usd_{{ name }},
  {{ side }}_max_usd_{{ name }},
  {{ decimal_ratio(side ~ '_amount_usd_' ~ name, side ~ '_valued_' ~ name) }} as {{ side }}_mean_usd_{{ name }},
  {%- endfor %}
  {%- endfor %}
  unvalued_count_30d,
  sender_count_24h,
  sender_count_48h,
  sender_count_30d,
  receiver_count_8h,
  receiver_count_24h,
  receiver_count_30d
from counted
