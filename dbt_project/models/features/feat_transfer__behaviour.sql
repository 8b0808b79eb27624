with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'residence_country_code']) }}
),

events as (
  select
    party_id,
    event_at,
    event_id,
    event_class_code,
    country_code,
    known_at,
    event_type_code = 'login' and country_code is not null as is_login,
    event_class_code in ('credential', 'contact', 'device', 'payout') as is_change
  from {{ ref('int_party_behaviour_events') }}
  where outcome_code = 'success' and party_id is not null
),

-- of several logins at one instant the last in order of id
logins as (
  select
    party_id,
    event_at,
    country_code,
    min(event_at) over (partition by party_id, country_code) as first_from_country_at
  from events
  where is_login
  qualify row_number() over (partition by party_id, event_at order by event_id desc) = 1
),

timeline as (
  select leg_id, party_id, event_at, cast(null as string) as event_class_code, cast(null as string) as login_country_code, cast(null as timestamp) as login_at,
    cast(null as timestamp) as change_at, cast(null as timestamp) as known_at
  from legs
  union all
  select cast(null as string), party_id, event_at, case when is_change then event_class_code end, case when is_login then country_code end,
    case when is_login then event_at end, case when is_change then event_at end, known_at
  from events
),

measured as (
  select
    leg_id,
    count(known_at) over ({{ rolling('party_id', '90 days') }}) as behaviour_event_count_90d,
    count(login_at) over ({{ rolling('party_id', '24 hours') }}) as login_count_24h,
    max(login_at) over ({{ rolling('party_id', '24 hours') }}) as last_login_at_24h,
    {{ count_distinct_over('login_country_code', rolling('party_id', '6 hours')) }} as login_country_count_6h,
    {%- for name, length in [('24h', '24 hours'), ('48h', '48 hours')] %}
    {{ count_distinct_over('event_class_code', rolling('party_id', length)) }} as changed_class_count_{{ name }},
    count(change_at) over ({{ rolling('party_id', length) }}) as change_count_{{ name }},
    min(change_at) over ({{ rolling('party_id', length) }}) as first_change_at_{{ name }},
    {%- endfor %}
    max(known_at) over ({{ rolling('party_id', '48 hours') }}) as behaviour_known_at_48h
  from timeline
),

countries as (
  select country_code, is_high_risk from {{ ref('jurisdictions') }}
)

select
  legs.leg_id,
  legs.transfer_id,
  legs.party_id,
  legs.direction_code,
  legs.event_at,
  legs.event_date,
  measured.behaviour_event_count_90d,
  {%- for name in ['24h', '48h'] %}
  measured.change_count_{{ name }},
  measured.changed_class_count_{{ name }},
  measured.first_change_at_{{ name }},
  {%- endfor %}
  measured.login_count_24h,
  measured.last_login_at_24h,
  logins.country_code as last_login_country_code_24h,
  logins.country_code <> legs.residence_country_code as is_login_abroad_24h,
  case when logins.country_code is not null then coalesce(countries.is_high_risk, false) end as is_login_high_risk_24h,
  {{ days_elapsed('logins.first_from_country_at', 'legs.event_at') }} as login_country_known_days,
  measured.login_country_count_6h,
  measured.behaviour_known_at_48h
from legs
inner join measured
  on measured.leg_id = legs.leg_id
left join logins
  on logins.party_id = legs.party_id
  and logins.event_at = measured.last_login_at_24h
left join countries
  on countries.country_code = logins.country_code
