-- From the drawn numbers (drawn, drawn_accounts, drawn_assets) to a ledger: temporary tables assets, accounts, movements.
create or replace temp table assets as
select
    asset_no, asset_code, rail_code, chain_code,
    cast(rate_text as decimal(38, 18)) as rate_usd,
    cast(cast(rate_text as decimal(20, 8)) * 100000000 as bigint) as rate_e8
from drawn_assets;

-- Every twentieth party has a second account; one account in two hundred is unknown to KYC.
create or replace temp table accounts as
select
    account_no,
    'A' || lpad(cast(account_no as varchar), 9, '0') as account_id,
    case when account_no % 200 <> 7 then
        'P' || lpad(cast(case when account_no % 20 = 1 then account_no - 1 else account_no end as varchar), 9, '0')
    end as party_id,
    case when account_no % 11 = 0 then 'company' else 'person' end as party_type_code,
    case when account_no % 11 = 0 then 'business' when account_no % 17 = 0 then 'professional' else 'retail' end as segment_code,
    case account_no % 4 when 0 then 'US' when 1 then 'DE' when 2 then 'GB' else 'SG' end as residence_country_code,
    case account_no % 4 when 0 then 'US' when 1 then 'EU' when 2 then 'UK' else 'SG' end as jurisdiction_code,
    timestamp '2023-06-01' + to_hours(account_no % 9000) as opened_at,
    case when account_no % 3 = 0 then timestamp '2024-03-01' + to_hours(account_no % 7000) end as last_activity_at
from drawn_accounts;

-- An amount is a whole number of hundred-millionths of a unit, never a float.
create or replace temp table movements as
select
    movement_no,
    ['deposit', 'withdrawal', 'trade', 'internal_transfer'][kind + 1] as transfer_type_code,
    ['D', 'W', 'T', 'I'][kind + 1] || lpad(cast(movement_no as varchar), 12, '0') as id,
    account_no, other_account_no, asset_code, rail_code, chain_code, rate_usd,
    cast(
        cast(cast(cents as hugeint) * 100000000000000 // rate_e8 + 1 as decimal(28, 0)) * cast(0.00000001 as decimal(9, 8))
        as decimal(38, 18)
    ) as amount,
    case rail_code
        when 'fiat' then
            'DE' || lpad(cast(counterparty_no % 97 as varchar), 2, '0') || lpad(cast(counterparty_no as varchar), 18, '0')
        else '0x' || substr(md5(cast(counterparty_no as varchar)) || md5(cast(counterparty_no + 1 as varchar)), 1, 40)
    end as counterparty_id,
    case when is_completed then 'completed' when movement_no % 2 = 0 then 'failed' else 'pending' end as status_code,
    timestamp '2025-01-01' + to_seconds(second) as event_at
from drawn
join assets using (asset_no)
order by movement_no;
