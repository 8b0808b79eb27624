{#- An address that cannot be one is refused as an address; its transfer stays in the population (docs/adr/0015). -#}
with addresses as (
  select * from {{ ref('int_transfer_addresses') }}
  where not is_valid
),

transfers as (
  select transfer_id, source_code, event_date, asset_code, amount_usd, known_at
  from {{ ref('int_transfers') }}
),

as_of as (
  select as_of_date from {{ ref('stg_control__as_of') }}
)

select
  {{ md5_key(['addresses.transfer_id', 'addresses.role_code', 'addresses.address']) }} as address_reject_id,
  addresses.transfer_id,
  addresses.role_code,
  addresses.address,
  addresses.address_raw,
  addresses.chain_code,
  addresses.invalid_reason_code as reason_code,
  case addresses.invalid_reason_code
    when 'non_ascii' then 'the address has characters that no address has, which may look like others'
    when 'bad_checksum' then 'the checksum of the address is wrong'
    else 'the address has not the form of an address' || coalesce(' of ' || addresses.chain_code, '')
  end as reason_text,
  transfers.source_code,
  transfers.event_date,
  transfers.asset_code,
  transfers.amount_usd,
  transfers.known_at as first_seen_at,
  cast({{ days_between('transfers.known_at', 'as_of.as_of_date') }} as bigint) as age_days
from addresses
cross join as_of
left join transfers on addresses.transfer_id = transfers.transfer_id
