with rejects as (
  select * from {{ ref('stg_control__rejects') }}
  where is_open
),

rates as (
  select asset_code, rate_date, rate_usd from {{ ref('int_rates') }}
),

as_of as (
  select as_of_date from {{ ref('stg_control__as_of') }}
)

select
  rejects.reject_id,
  rejects.feed_code,
  rejects.table_name,
  rejects.extract_id,
  rejects.record_no,
  rejects.delivery_date,
  rejects.event_date,
  rejects.asset_code,
  rejects.amount,
  {{ usd_amount('rejects.amount', 'rates.rate_usd') }} as amount_usd,
  rejects.reason_code,
  -- A reason quotes the value it could not read, which in these feeds may be a person's.
  case when rejects.feed_code in ('kyc', 'bank', 'cases', 'behaviour', 'travel_rule') then rejects.reason_code else rejects.reason end as reason_text,
  rejects.first_seen_at,
  cast({{ days_between('rejects.first_seen_at', 'as_of.as_of_date') }} as bigint) as age_days
from rejects
cross join as_of
left join rates
  on rejects.asset_code = rates.asset_code
  and rejects.event_date = rates.rate_date
