-- The ledger as canonical tables: one temporary view for each file that is delivered.
create or replace temp view deposits as
select
    id as deposit_id, account_id, rail_code, asset_code, amount, chain_code,
    case when rail_code = 'crypto' then counterparty_id end as from_address,
    case when rail_code = 'crypto' then '0x' || substr(md5(account_id) || md5(chain_code || account_id), 1, 40) end as to_address,
    case when rail_code = 'crypto' then '0x' || md5(id) || md5('deposit' || id) end as tx_hash,
    case when rail_code = 'fiat' then 'REF' || id end as bank_reference,
    status_code, event_at,
    '10.' || account_no % 200 || '.' || movement_no % 7 || '.1' as ip_address,
    'device-' || account_no % 1000003 as device_id
from movements join accounts using (account_no)
where transfer_type_code = 'deposit';

create or replace temp view withdrawals as
select
    id as withdrawal_id, account_id, rail_code, asset_code, amount, cast(0 as decimal(38, 18)) as fee_amount, chain_code,
    case when rail_code = 'crypto' then counterparty_id end as to_address,
    case when rail_code = 'crypto' then '0x' || md5(id) || md5('withdrawal' || id) end as tx_hash,
    case when rail_code = 'fiat' then counterparty_id end as beneficiary_account,
    case when rail_code = 'fiat' then 'REF' || id end as bank_reference,
    status_code, event_at,
    '10.' || account_no % 200 || '.' || movement_no % 7 || '.1' as ip_address,
    'device-' || account_no % 1000003 as device_id
from movements join accounts using (account_no)
where transfer_type_code = 'withdrawal';

create or replace temp view internal_transfers as
select
    id as internal_transfer_id, mine.account_id as from_account_id, other.account_id as to_account_id, asset_code, amount,
    status_code, event_at
from movements
join accounts as mine on mine.account_no = movements.account_no
join accounts as other on other.account_no = other_account_no
where transfer_type_code = 'internal_transfer';

create or replace temp view trades as
select
    id as trade_id, account_id, case when movement_no % 2 = 0 then 'buy' else 'sell' end as side_code,
    asset_code as base_asset_code, 'USD' as quote_asset_code, amount as base_amount,
    cast(cast(amount as decimal(23, 8)) * cast(rate_usd as decimal(14, 8)) as decimal(38, 18)) as quote_amount,
    rate_usd as price, cast(0 as decimal(38, 18)) as fee_amount, event_at
from movements join accounts using (account_no)
where transfer_type_code = 'trade';

create or replace temp view parties as
select
    party_id, party_type_code, 'Party ' || party_id as legal_name, cast(null as date) as birth_date, residence_country_code,
    residence_country_code as nationality_country_code, 'full' as kyc_level_code, 'approved' as kyc_status_code,
    false as is_pep, cast(50000 as decimal(18, 2)) as declared_annual_income_amount, 'USD' as declared_income_ccy,
    cast(null as varchar) as occupation, segment_code, 'low' as risk_rating_code, date '2027-01-01' as next_review_date,
    opened_at as valid_from_at
from accounts
where party_id is not null
qualify row_number() over (partition by party_id order by account_no) = 1;

create or replace temp view party_accounts as
select
    account_id, party_id, 'spot' as account_type_code, opened_at, cast(null as timestamp) as closed_at, last_activity_at,
    opened_at as valid_from_at
from accounts
where party_id is not null;

create or replace temp view rates as
select asset_code, cast(day as date) as rate_date, rate_usd, 'benchmark' as source
from assets, unnest(generate_series(timestamp '2025-01-01', timestamp '2025-12-31', interval 1 day)) as days(day);
