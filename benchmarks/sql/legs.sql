-- The movements as conformed legs, as intermediate.int_transfer_legs has them; one movement in 499 cannot be valued.
create or replace table intermediate.int_transfer_legs as
with sides as (
    select
        *,
        case transfer_type_code when 'deposit' then 'in' when 'trade' then 'none' else 'out' end as direction_code,
        account_no as side_no,
        other_account_no as counter_no
    from movements
    union all
    select *, 'in' as direction_code, other_account_no as side_no, account_no as counter_no
    from movements
    where transfer_type_code = 'internal_transfer'
)

select
    'exchange:' || transfer_type_code || ':' || id || ':' || direction_code as leg_id,
    'exchange:' || transfer_type_code || ':' || id as transfer_id,
    direction_code,
    'exchange' as source_code,
    transfer_type_code,
    case transfer_type_code when 'trade' then 'trade' when 'internal_transfer' then 'internal' else sides.rail_code end as rail_code,
    status_code,
    mine.account_id,
    mine.party_id,
    mine.opened_at as account_opened_at,
    mine.last_activity_at,
    mine.party_type_code,
    mine.segment_code,
    mine.residence_country_code,
    mine.jurisdiction_code,
    cast(null as decimal(18, 2)) as declared_annual_income_usd,
    false as is_pep,
    'approved' as kyc_status_code,
    'low' as risk_rating_code,
    asset_code,
    amount,
    rate_usd,
    case when movement_no % 499 <> 0 then
        cast(round(cast(amount as decimal(23, 8)) * cast(rate_usd as decimal(14, 8)), 2) as decimal(18, 2))
    end as amount_usd,
    event_at,
    cast(event_at as date) as event_date,
    chain_code,
    cast(null as varchar) as tx_hash,
    case transfer_type_code when 'trade' then null when 'internal_transfer' then other.account_id else counterparty_id end as counterparty_id,
    case when transfer_type_code in ('deposit', 'withdrawal') and rail_code = 'crypto' then counterparty_id end as counterparty_address,
    case transfer_type_code when 'internal_transfer' then 2 else 1 end as legs_expected,
    cast(null as varchar) as ip_address,
    cast(null as varchar) as device_id,
    cast(cast(event_at as date) + 1 as timestamp) + interval 2 hours as known_at
from sides
join accounts as mine on mine.account_no = side_no
join accounts as other on other.account_no = counter_no;
