with screenings as (
  select external_id, transfer_id, vendor_amount_usd from {{ ref('stg_chainalysis__transfers') }}
),

transfer_values as (
  select transfer_id, amount_usd from {{ ref('int_transfers') }}
),

categories as (
  select * from {{ ref('int_exposure_categories') }}
),

direct_answers as (
  select
    external_id,
    'DIRECT' as exposure_type_code,
    coalesce(cast(direct_category_id as string), '') as vendor_category_id,
    direct_name as entity_name,
    cast(null as decimal(18,2)) as alert_amount_usd,
    first_known_at as known_at
  from {{ ref('stg_chainalysis__exposures') }}
  where direct_category_id is not null or direct_name is not null
),

alert_answers as (
  select
    external_id,
    exposure_type_code,
    coalesce(cast(category_id as string), '') as vendor_category_id,
    service as entity_name,
    alert_amount_usd,
    first_known_at as known_at
  from {{ ref('stg_chainalysis__alerts') }}
),

answers as (
  select * from direct_answers
  union all
  select * from alert_answers
)

select
  coalesce(screenings.transfer_id, answers.external_id) as transfer_id,
  'chainalysis' as vendor_code,
  answers.exposure_type_code,
  min(answers.vendor_category_id) as vendor_category_id,
  coalesce(categories.category_code, 'unmapped') as category_code,
  max(coalesce(categories.severity_code, 'high')) as severity_code,
  max(coalesce(categories.is_zero_tolerance, false)) as is_zero_tolerance,
  min(answers.entity_name) as entity_name,
  -- A direct exposure is the whole transfer; an indirect one is the part that the vendor traced.
  max(case
    when answers.exposure_type_code = 'DIRECT' then coalesce(screenings.vendor_amount_usd, transfer_values.amount_usd, answers.alert_amount_usd)
    else answers.alert_amount_usd
  end) as exposure_usd,
  min(answers.known_at) as known_at
from answers
left join screenings on answers.external_id = screenings.external_id
left join transfer_values on screenings.transfer_id = transfer_values.transfer_id
left join categories
  on categories.vendor_code = 'chainalysis'
  and answers.vendor_category_id = categories.vendor_category_id
group by
  coalesce(screenings.transfer_id, answers.external_id),
  answers.exposure_type_code,
  coalesce(categories.category_code, 'unmapped')
