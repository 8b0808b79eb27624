with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'rail_code', 'transfer_type_code', 'amount_usd']) }}
),

spoken as (
  select transfer_id, message_id, is_standing, missing_fields, known_at
  from {{ ref('int_transfer_travel_rule') }}
),

stated as (
  select
    legs.*,
    spoken.message_id,
    case when spoken.is_standing then spoken.missing_fields end as missing_fields,
    spoken.known_at as message_known_at,
    case
      when spoken.message_id is null or not spoken.is_standing then 'missing'
      when spoken.missing_fields is null then 'present'
      else 'incomplete'
    end as travel_rule_status_code
  from legs
  left join spoken
    on spoken.transfer_id = legs.transfer_id
  where legs.rail_code = 'crypto' and legs.transfer_type_code in ('deposit', 'withdrawal')
),

flagged as (
  select
    *,
    case when travel_rule_status_code <> 'present' then 1 end as gap_one,
    case when travel_rule_status_code <> 'present' then amount_usd end as gap_usd
  from stated
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  cast(travel_rule_status_code as string) as travel_rule_status_code,
  missing_fields,
  message_id,
  message_known_at,
  count(*) over ({{ rolling('party_id', '30 days') }}) as crypto_count_30d,
  count(gap_one) over ({{ rolling('party_id', '30 days') }}) as gap_count_30d,
  cast(coalesce(sum(gap_usd) over ({{ rolling('party_id', '30 days') }}), 0) as decimal(38,2)) as gap_usd_30d
from flagged
