"""A synthetic exchange ledger by seed: heavy-tailed, with ties, several accounts a party, and movements that do not count.

Belongs here: the movements and their two forms, the conformed legs and the canonical tables a loader reads. Not here:
believable customers and planted cases, which are the sandbox's.
"""

import duckdb
import numpy as np
import pyarrow as pa

DAYS = 365
FIRST_DAY = "2025-01-01"
MOVEMENTS_PER_ACCOUNT = 50
BUSIEST_SHARE = 0.0025  # 25,000 of 10 million
ASSETS = (
    # code, rail, chain, 1 unit in USD
    ("USD", "fiat", None, "1"),
    ("EUR", "fiat", None, "1.0812"),
    ("BTC", "crypto", "bitcoin", "64210.25"),
    ("ETH", "crypto", "ethereum", "3120.5"),
    ("USDC", "crypto", "ethereum", "1"),
)


def create_movements(connection: duckdb.DuckDBPyConnection, legs: int, seed: int, only_deposits: bool = False) -> None:
    """Creates the temporary tables `movements`, `accounts` and `assets`. The movements have exactly `legs` sides in all:
    an internal transfer has two. Same arguments, same rows.

    Activity by account is lognormal (sigma 1.8) up to BUSIEST_SHARE, a tenth of an account's movements fall into one hour
    and 3 % onto one instant (ties), USD values are lognormal with a hump just under 10,000."""
    generator = np.random.default_rng(seed)
    internal = 0 if only_deposits else int(legs * 0.075)
    count = legs - internal
    account_count = max(20, count // MOVEMENTS_PER_ACCOUNT)

    weights = np.exp(generator.normal(0.0, 1.8, account_count))
    edges = np.cumsum(np.minimum(weights, weights.sum() * BUSIEST_SHARE))
    account = _draw(generator, edges, count)
    other = _draw(generator, edges, count)
    other = np.where(other == account, (other + 1) % account_count, other)

    second = generator.integers(0, DAYS * 86_400, count)
    burst = generator.integers(0, DAYS * 86_400 - 3_600, account_count)[account]
    second = np.where(generator.random(count) < 0.10, burst + generator.integers(0, 3_600, count), second)
    second = np.where(generator.random(count) < 0.03, burst, second)

    kind = generator.choice(3, count, p=(1, 0, 0) if only_deposits else (0.49, 0.46, 0.05)).astype(np.int8)
    kind[:internal] = 3
    cents = np.minimum(np.exp(generator.normal(5.5, 1.6, count)) * 100, 5e9).astype(np.int64) + 1
    hump = generator.integers(850_000, 1_000_000, count)
    cents = np.where(generator.random(count) < 0.02, hump, cents)

    own_counterparty = (account.astype(np.int64) * 7_919 + (generator.random(count) ** 2 * 25).astype(np.int64)) % 10**9
    known_to_all = 10**9 + (generator.random(count) ** 3 * max(10, count // 20)).astype(np.int64)
    counterparty = np.where(generator.random(count) < 0.7, own_counterparty, known_to_all)

    drawn = pa.table(
        {
            "movement_no": pa.array(np.arange(1, count + 1)),
            "kind": kind,
            "account_no": account.astype(np.int32),
            "other_account_no": other.astype(np.int32),
            "second": second,
            "asset_no": generator.choice(len(ASSETS), count, p=[0.35, 0.15, 0.2, 0.15, 0.15]).astype(np.int8),
            "cents": cents,
            "counterparty_no": counterparty,
            "is_completed": generator.random(count) < 0.97,
        }
    )
    assets = pa.table(
        {
            "asset_no": pa.array(range(len(ASSETS)), pa.int8()),
            **{name: [asset[n] for asset in ASSETS] for n, name in enumerate(("asset_code", "rail_code", "chain_code"))},
            "rate_text": [asset[3] for asset in ASSETS],
        }
    )
    connection.register("drawn", drawn)
    connection.register("assets_drawn", assets)
    connection.execute(
        "create or replace temp table assets as "
        "select asset_no, asset_code, rail_code, chain_code, cast(rate_text as decimal(38, 18)) as rate_usd, "
        "cast(cast(rate_text as decimal(20, 8)) * 100000000 as bigint) as rate_e8 from assets_drawn"
    ).fetchall()
    connection.execute(_ACCOUNTS, {"accounts": account_count}).fetchall()
    connection.execute(_MOVEMENTS, {"first_day": FIRST_DAY}).fetchall()
    connection.unregister("drawn")
    connection.unregister("assets_drawn")


def _draw(generator: np.random.Generator, edges: np.ndarray, count: int) -> np.ndarray:
    return np.searchsorted(edges, generator.random(count) * edges[-1]).clip(max=len(edges) - 1)


# Every twentieth party has a second account; one account in two hundred is unknown to KYC.
_ACCOUNTS = """
create or replace temp table accounts as
select
    cast(n as integer) as account_no,
    'A' || lpad(cast(n as varchar), 9, '0') as account_id,
    case when n % 200 <> 7 then 'P' || lpad(cast(case when n % 20 = 1 then n - 1 else n end as varchar), 9, '0') end as party_id,
    case when n % 11 = 0 then 'company' else 'person' end as party_type_code,
    case when n % 11 = 0 then 'business' when n % 17 = 0 then 'professional' else 'retail' end as segment_code,
    case n % 4 when 0 then 'US' when 1 then 'DE' when 2 then 'GB' else 'SG' end as residence_country_code,
    case n % 4 when 0 then 'US' when 1 then 'EU' when 2 then 'UK' else 'SG' end as jurisdiction_code,
    timestamp '2023-06-01' + to_hours(n % 9000) as opened_at,
    case when n % 3 = 0 then timestamp '2024-03-01' + to_hours(n % 7000) end as last_activity_at
from range($accounts) as r(n)
"""

# Amounts have 8 decimals and are exact: whole hundred-millionths of a unit, never a float.
_MOVEMENTS = """
create or replace temp table movements as
select
    movement_no,
    ['deposit', 'withdrawal', 'trade', 'internal_transfer'][kind + 1] as transfer_type_code,
    case kind when 0 then 'D' when 1 then 'W' when 2 then 'T' else 'I' end || lpad(cast(movement_no as varchar), 12, '0') as id,
    account_no,
    other_account_no,
    asset_code,
    rail_code,
    chain_code,
    rate_usd,
    cast((cast(cents as hugeint) * 100000000000000) // rate_e8 + 1 as decimal(28, 0))
        * cast(0.00000001 as decimal(9, 8)) as amount,
    counterparty_no,
    case when is_completed then 'completed' when movement_no % 2 = 0 then 'failed' else 'pending' end as status_code,
    cast($first_day as timestamp) + to_seconds(second) as event_at
from drawn join assets using (asset_no)
order by movement_no
"""

COUNTERPARTY = """
case rail_code
    when 'fiat' then 'DE' || lpad(cast(counterparty_no % 97 as varchar), 2, '0') || lpad(cast(counterparty_no as varchar), 18, '0')
    else '0x' || substr(md5(cast(counterparty_no as varchar)) || md5(cast(counterparty_no + 1 as varchar)), 1, 40)
end
"""

_SIDE = f"""
select
    'exchange:' || transfer_type_code || ':' || id as transfer_id,
    {{direction}} as direction_code,
    'exchange' as source_code,
    transfer_type_code,
    case transfer_type_code when 'trade' then 'trade' when 'internal_transfer' then 'internal' else rail_code end as rail_code,
    status_code,
    {{account}} as side_account_no,
    asset_code,
    cast(amount as decimal(38, 18)) as amount,
    rate_usd,
    case when movement_no % 499 <> 0 then
        cast(round(cast(amount as decimal(23, 8)) * cast(rate_usd as decimal(14, 8)), 2) as decimal(18, 2))
    end as amount_usd,
    event_at,
    cast(event_at as date) as event_date,
    chain_code,
    {{counterparty}} as counterparty_id,
    case transfer_type_code when 'internal_transfer' then 2 else 1 end as legs_expected
from movements
where {{where}}
"""  # noqa: S608 (constants of this module)


def create_legs(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Creates the table `relation` with the columns of the conformed transfer legs, in no useful order (as the ledger
    delivers them: by transfer, not by party)."""
    other = "(select account_id from accounts where accounts.account_no = movements.{})"
    sides = [
        _SIDE.format(
            direction="case transfer_type_code when 'deposit' then 'in' when 'withdrawal' then 'out' else 'none' end",
            account="account_no",
            counterparty=f"case when transfer_type_code <> 'trade' then {COUNTERPARTY} end",
            where="transfer_type_code <> 'internal_transfer'",
        ),
        *(
            _SIDE.format(
                direction=f"'{direction}'",
                account=account,
                counterparty=other.format(counter),
                where="transfer_type_code = 'internal_transfer'",
            )
            for direction, account, counter in (
                ("out", "account_no", "other_account_no"),
                ("in", "other_account_no", "account_no"),
            )
        ),
    ]
    connection.execute(
        f"""
        create or replace table {relation} as
        select
            transfer_id || ':' || direction_code as leg_id, transfer_id, direction_code, source_code, transfer_type_code,
            rail_code, status_code, account_id, party_id, opened_at as account_opened_at, last_activity_at,
            party_type_code, segment_code, residence_country_code, jurisdiction_code,
            cast(null as decimal(18, 2)) as declared_annual_income_usd, false as is_pep, 'approved' as kyc_status_code,
            'low' as risk_rating_code, asset_code, amount, rate_usd, amount_usd, event_at, event_date, chain_code,
            cast(null as varchar) as tx_hash, counterparty_id,
            case rail_code when 'crypto' then counterparty_id end as counterparty_address,
            legs_expected, cast(null as varchar) as ip_address, cast(null as varchar) as device_id,
            cast(event_date + 1 as timestamp) + interval 2 hours as known_at
        from ({' union all '.join(sides)}) join accounts on accounts.account_no = side_account_no
        """  # noqa: S608 (constants of this module)
    ).fetchall()
