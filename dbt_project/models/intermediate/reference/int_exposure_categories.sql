{#- The reviewed map, and whatever else the vendors' own lists and answers name: an unmapped category is seen, not dropped. -#}
with mapped as (
  select
    vendor_code,
    coalesce(vendor_category_id, '') as vendor_category_id,
    vendor_category_name,
    category_code,
    severity_code,
    is_zero_tolerance
  from {{ ref('exposure_categories') }}
),

named as (
  select
    'chainalysis' as vendor_code,
    coalesce(cast(category_id as string), '') as vendor_category_id,
    category_name as vendor_category_name
  from {{ ref('stg_chainalysis__categories') }}
  union all
  select 'chainalysis' as vendor_code, vendor_category_id, vendor_category_name
  from {{ ref('int_chainalysis_findings') }}
  union all
  select 'trm' as vendor_code, vendor_category_id, vendor_category_name
  from {{ ref('stg_trm__exposures') }}
  union all
  select 'elliptic' as vendor_code, vendor_category_id, vendor_category_name
  from {{ ref('stg_elliptic__exposures') }}
),

listed as (
  select vendor_code, vendor_category_id, min(vendor_category_name) as vendor_category_name
  from named
  group by vendor_code, vendor_category_id
)

select
  coalesce(mapped.vendor_code, listed.vendor_code) as vendor_code,
  coalesce(mapped.vendor_category_id, listed.vendor_category_id) as vendor_category_id,
  coalesce(mapped.vendor_category_name, listed.vendor_category_name, '') as vendor_category_name,
  coalesce(mapped.category_code, 'unmapped') as category_code,
  coalesce(mapped.severity_code, 'high') as severity_code,
  coalesce(mapped.is_zero_tolerance, false) as is_zero_tolerance,
  mapped.vendor_code is not null as is_mapped
from mapped
full outer join listed
  on mapped.vendor_code = listed.vendor_code
  and mapped.vendor_category_id = listed.vendor_category_id
