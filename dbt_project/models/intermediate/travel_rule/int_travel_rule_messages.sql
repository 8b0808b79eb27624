with messages as (
  select * from {{ ref('stg_travel_rule__messages') }}
),

-- Of the extract that the message is shown from: a later version may name fewer persons.
people as (
  select
    persons.message_id,
    count(*) as person_count,
    max(case when persons.role_code = 'originator' and persons.person_name is not null then 1 else 0 end) = 1 as has_originator_name,
    max(case
      when persons.role_code = 'originator'
        and (persons.address_text is not null or persons.national_identifier_id is not null or persons.birth_date_text is not null)
        then 1
      else 0
    end) = 1 as has_originator_identity,
    max(case when persons.role_code = 'beneficiary' and persons.person_name is not null then 1 else 0 end) = 1 as has_beneficiary_name,
    max(case when persons.role_code = 'originating_vasp' and persons.person_name is not null then 1 else 0 end) = 1 as has_originating_vasp,
    max(case when persons.role_code = 'beneficiary_vasp' and persons.person_name is not null then 1 else 0 end) = 1 as has_beneficiary_vasp,
    {%- for role in ['originator', 'beneficiary'] %}
    min(case when persons.role_code = '{{ role }}' then coalesce(persons.country_code, persons.address_country_code) end) as {{ role }}_country_code,
    {%- endfor %}
    min(case when persons.role_code = 'originating_vasp' then persons.country_code end) as originating_vasp_country_code,
    min(case when persons.role_code = 'beneficiary_vasp' then persons.country_code end) as beneficiary_vasp_country_code
  from {{ ref('stg_travel_rule__persons') }} as persons
  inner join messages
    on persons.message_id = messages.message_id
    and persons.extract_id = messages.extract_id
  group by persons.message_id
),

transfers as (
  select transfer_id, transfer_type_code, tx_hash
  from {{ ref('int_transfers') }}
  where rail_code = 'crypto'
),

by_id as (
  select messages.message_id, transfers.transfer_id
  from messages
  inner join transfers on messages.transfer_id = transfers.transfer_id
),

-- A batched transaction pays several: the address says which.
by_chain as (
  select
    messages.message_id,
    min(transfers.transfer_id) as transfer_id,
    count(distinct transfers.transfer_id) as candidate_count
  from messages
  inner join transfers
    on {{ regex_replace('messages.tx_hash', '^0x', '') }} = {{ regex_replace('transfers.tx_hash', '^0x', '') }}
    and transfers.transfer_type_code = case messages.direction_code when 'outgoing' then 'withdrawal' else 'deposit' end
  inner join {{ ref('int_transfer_addresses') }} as addresses
    on transfers.transfer_id = addresses.transfer_id
    and messages.address = addresses.address
  group by messages.message_id
)

select
  messages.message_id,
  coalesce(by_id.transfer_id, by_chain.transfer_id) as transfer_id,
  case
    when by_id.transfer_id is not null then 'transfer_id'
    when by_chain.transfer_id is not null then 'tx_hash_address'
    else 'unmatched'
  end as match_status_code,
  case when by_id.transfer_id is not null then cast(1 as bigint) else coalesce(by_chain.candidate_count, 0) end as candidate_count,
  messages.direction_code,
  messages.status_code,
  messages.status_code not in ('REJECTED', 'DECLINED', 'CANCELLED') as is_standing,
  messages.asset_code,
  messages.amount,
  messages.created_at,
  messages.updated_at,
  messages.ivms_version_code,
  coalesce(people.person_count, 0) as person_count,
  coalesce(people.has_beneficiary_vasp, false) as has_beneficiary_vasp,
  case messages.direction_code
    when 'outgoing' then people.beneficiary_vasp_country_code
    else people.originating_vasp_country_code
  end as counterparty_vasp_country_code,
  case messages.direction_code when 'outgoing' then people.beneficiary_country_code else people.originator_country_code end as counterparty_country_code,
  nullif(concat_ws(
    ';',
    case when not coalesce(people.has_originator_name, false) then 'originator_name' end,
    case when not messages.has_originator_account then 'originator_account' end,
    case when not coalesce(people.has_originator_identity, false) then 'originator_identity' end,
    case when not coalesce(people.has_beneficiary_name, false) then 'beneficiary_name' end,
    case when not messages.has_beneficiary_account then 'beneficiary_account' end,
    case when not coalesce(people.has_originating_vasp, false) then 'originating_vasp' end
  ), '') as missing_fields,
  messages.first_known_at as known_at
from messages
left join people on messages.message_id = people.message_id
left join by_id on messages.message_id = by_id.message_id
left join by_chain on messages.message_id = by_chain.message_id
