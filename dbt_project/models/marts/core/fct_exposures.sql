with exposures as (
  select * from {{ ref('int_exposures') }}
),

transfers as (
  select transfer_id, account_id, transfer_type_code, asset_code, event_date from {{ ref('int_transfers') }}
),

accounts as (
  select account_id, party_id from {{ ref('int_accounts') }}
)

select
  {{ md5_key(['exposures.transfer_id', 'exposures.vendor_code', 'exposures.exposure_type_code', 'exposures.category_code']) }} as exposure_id,
  exposures.transfer_id,
  {{ pseudonym('accounts.party_id') }} as party_key,
  exposures.vendor_code,
  exposures.exposure_type_code,
  exposures.category_code,
  exposures.severity_code,
  exposures.is_zero_tolerance,
  exposures.entity_name,
  exposures.exposure_usd,
  transfers.transfer_type_code,
  transfers.asset_code,
  transfers.event_date,
  exposures.known_at
from exposures
left join transfers on exposures.transfer_id = transfers.transfer_id
left join accounts on transfers.account_id = accounts.account_id
