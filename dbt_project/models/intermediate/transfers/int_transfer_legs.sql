{#- Left joins only: a transfer of an account that KYC has not delivered yet, or delivered late, keeps its leg. -#}
with transfers as (
  select * from {{ ref('int_transfers') }}
),

sides as (
  select
    *,
    case
      when transfer_type_code = 'deposit' then 'in'
      when transfer_type_code in ('withdrawal', 'internal_transfer') then 'out'
      else 'none'
    end as direction_code,
    account_id as side_account_id,
    counterparty_id as side_counterparty_id
  from transfers
  union all
  select
    *,
    'in' as direction_code,
    counter_account_id as side_account_id,
    account_id as side_counterparty_id
  from transfers
  where transfer_type_code = 'internal_transfer'
),

accounts as (
  select account_id, party_id, opened_at, last_activity_at, first_known_at
  from {{ ref('int_accounts') }}
),

parties as (
  select * from {{ ref('int_party_history') }}
),

segments as (
  select party_id, effective_from_at, effective_to_at, segment_code from {{ ref('int_party_segments') }}
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
)

select
  sides.transfer_id || ':' || sides.direction_code as leg_id,
  sides.transfer_id,
  sides.direction_code,
  sides.source_code,
  sides.transfer_type_code,
  sides.rail_code,
  sides.status_code,
  sides.side_account_id as account_id,
  accounts.party_id,
  accounts.opened_at as account_opened_at,
  accounts.last_activity_at,
  parties.party_type_code,
  segments.segment_code,
  parties.residence_country_code,
  parties.jurisdiction_code,
  {{ usd_amount('parties.declared_annual_income_amount', 'income_rates.rate_usd') }} as declared_annual_income_usd,
  parties.is_pep,
  parties.kyc_status_code,
  parties.risk_rating_code,
  sides.asset_code,
  sides.amount,
  sides.rate_usd,
  sides.amount_usd,
  sides.event_at,
  sides.event_date,
  sides.chain_code,
  sides.tx_hash,
  sides.side_counterparty_id as counterparty_id,
  sides.counterparty_address,
  sides.legs_expected,
  sides.ip_address,
  sides.device_id,
  greatest(
    sides.known_at,
    coalesce(accounts.first_known_at, sides.known_at),
    coalesce(parties.known_at, sides.known_at)
  ) as known_at
from sides
left join accounts on sides.side_account_id = accounts.account_id
left join parties
  on accounts.party_id = parties.party_id
  and sides.event_at >= parties.effective_from_at
  and sides.event_at < parties.effective_to_at
left join segments
  on accounts.party_id = segments.party_id
  and sides.event_at >= segments.effective_from_at
  and sides.event_at < segments.effective_to_at
left join rates as income_rates
  on parties.declared_income_ccy = income_rates.asset_code
  and sides.event_date = income_rates.rate_date
