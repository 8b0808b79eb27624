{%- set windows = [('1h', '1 hour'), ('24h', '24 hours'), ('7d', '7 days'), ('30d', '30 days'), ('90d', '90 days')] -%}
with legs as (
  {{ counted_legs(['leg_id', 'transfer_id', 'party_id', 'direction_code', 'event_at', 'event_date', 'rail_code', 'asset_code', 'counterparty_id', 'counterparty_address']) }}
),

-- the country of a bank account is in its IBAN; an address has none
located as (
  select
    *,
    case
      when rail_code = 'fiat' and {{ regex_matches('counterparty_id', '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$') }} then substr(counterparty_id, 1, 2)
    end as country_code
  from legs
),

sided as (
  select
    *,
    {%- for side in ['in', 'out'] %}
    case when direction_code = '{{ side }}' then counterparty_id end as {{ side }}_counterparty,
    case when direction_code = '{{ side }}' then counterparty_address end as {{ side }}_address,
    case when direction_code = '{{ side }}' then asset_code end as {{ side }}_asset,
    case when direction_code = '{{ side }}' then country_code end as {{ side }}_country{% if not loop.last %},{% endif %}
    {%- endfor %}
  from located
)

select
  leg_id,
  transfer_id,
  party_id,
  direction_code,
  event_at,
  event_date,
  cast(country_code as string) as counterparty_country_code
  {%- for name, length in windows %}
  {%- for side in ['in', 'out'] %}
  {%- for what in ['counterparty', 'address', 'asset', 'country'] %},
  {{ count_distinct_over(side ~ '_' ~ what, rolling('party_id', length)) }} as {{ side }}_{{ what }}_count_{{ name }}
  {%- endfor %}
  {%- endfor %}
  {%- endfor %}
from sided
