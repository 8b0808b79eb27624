{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__breadth'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: each leg that counts in windows has its row in every table by leg, on every day and side; one query for all of them.
{%- set all_legs = ['bands', 'behaviour', 'benford', 'breadth', 'cadence', 'counterparty', 'peers', 'profile', 'repetition', 'shared', 'turnaround'] %}
with legs as (
  {{ legs_in_windows() }}
),

counted as (
  select
    event_date,
    direction_code,
    count(*) as all_count,
    count(case when rail_code = 'crypto' then 1 end) as crypto_count,
    count(case when rail_code in ('fiat', 'crypto') then 1 end) as outside_count
  from legs
  group by event_date, direction_code
),

named as (
  select transfer_id, coalesce(category_code, 'unmapped') as category_code
  from {{ ref('int_exposures') }}
  group by transfer_id, coalesce(category_code, 'unmapped')
),

exposed as (
  select crypto_legs.event_date, crypto_legs.direction_code, count(*) as row_count
  from {{ ref('int_transfer_legs') }} as crypto_legs
  inner join named
    on named.transfer_id = crypto_legs.transfer_id
  where crypto_legs.status_code = 'completed' and crypto_legs.direction_code <> 'none' and crypto_legs.rail_code = 'crypto'
  group by crypto_legs.event_date, crypto_legs.direction_code
),

expected as (
  {%- for family in all_legs %}
  select 'feat_transfer__{{ family }}' as table_name, event_date, direction_code, all_count as row_count from counted
  union all
  {%- endfor %}
  select 'feat_transfer__corridor' as table_name, event_date, direction_code, outside_count as row_count from counted where outside_count > 0
  union all
  select 'feat_transfer__travel_rule' as table_name, event_date, direction_code, crypto_count as row_count from counted where crypto_count > 0
  union all
  select 'feat_transfer_category__exposure' as table_name, event_date, direction_code, row_count from exposed
),

found as (
  {%- for family in all_legs + ['corridor', 'travel_rule'] %}
  select 'feat_transfer__{{ family }}' as table_name, event_date, direction_code, count(*) as row_count
  from {{ ref('feat_transfer__' ~ family) }}
  group by event_date, direction_code
  union all
  {%- endfor %}
  select 'feat_transfer_category__exposure' as table_name, event_date, direction_code, count(*) as row_count
  from {{ ref('feat_transfer_category__exposure') }}
  group by event_date, direction_code
)

{{ differing_totals(['table_name', 'event_date', 'direction_code'], ['row_count']) }}
