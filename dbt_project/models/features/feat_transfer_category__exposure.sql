{%- set vendors = ['chainalysis', 'trm', 'elliptic'] -%}
with legs as (
  select
    leg_id, transfer_id, party_id, direction_code, segment_code, jurisdiction_code, asset_code, event_at, event_date,
    -- a leg that KYC does not know is alone in its window
    coalesce(party_id, leg_id) as holder_id
  from {{ ref('int_transfer_legs') }}
  where status_code = 'completed' and direction_code in ('in', 'out') and rail_code = 'crypto'
),

parameters as (
  {{ scenario_parameters('TM28', []) }}
),

floors as (
  select parameter_set_id, replace(parameter_code, 'floor_usd.', '') as category_code, max(parameter_value) as floor_usd
  from {{ ref('int_scenario_parameters') }}
  where scenario_id = 'TM28' and parameter_code like 'floor_usd.%'
  group by parameter_set_id, parameter_code
),

-- Several vendors naming the same category speak of the same value.
named as (
  select
    transfer_id,
    coalesce(category_code, 'unmapped') as category_code,
    max(severity_code) as severity_code,
    max(is_zero_tolerance) as is_zero_tolerance,
    {%- for kind in ['DIRECT', 'INDIRECT', 'ATTRIBUTED'] %}
    count(distinct case when exposure_type_code = '{{ kind }}' then vendor_code end) as {{ kind | lower }}_vendor_count,
    {%- endfor %}
    max(case when exposure_type_code = 'DIRECT' then exposure_usd end) as direct_usd,
    max(case when exposure_type_code = 'INDIRECT' then exposure_usd end) as indirect_usd,
    {%- for vendor in vendors %}
    max(case when exposure_type_code = 'DIRECT' and vendor_code = '{{ vendor }}' then exposure_usd end) as {{ vendor }}_direct_usd,
    max(case when exposure_type_code = 'INDIRECT' and vendor_code = '{{ vendor }}' then exposure_usd end) as {{ vendor }}_indirect_usd,
    {%- endfor %}
    max(known_at) as exposure_known_at
  from {{ ref('int_exposures') }}
  group by transfer_id, coalesce(category_code, 'unmapped')
),

exposed as (
  select
    legs.*,
    named.category_code,
    named.severity_code,
    named.is_zero_tolerance,
    named.direct_vendor_count,
    named.indirect_vendor_count,
    named.attributed_vendor_count,
    named.direct_usd,
    named.indirect_usd,
    {%- for vendor in vendors %}
    named.{{ vendor }}_direct_usd,
    named.{{ vendor }}_indirect_usd,
    {%- endfor %}
    named.exposure_known_at,
    floors.floor_usd as direct_floor_usd,
    case when named.direct_usd <= floors.floor_usd and named.direct_usd > 0 then named.direct_usd end as small_direct_usd
  from legs
  inner join named
    on named.transfer_id = legs.transfer_id
  left join parameters
    on {{ on_scenario_parameters('legs', 'parameters') }}
  left join floors
    on floors.parameter_set_id = parameters.parameter_set_id
    and floors.category_code = named.category_code
),

flagged as (
  select
    *,
    case when direct_vendor_count > 0 then 1 end as direct_one,
    case when indirect_vendor_count > 0 then 1 end as indirect_one,
    case when indirect_vendor_count > 0 and indirect_usd is null then 1 end as unvalued_indirect_one,
    case when direct_vendor_count > 0 and direct_usd is null then 1 end as unvalued_direct_one
  from exposed
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  category_code,
  severity_code,
  is_zero_tolerance,
  direct_vendor_count,
  indirect_vendor_count,
  attributed_vendor_count,
  cast(direct_usd as decimal(18,2)) as direct_usd,
  cast(indirect_usd as decimal(18,2)) as indirect_usd,
  {%- for vendor in vendors %}
  cast({{ vendor }}_direct_usd as decimal(18,2)) as {{ vendor }}_direct_usd,
  cast({{ vendor }}_indirect_usd as decimal(18,2)) as {{ vendor }}_indirect_usd,
  {%- endfor %}
  cast(direct_floor_usd as decimal(18,2)) as direct_floor_usd,
  cast(small_direct_usd as decimal(18,2)) as small_direct_usd,
  {%- set window = rolling('holder_id, category_code', '30 days') %}
  count(direct_one) over ({{ window }}) as direct_count_30d,
  cast(coalesce(sum(direct_usd) over ({{ window }}), 0) as decimal(38,2)) as direct_usd_30d,
  count(unvalued_direct_one) over ({{ window }}) as direct_unvalued_count_30d,
  count(indirect_one) over ({{ window }}) as indirect_count_30d,
  cast(coalesce(sum(indirect_usd) over ({{ window }}), 0) as decimal(38,2)) as indirect_usd_30d,
  count(unvalued_indirect_one) over ({{ window }}) as indirect_unvalued_count_30d,
  count(small_direct_usd) over ({{ window }}) as small_direct_count_30d,
  cast(coalesce(sum(small_direct_usd) over ({{ window }}), 0) as decimal(38,2)) as small_direct_usd_30d,
  exposure_known_at
from flagged
