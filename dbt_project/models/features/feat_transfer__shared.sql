{%- set kinds = ['device', 'ip', 'bank_account', 'payout_address'] -%}
with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'rail_code', 'counterparty_id', 'ip_address', 'device_id']) }}
),

hosting as (
  select leg_id, hosting_code from {{ ref('feat_transfer__counterparty') }}
),

-- an address of a service is paid to by many who have nothing to do with each other
identified as (
  select
    legs.*,
    legs.device_id as device_value,
    legs.ip_address as ip_value,
    case when legs.rail_code = 'fiat' then legs.counterparty_id end as bank_account_value,
    case
      when legs.rail_code = 'crypto' and legs.direction_code = 'out' and hosting.hosting_code is distinct from 'hosted' then legs.counterparty_id
    end as payout_address_value
  from legs
  left join hosting
    on hosting.leg_id = legs.leg_id
),

{%- for kind in kinds %}

{{ kind }}s as (
  select
    leg_id,
    {{ count_distinct_over('party_id', rolling(kind ~ '_value', '30 days')) }} as {{ kind }}_party_count_30d
  from identified
  where {{ kind }}_value is not null
),
{%- endfor %}

counted as (
  select
    identified.*,
    {%- for kind in kinds %}
    {{ kind }}s.{{ kind }}_party_count_30d{{ ',' if not loop.last }}
    {%- endfor %}
  from identified
  {%- for kind in kinds %}
  left join {{ kind }}s
    on {{ kind }}s.leg_id = identified.leg_id
  {%- endfor %}
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  {%- for kind in kinds %}
  {{ kind }}_value as {{ kind }},
  {{ kind }}_party_count_30d,
  {%- endfor %}
  case
    when {% for kind in kinds %}{{ kind }}_value is not null{{ ' or ' if not loop.last }}{% endfor %} then
      greatest({% for kind in kinds %}coalesce({{ kind }}_party_count_30d, 0){{ ', ' if not loop.last }}{% endfor %})
  end as shared_party_count_30d
from counted
