with tags as (
  select * from {{ ref('stg_tagpacks__tags') }}
),

categories as (
  select * from {{ ref('int_exposure_categories') }}
  where vendor_code = 'graphsense'
),

networks as (
  select asset_code, min(chain_code) as chain_code
  from {{ ref('assets') }}
  where chain_code is not null
  group by asset_code
)

select
  tags.tag_id,
  coalesce({{ normalise_address('tags.address') }}, tags.address) as address,
  tags.currency_code as asset_code,
  coalesce(networks.chain_code, lower(tags.network_code)) as chain_code,
  'graphsense' as vendor_code,
  -- What an address was abused for weighs more than what it is.
  coalesce(tags.abuse_code, tags.category_code, '') as vendor_category_id,
  case
    when coalesce(tags.abuse_code, tags.category_code) is null then 'none'
    else coalesce(categories.category_code, 'unmapped')
  end as category_code,
  case
    when coalesce(tags.abuse_code, tags.category_code) is null then 'low'
    else coalesce(categories.severity_code, 'high')
  end as severity_code,
  coalesce(categories.is_zero_tolerance, false) as is_zero_tolerance,
  tags.label,
  tags.actor_id,
  tags.confidence_code,
  tags.source,
  tags.lastmod_date,
  tags.first_known_at as known_at
from tags
left join categories on coalesce(tags.abuse_code, tags.category_code) = categories.vendor_category_id
left join networks on coalesce(tags.network_code, tags.currency_code) = networks.asset_code
