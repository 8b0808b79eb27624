{#- An event becomes its customer's through the account, which is what the exchange's software knows best. -#}
with events as (
  select
    *,
    coalesce(account_id, party_id) as subject_id
  from {{ ref('stg_behaviour__events') }}
),

accounts as (
  select account_id, party_id from {{ ref('int_accounts') }}
)

select
  events.event_id,
  coalesce(accounts.party_id, events.party_id) as party_id,
  events.account_id,
  events.device_id,
  events.event_type_code,
  case
    when events.event_type_code in ('login', 'logout') then 'session'
    when events.event_type_code in ('password_changed', 'two_factor_changed', 'api_key_created') then 'credential'
    when events.event_type_code in ('device_added', 'device_removed') then 'device'
    when events.event_type_code in ('email_changed', 'phone_changed', 'address_changed') then 'contact'
    when events.event_type_code in ('bank_account_added', 'withdrawal_address_added') then 'payout'
  end as event_class_code,
  events.outcome_code,
  events.country_code,
  events.ip_address,
  events.user_agent_hash,
  {%- for name, column in [('device', 'device_id'), ('ip', 'ip_address'), ('country', 'country_code')] %}
  case
    when events.subject_id is not null and events.{{ column }} is not null then
      row_number() over (
        partition by events.subject_id, events.{{ column }} order by events.event_at, events.event_id
      ) = 1
  end as is_first_use_of_{{ name }},
  {%- endfor %}
  events.event_at,
  events.event_date,
  events.known_at
from events
left join accounts on events.account_id = accounts.account_id
