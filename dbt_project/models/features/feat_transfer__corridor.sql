with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'rail_code', 'amount_usd', 'counterparty_id']) }}
),

countries as (
  select country_code, is_high_risk from {{ ref('jurisdictions') }}
),

travel_rule as (
  select transfer_id, counterparty_vasp_country_code, counterparty_country_code, known_at
  from {{ ref('int_transfer_travel_rule') }}
),

places as (
  select party_id, country_code, event_at, event_date, known_at
  from {{ ref('int_party_behaviour_events') }}
  where party_id is not null and country_code is not null and outcome_code = 'success'
),

-- the place of the party's last successful event within the day before the transfer; of several at one instant the first by name
located as (
  select legs.leg_id, places.country_code as ip_country_code, places.known_at as ip_known_at
  from legs
  inner join (
    select 0 as day_offset
    union all
    select -1
  ) as offsets
    on legs.rail_code in ('fiat', 'crypto')
  inner join places
    on places.party_id = legs.party_id
    and places.event_date = {{ days_after('legs.event_date', 'offsets.day_offset') }}
  where places.event_at between {{ hours_after('legs.event_at', '-24') }} and legs.event_at
  qualify row_number() over (partition by legs.leg_id order by places.event_at desc, places.country_code) = 1
),

placed as (
  select
    legs.*,
    case when legs.rail_code = 'fiat' and {{ regex_matches("coalesce(legs.counterparty_id, '')", '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$') }} then
      substr(legs.counterparty_id, 1, 2)
    end as bank_country_code,
    travel_rule.counterparty_vasp_country_code as vasp_country_code,
    travel_rule.counterparty_country_code,
    located.ip_country_code,
    greatest(coalesce(located.ip_known_at, travel_rule.known_at), coalesce(travel_rule.known_at, located.ip_known_at)) as corridor_known_at
  from legs
  left join travel_rule
    on travel_rule.transfer_id = legs.transfer_id
  left join located
    on located.leg_id = legs.leg_id
  where legs.rail_code in ('fiat', 'crypto')
),

{%- set kinds = ['bank', 'vasp', 'counterparty', 'ip'] %}

judged as (
  select
    placed.*,
    {%- for kind in kinds %}
    case when coalesce({{ kind }}_countries.is_high_risk, false) then placed.{{ kind }}_country_code end as {{ kind }}_high_risk_code,
    {%- endfor %}
    coalesce(placed.bank_country_code, placed.vasp_country_code, placed.counterparty_country_code, placed.ip_country_code) is not null as is_located
  from placed
  {%- for kind in kinds %}
  left join countries as {{ kind }}_countries
    on {{ kind }}_countries.country_code = placed.{{ kind }}_country_code
  {%- endfor %}
),

flagged as (
  select
    *,
    coalesce({% for kind in kinds %}{{ kind }}_high_risk_code{{ ', ' if not loop.last }}{% endfor %}) is not null as is_high_risk
  from judged
),

sided as (
  select
    *,
    case when is_high_risk then 1 end as high_risk_one,
    case when is_high_risk then amount_usd end as high_risk_usd
  from flagged
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  {%- for kind in kinds %}
  {{ kind }}_country_code,
  {%- endfor %}
  is_located,
  is_high_risk,
  cast(case when is_high_risk then concat_ws(
    ', ',
    case when bank_high_risk_code is not null then 'bank in ' || bank_high_risk_code end,
    case when vasp_high_risk_code is not null then 'provider in ' || vasp_high_risk_code end,
    case when counterparty_high_risk_code is not null then 'counterparty in ' || counterparty_high_risk_code end,
    case when ip_high_risk_code is not null then 'customer seen in ' || ip_high_risk_code end
  ) end as string) as high_risk_text,
  count(high_risk_one) over ({{ rolling('party_id', '30 days') }}) as high_risk_count_30d,
  cast(coalesce(sum(high_risk_usd) over ({{ rolling('party_id', '30 days') }}), 0) as decimal(38,2)) as high_risk_usd_30d,
  corridor_known_at
from sided
