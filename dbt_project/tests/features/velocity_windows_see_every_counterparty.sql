{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__velocity'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: distinct counterparties do not add up over windows, so they are counted anew at the last leg of each account and day.
{%- set counts = [('sender', 'in', '24h', '24 hours'), ('sender', 'in', '48h', '48 hours'), ('sender', 'in', '30d', '30 days'), ('receiver', 'out', '24h', '24 hours'), ('receiver', 'out', '30d', '30 days')] %}
with legs as (
  {{ legs_in_windows() }}
),

day_ends as (
  select account_id, event_date, max(event_at) as event_at
  from legs
  group by account_id, event_date
),

expected as (
  select
    day_ends.account_id,
    day_ends.event_at,
    {%- for role, side, name, length in counts %}
    count(distinct case when legs.direction_code = '{{ side }}' and legs.event_at >= day_ends.event_at - interval {{ length }} then legs.counterparty_id end) as {{ role }}_count_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  from day_ends
  inner join legs
    on legs.account_id = day_ends.account_id
    and legs.event_at between day_ends.event_at - interval 30 days and day_ends.event_at
  group by day_ends.account_id, day_ends.event_at
)

select expected.*
from expected
left join {{ ref('feat_transfer__velocity') }} as found
  on found.account_id = expected.account_id
  and found.event_at = expected.event_at
where {% for role, _, name, _ in counts %}{{ 'or ' if not loop.first }}found.{{ role }}_count_{{ name }} is distinct from expected.{{ role }}_count_{{ name }}
  {% endfor %}
