with spoken as (
  select * from {{ ref('int_transfer_travel_rule') }}
),

accounts as (
  select account_id, party_id from {{ ref('int_accounts') }}
),

parties as (
  select party_id, residence_country_code, jurisdiction_code from {{ ref('int_parties') }}
),

thresholds as (
  select country_code, travel_rule_threshold_usd from {{ ref('jurisdictions') }}
),

needing as (
  select
    transfers.transfer_id,
    transfers.transfer_type_code,
    transfers.account_id,
    accounts.party_id,
    parties.jurisdiction_code,
    -- Where nobody says whose law applies, the strictest does.
    cast(coalesce(thresholds.travel_rule_threshold_usd, 0) as decimal(18,2)) as threshold_usd,
    transfers.asset_code,
    transfers.chain_code,
    transfers.amount,
    transfers.amount_usd,
    transfers.event_at,
    transfers.event_date
  from {{ ref('int_transfers') }} as transfers
  left join accounts on transfers.account_id = accounts.account_id
  left join parties on accounts.party_id = parties.party_id
  left join thresholds on parties.residence_country_code = thresholds.country_code
  where transfers.rail_code = 'crypto'
    and transfers.status_code = 'completed'
    and transfers.transfer_type_code in ('deposit', 'withdrawal')
    -- A transfer that nobody can value is not taken to be small.
    and (transfers.amount_usd is null or transfers.amount_usd >= coalesce(thresholds.travel_rule_threshold_usd, 0))
)

select
  needing.transfer_id,
  needing.transfer_type_code,
  {{ pseudonym('needing.account_id') }} as account_key,
  {{ pseudonym('needing.party_id') }} as party_key,
  needing.jurisdiction_code,
  needing.threshold_usd,
  needing.asset_code,
  needing.chain_code,
  needing.amount,
  needing.amount_usd,
  needing.event_at,
  needing.event_date,
  cast(case
    when spoken.message_id is null or not spoken.is_standing then 'missing'
    when spoken.missing_fields is null then 'present'
    else 'incomplete'
  end as string) as travel_rule_status_code,
  case when spoken.is_standing then spoken.missing_fields end as missing_fields,
  spoken.message_id,
  spoken.status_code as message_status_code,
  cast(spoken.match_status_code as string) as match_status_code,
  cast(coalesce(spoken.message_count, 0) as bigint) as message_count,
  spoken.has_beneficiary_vasp,
  spoken.created_at as message_created_at,
  spoken.known_at as message_known_at
from needing
left join spoken on needing.transfer_id = spoken.transfer_id
