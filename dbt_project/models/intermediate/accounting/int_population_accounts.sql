{#- Where the party of each account lived when, from raw, for the population: past the models that scenarios read. What the two
    share is the seed of jurisdictions, which people decide. What is known first of a party holds for everything before it. -#}
with accounts as (
  select newest.account_id, newest.party_id
  from (
    select r.account_id, r.party_id, r.valid_from_at
    from {{ source('raw_kyc', 'accounts') }} as r
    where {{ is_known('kyc', 'r._known_at') }}
    qualify lead(r._record_no) over (partition by r.account_id, r.valid_from_at order by r._known_at, r._extract_id, r._record_no) is null
  ) as newest
  qualify lead(newest.account_id) over (partition by newest.account_id order by newest.valid_from_at) is null
),

profiles as (
  select r.party_id, r.valid_from_at, upper(trim(r.residence_country_code)) as country_code
  from {{ source('raw_kyc', 'parties') }} as r
  where {{ is_known('kyc', 'r._known_at') }}
  qualify lead(r._record_no) over (partition by r.party_id, r.valid_from_at order by r._known_at, r._extract_id, r._record_no) is null
),

spans as (
  select
    party_id,
    country_code,
    case
      when lag(party_id) over (partition by party_id order by valid_from_at) is not null then valid_from_at
      else cast('1900-01-01 00:00:00' as timestamp)
    end as effective_from_at,
    lead(valid_from_at, 1, cast('9999-12-31 00:00:00' as timestamp)) over (partition by party_id order by valid_from_at) as effective_to_at
  from profiles
)

select
  accounts.account_id,
  spans.effective_from_at,
  spans.effective_to_at,
  case when spans.country_code is not null then coalesce(jurisdictions.jurisdiction_code, 'OTHER') end as jurisdiction_code
from accounts
inner join spans on spans.party_id = accounts.party_id
left join {{ ref('jurisdictions') }} as jurisdictions
  on jurisdictions.country_code = spans.country_code
