{{ config(meta={'owner': 'fcc-analytics@plumbline.example', 'dagster': {'ref': {'name': 'feat_transfer__exposure'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- Promise 2: the direct exposures in the columns are those that the vendors named, category by category.
{%- set measures = ['leg_count', 'exposure_count', 'zero_tolerance_count', 'unvalued_count', 'exposure_usd'] %}
with legs as (
  {{ legs_in_windows() }}
),

crypto_legs as (
  select leg_id, transfer_id from legs
  where rail_code = 'crypto'
),

-- vendors that name the same category speak of the same value, so the largest counts
named as (
  select
    crypto_legs.leg_id,
    direct.category_code,
    case when max(case when direct.is_zero_tolerance then 1 end) = 1 then 1 end as zero_tolerance_one,
    case when min(direct.severity_code) = 'low' and max(direct.severity_code) = 'low' then 1 end as low_severity_one,
    max(direct.exposure_usd) as exposure_usd
  from crypto_legs
  inner join {{ ref('int_exposures') }} as direct
    on direct.transfer_id = crypto_legs.transfer_id
    and direct.exposure_type_code = 'DIRECT'
  group by crypto_legs.leg_id, direct.category_code
),

expected as (
  select
    'all' as part_code,
    (select count(*) from crypto_legs) as leg_count,
    count(*) as exposure_count,
    count(zero_tolerance_one) as zero_tolerance_count,
    count(case when exposure_usd is null then 1 end) as unvalued_count,
    coalesce(sum(exposure_usd), 0) as exposure_usd
  from named
  union all
  select 'low severity', 0, 0, 0, 0, coalesce(sum(exposure_usd), 0)
  from named
  where low_severity_one = 1
  union all
  select category_code, 0, 0, 0, 0, coalesce(sum(exposure_usd), 0)
  from named
  where low_severity_one is null or category_code in ('{{ exposure_columns() | join("', '") }}')
  group by category_code
  having sum(exposure_usd) <> 0
),

found as (
  select
    'all' as part_code,
    count(*) as leg_count,
    coalesce(sum(direct_exposure_count), 0) as exposure_count,
    coalesce(sum(direct_zero_tolerance_count), 0) as zero_tolerance_count,
    coalesce(sum(direct_unvalued_count), 0) as unvalued_count,
    coalesce(sum(direct_exposure_usd), 0) as exposure_usd
  from {{ ref('feat_transfer__exposure') }}
  union all
  select 'low severity', 0, 0, 0, 0, coalesce(sum(direct_low_severity_usd), 0)
  from {{ ref('feat_transfer__exposure') }}
  {%- for category in exposure_columns() %}
  union all
  select '{{ category }}', 0, 0, 0, 0, sum(direct_{{ category }}_usd)
  from {{ ref('feat_transfer__exposure') }}
  having sum(direct_{{ category }}_usd) <> 0
  {%- endfor %}
)

{{ differing_totals(['part_code'], measures) }}
