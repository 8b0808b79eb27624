{{ config(meta={'owner': 'sanctions@plumbline.example', 'dagster': {'ref': {'name': 'scn_tm45_address_screening'}}}) }}
-- depends_on: {{ ref('fct_kris') }}, so that the run fails, but not before the accounting shows it
-- A completed transfer with an address that is listed on its day is an alert, whatever its amount. Told from the addresses of
-- ledger and chain and from the list.
with listed as (
  select distinct transfers.transfer_id
  from {{ ref('int_transfers') }} as transfers
  inner join {{ ref('int_transfer_addresses') }} as addresses
    on transfers.transfer_id = addresses.transfer_id
    and addresses.role_code = 'counterparty'
  inner join {{ ref('int_sanctioned_addresses') }} as sanctioned
    on addresses.address = sanctioned.address
    and {{ within_span('transfers.event_date', 'sanctioned', 'listed_from_date', 'delisted_on') }}
  where transfers.status_code = 'completed'
),

alerted as (
  select distinct transfer_id
  from {{ ref('scn_tm45_address_screening') }}
  where outcome_code = 'alerted'
)

select listed.transfer_id
from listed
left join alerted on listed.transfer_id = alerted.transfer_id
where alerted.transfer_id is null
