with publications as (
  select * from {{ ref('int_watchlist_publications') }}
),

assets as (
  select ofac_code, min(asset_code) as asset_code, case when count(distinct chain_code) = 1 then min(chain_code) end as chain_code
  from {{ ref('assets') }}
  where ofac_code is not null
  group by ofac_code
),

mentions as (
  select
    ent_num,
    ofac_asset_code,
    coalesce({{ normalise_address('address') }}, address) as address,
    min(address) as address_raw,
    publication_date,
    min(first_known_at) as known_at,
    'listed' as entry_hash
  from {{ ref('stg_ofac__digital_currency_addresses') }}
  group by ent_num, ofac_asset_code, coalesce({{ normalise_address('address') }}, address), publication_date
),

spans as (
  {{ publication_spans('mentions', 'publications', ['ent_num', 'ofac_asset_code', 'address']) | indent(2) }}
),

entries as (
  select ent_num, publication_date, sdn_name, program from {{ ref('stg_ofac__sdn_entries') }}
),

chained as (
  select
    spans.*,
    mentions.address_raw,
    coalesce(assets.asset_code, spans.ofac_asset_code) as asset_code,
    case
      when assets.chain_code is not null then assets.chain_code
      when {{ regex_matches('spans.address', '^0x') }} then 'ethereum'
      when {{ regex_matches('spans.address', '^T') }} then 'tron'
      when {{ regex_matches('spans.address', '^(bc1|1|3)') }} then 'bitcoin'
    end as chain_code
  from spans
  inner join mentions
    on spans.ent_num = mentions.ent_num
    and spans.ofac_asset_code = mentions.ofac_asset_code
    and spans.address = mentions.address
    and spans.valid_from_date = mentions.publication_date
  left join assets on spans.ofac_asset_code = assets.ofac_code
)

select
  'ofac_sdn' as list_code,
  chained.ent_num,
  chained.asset_code,
  chained.ofac_asset_code,
  chained.chain_code,
  chained.address,
  chained.address_raw,
  {{ address_problem('chained.address', 'chained.chain_code') }} is null as is_valid,
  entries.sdn_name,
  entries.program,
  chained.valid_from_date as listed_from_date,
  chained.valid_to_date as delisted_on,
  chained.known_at
from chained
left join entries
  on chained.ent_num = entries.ent_num
  and chained.valid_from_date = entries.publication_date
