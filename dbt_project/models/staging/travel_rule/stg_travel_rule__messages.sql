with source as (
  {{ as_known('travel_rule', 'messages', ['message_id']) | indent(2) }}
)

select
  message_id,
  direction_code,
  status_code,
  -- The sender's own word, or the ledger's id alone, which is of a withdrawal or of a deposit by its direction.
  case
    when transfer_reference_id like '%:%' then transfer_reference_id
    when transfer_reference_id is not null and direction_code = 'outgoing' then 'exchange:withdrawal:' || transfer_reference_id
    when transfer_reference_id is not null then 'exchange:deposit:' || transfer_reference_id
  end as transfer_id,
  {{ normalise_tx_hash("tx_hash") }} as tx_hash,
  {{ normalise_address("address") }} as address,
  upper(trim(asset_code)) as asset_code,
  amount,
  created_at,
  coalesce(updated_at, created_at) as updated_at,
  ivms_version_code,
  originator_accounts is not null as has_originator_account,
  beneficiary_accounts is not null as has_beneficiary_account,
  _known_at as known_at,
  _first_known_at as first_known_at,
  _extract_id as extract_id,
  _record_no as record_no,
  _dlt_load_id
from source
