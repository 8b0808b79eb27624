{#- The legs that count in windows: completed movements in or out of a party that KYC knows. A movement between two accounts of the
    same party is not one (own_transfers); trades move nothing across the party's boundary. -#}
{%- macro counted_legs(columns) -%}
select {{ columns | join(', ') }}
from {{ ref('int_transfer_legs') }}
where status_code = 'completed'
  and direction_code in ('in', 'out')
  and party_id is not null
  and transfer_id not in ({{ own_transfers() }})
{%- endmacro -%}

{#- Ids of the transfers whose two sides are the same party. -#}
{%- macro own_transfers() -%}
select transfer_id
from {{ ref('int_transfer_legs') }}
where transfer_type_code = 'internal_transfer' and party_id is not null
group by transfer_id
having count(*) > 1 and min(party_id) = max(party_id)
{%- endmacro -%}
