with history as (
  select
    *,
    min(known_at) over (partition by party_id) as first_known_at
  from {{ ref('int_party_history') }}
),

latest as (
  select * from history
  where effective_to_at = cast('9999-12-31 00:00:00' as timestamp)
),

segments as (
  select party_id, segment_code from {{ ref('int_party_segments') }}
  where effective_to_at = cast('9999-12-31 00:00:00' as timestamp)
),

rates as (
  select asset_code, rate_usd
  from {{ ref('int_rates') }}
  where rate_date <= (select as_of_date from {{ ref('stg_control__as_of') }})
  qualify row_number() over (partition by asset_code order by rate_date desc) = 1
)

select
  latest.party_id,
  latest.party_type_code,
  latest.residence_country_code,
  latest.nationality_country_code,
  latest.jurisdiction_code,
  latest.kyc_level_code,
  latest.kyc_status_code,
  latest.is_pep,
  latest.declared_annual_income_amount,
  latest.declared_income_ccy,
  {{ usd_amount('latest.declared_annual_income_amount', 'rates.rate_usd') }} as declared_annual_income_usd,
  latest.occupation,
  segments.segment_code,
  latest.risk_rating_code,
  latest.next_review_date,
  latest.valid_from_at,
  latest.known_at,
  latest.first_known_at
from latest
left join rates
  on latest.declared_income_ccy = rates.asset_code
left join segments
  on segments.party_id = latest.party_id
