{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__velocity'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: what the windows of a party have counted is what its legs come to.
{%- set lengths = [('1h', '1 hour'), ('24h', '24 hours'), ('7d', '7 days'), ('30d', '30 days')] %}
{%- set measures = ['leg_count', 'unvalued_count_30d'] %}
{%- for name, _ in lengths %}{% do measures.extend(['in_count_' ~ name, 'out_count_' ~ name, 'in_amount_usd_' ~ name, 'out_amount_usd_' ~ name]) %}{% endfor %}
with legs as (
  {{ legs_in_windows() }}
),

weighed as (
  select
    *,
    {%- for name, length in lengths %}
    {{ windows_over(rolling_ahead('party_id', length)) }} as windows_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  from legs
),

expected as (
  select
    party_id,
    count(*) as leg_count,
    {%- for name, _ in lengths %}
    {%- for side in ['in', 'out'] %}
    coalesce(sum(case when direction_code = '{{ side }}' then windows_{{ name }} end), 0) as {{ side }}_count_{{ name }},
    coalesce(sum(case when direction_code = '{{ side }}' then amount_usd * windows_{{ name }} end), 0) as {{ side }}_amount_usd_{{ name }},
    {%- endfor %}
    {%- endfor %}
    coalesce(sum(case when amount_usd is null then windows_30d end), 0) as unvalued_count_30d
  from weighed
  group by party_id
),

found as (
  select
    party_id,
    count(*) as leg_count,
    {%- for measure in measures[1:] %}
    sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ ref('feat_transfer__velocity') }}
  group by party_id
)

{{ differing_totals(['party_id'], measures) }}
