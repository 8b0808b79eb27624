{%- set categories = exposure_columns() -%}
with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'rail_code']) }}
),

screenings as (
  select
    transfer_id,
    case when min(screening_status_code) = max(screening_status_code) then min(screening_status_code) else 'pending' end as screening_status_code
  from {{ ref('int_transfer_screenings') }}
  group by transfer_id
),

-- Several vendors naming the same category speak of the same value.
categories_named as (
  select
    transfer_id,
    category_code,
    max(is_zero_tolerance) as is_zero_tolerance,
    max(severity_code) as severity_code,
    max(exposure_usd) as exposure_usd
  from {{ ref('int_exposures') }}
  where exposure_type_code = 'DIRECT'
  group by transfer_id, category_code
),

direct as (
  select
    transfer_id,
    count(*) as direct_exposure_count,
    count(case when is_zero_tolerance then 1 end) as direct_zero_tolerance_count,
    count(case when exposure_usd is null then 1 end) as direct_unvalued_count,
    {%- for category in categories %}
    sum(case when category_code = '{{ category }}' then exposure_usd end) as direct_{{ category }}_usd,
    {%- endfor %}
    sum(case when severity_code = 'low' then exposure_usd end) as direct_low_severity_usd,
    sum(exposure_usd) as direct_exposure_usd
  from categories_named
  group by transfer_id
)

select
  legs.leg_id,
  legs.transfer_id,
  legs.party_id,
  legs.direction_code,
  legs.event_at,
  legs.event_date,
  cast(coalesce(screenings.screening_status_code, 'not_screened') as string) as screening_status_code,
  coalesce(direct.direct_exposure_count, 0) as direct_exposure_count,
  coalesce(direct.direct_zero_tolerance_count, 0) as direct_zero_tolerance_count,
  coalesce(direct.direct_unvalued_count, 0) as direct_unvalued_count,
  {%- for category in categories %}
  cast(direct.direct_{{ category }}_usd as decimal(38,2)) as direct_{{ category }}_usd,
  {%- endfor %}
  cast(direct.direct_low_severity_usd as decimal(38,2)) as direct_low_severity_usd,
  cast(direct.direct_exposure_usd as decimal(38,2)) as direct_exposure_usd
from legs
left join screenings
  on screenings.transfer_id = legs.transfer_id
left join direct
  on direct.transfer_id = legs.transfer_id
where legs.rail_code = 'crypto'
