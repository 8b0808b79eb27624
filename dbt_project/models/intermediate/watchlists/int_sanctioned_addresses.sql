with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

{#- A token that lives on several chains tells its chain by the form of the address; so does an asset nobody has listed. -#}
assets as (
  select
    coalesce(ofac_code, asset_code) as list_asset_code,
    min(asset_code) as asset_code,
    case when count(distinct chain_code) = 1 and min(asset_class_code) <> 'stablecoin' then min(chain_code) end as chain_code
  from {{ ref('assets') }}
  where chain_code is not null
  group by coalesce(ofac_code, asset_code)
),

mentions as (
  select
    list_code,
    entry_id,
    list_asset_code,
    coalesce({{ normalise_address('address') }}, address) as address,
    min(address) as address_raw,
    published_at,
    min(first_known_at) as known_at,
    'listed' as entry_hash
  from {{ ref('stg_watchlists__digital_currency_addresses') }}
  group by list_code, entry_id, list_asset_code, coalesce({{ normalise_address('address') }}, address), published_at
),

spans as (
  {{ publication_spans('mentions', 'publications', ['list_asset_code', 'address']) | indent(2) }}
),

entries as (
  select list_code, entry_id, published_at, name, program from {{ ref('stg_watchlists__entries') }}
),

chained as (
  select
    spans.*,
    mentions.address_raw,
    coalesce(assets.asset_code, spans.list_asset_code) as asset_code,
    case
      when assets.chain_code is not null then assets.chain_code
      when {{ regex_matches('spans.address', '^0x') }} then 'ethereum'
      when {{ regex_matches('spans.address', '^T[1-9A-HJ-NP-Za-km-z]{33}$') }} then 'tron'
      when {{ regex_matches('spans.address', '^(bc1|[13][1-9A-HJ-NP-Za-km-z]{25,34}$)') }} then 'bitcoin'
      when {{ regex_matches('spans.address', '^[1-9A-HJ-NP-Za-km-z]{43,44}$') }} then 'solana'
    end as chain_code
  from spans
  inner join mentions
    on spans.list_code = mentions.list_code
    and spans.entry_id = mentions.entry_id
    and spans.list_asset_code = mentions.list_asset_code
    and spans.address = mentions.address
    and spans.valid_from_at = mentions.published_at
  left join assets on spans.list_asset_code = assets.list_asset_code
)

select
  chained.list_code,
  chained.entry_id,
  chained.asset_code,
  chained.list_asset_code,
  chained.chain_code,
  chained.address,
  chained.address_raw,
  {{ address_problem('chained.address', 'chained.chain_code') }} is null as is_valid,
  {{ address_problem('chained.address', 'chained.chain_code') }} as invalid_reason_code,
  entries.name,
  entries.program,
  chained.valid_from_at as listed_from_at,
  chained.valid_to_at as delisted_at,
  cast(chained.valid_from_at as date) as listed_from_date,
  cast(chained.valid_to_at as date) as delisted_on,
  chained.known_at
from chained
left join entries
  on chained.list_code = entries.list_code
  and chained.entry_id = entries.entry_id
  and chained.valid_from_at = entries.published_at
