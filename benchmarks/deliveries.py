"""The synthetic ledger as a source delivers it: canonical Parquet files with a manifest, one folder a month.

Belongs here: writing files in the documented format. The totals are counted in SQL, not with the loader's code.
"""

import hashlib
import json
from pathlib import Path

import duckdb

from benchmarks.ledger import COUNTERPARTY

_COUNTERPARTY = COUNTERPARTY.strip()

# table: (columns, where, key, day, asset, amount)
EXCHANGE = {
    "deposits": (
        f"""id as deposit_id, account_id, rail_code, asset_code, cast(amount as decimal(38, 18)) as amount, chain_code,
        case when rail_code = 'crypto' then {_COUNTERPARTY} end as from_address,
        case when rail_code = 'crypto' then '0x' || substr(md5(account_id) || md5(chain_code || account_id), 1, 40) end as to_address,
        case when rail_code = 'crypto' then '0x' || md5(id) || md5('deposit' || id) end as tx_hash,
        case when rail_code = 'fiat' then 'REF' || id end as bank_reference,
        status_code, event_at, '10.' || account_no % 200 || '.' || movement_no % 7 || '.1' as ip_address,
        'device-' || account_no % 1000003 as device_id""",
        "transfer_type_code = 'deposit'",
        ("deposit_id", "cast(event_at as date)", "asset_code", "amount"),
    ),
    "withdrawals": (
        f"""id as withdrawal_id, account_id, rail_code, asset_code, cast(amount as decimal(38, 18)) as amount,
        cast(0 as decimal(38, 18)) as fee_amount, chain_code,
        case when rail_code = 'crypto' then {_COUNTERPARTY} end as to_address,
        case when rail_code = 'crypto' then '0x' || md5(id) || md5('withdrawal' || id) end as tx_hash,
        case when rail_code = 'fiat' then {_COUNTERPARTY} end as beneficiary_account,
        case when rail_code = 'fiat' then 'REF' || id end as bank_reference,
        status_code, event_at, '10.' || account_no % 200 || '.' || movement_no % 7 || '.1' as ip_address,
        'device-' || account_no % 1000003 as device_id""",
        "transfer_type_code = 'withdrawal'",
        ("withdrawal_id", "cast(event_at as date)", "asset_code", "amount"),
    ),
    "internal_transfers": (
        """id as internal_transfer_id, account_id as from_account_id,
        'A' || lpad(cast(other_account_no as varchar), 9, '0') as to_account_id, asset_code,
        cast(amount as decimal(38, 18)) as amount, status_code, event_at""",
        "transfer_type_code = 'internal_transfer'",
        ("internal_transfer_id", "cast(event_at as date)", "asset_code", "amount"),
    ),
    "trades": (
        """id as trade_id, account_id, 'buy' as side_code, asset_code as base_asset_code, 'USD' as quote_asset_code,
        cast(amount as decimal(38, 18)) as base_amount,
        cast(cast(amount as decimal(23, 8)) * cast(rate_usd as decimal(14, 8)) as decimal(38, 18)) as quote_amount,
        rate_usd as price, cast(0 as decimal(38, 18)) as fee_amount, event_at""",
        "transfer_type_code = 'trade'",
        ("trade_id", "cast(event_at as date)", "base_asset_code", "base_amount"),
    ),
}

KYC = {
    "parties": (
        """party_id, party_type_code, 'Party ' || party_id as legal_name, cast(null as date) as birth_date,
        residence_country_code, residence_country_code as nationality_country_code, 'full' as kyc_level_code,
        'approved' as kyc_status_code, false as is_pep, cast(50000 as decimal(18, 2)) as declared_annual_income_amount,
        'USD' as declared_income_ccy, cast(null as varchar) as occupation, segment_code, 'low' as risk_rating_code,
        date '2027-01-01' as next_review_date, opened_at as valid_from_at""",
        "party_id is not null qualify row_number() over (partition by party_id order by account_no) = 1",
        ("party_id", "cast(null as date)", "cast(null as varchar)", "cast(null as decimal(38, 18))"),
    ),
    "accounts": (
        """account_id, party_id, 'spot' as account_type_code, opened_at, cast(null as timestamp) as closed_at,
        last_activity_at, opened_at as valid_from_at""",
        "party_id is not null",
        ("account_id", "cast(null as date)", "cast(null as varchar)", "cast(null as decimal(38, 18))"),
    ),
}

PRICES = {
    "rates": (
        "asset_code, cast(day as date) as rate_date, rate_usd, 'benchmark' as source",
        "true",
        ("asset_code", "rate_date", "asset_code", "rate_usd"),
    ),
}


def write_ledger(connection: duckdb.DuckDBPyConnection, bucket: Path, tables: tuple[str, ...] = tuple(EXCHANGE)) -> int:
    """Writes the movements of `connection` below `bucket`, one delivery a month of all `tables`; returns their rows."""
    rows = 0
    months = connection.execute("select distinct date_trunc('month', event_at) from movements order by 1").fetchall()
    for (month,) in months:
        source = (
            "(select movements.*, accounts.account_id from movements join accounts using (account_no) "
            f"where date_trunc('month', event_at) = timestamp '{month}')"
        )
        last_day = connection.execute(f"select last_day(timestamp '{month}')").fetchone()[0]
        rows += _deliver(connection, bucket, last_day, {name: EXCHANGE[name] for name in tables}, source)
    return rows


def write_reference(connection: duckdb.DuckDBPyConnection, kyc: Path, prices: Path) -> None:
    """Writes customers, accounts and a rate for each asset and day, one delivery each, dated before the ledger's first."""
    first = connection.execute("select cast(min(event_at) as date) - 1 from movements").fetchone()[0]
    _deliver(connection, kyc, first, KYC, "accounts")
    days = (
        "(select * from assets, unnest(generate_series("
        "(select min(event_at)::date from movements), (select max(event_at)::date from movements), interval 1 day)) as d(day))"
    )
    _deliver(connection, prices, first, PRICES, days)


def _deliver(connection: duckdb.DuckDBPyConnection, bucket: Path, day, tables: dict, source: str) -> int:
    folder = bucket / f"delivery={day}"
    folder.mkdir(parents=True)
    files = []
    for table, (columns, where, total) in tables.items():
        path = folder / f"{table}.parquet"
        connection.execute(f"copy (select {columns} from {source} where {where}) to '{path}' (format parquet)").fetchall()
        files.append(
            {
                "name": path.name,
                "table": table,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "totals": _totals(connection, path, total),
            }
        )
    delivered_at = connection.execute(f"select timestamp '{day} 00:00:00' + interval 26 hours").fetchone()[0]
    manifest = {"delivered_at": f"{delivered_at.isoformat()}Z", "business_date": str(day), "files": files}
    (folder / "_manifest.json").write_text(json.dumps(manifest))
    return sum(total["rows"] for file in files for total in file["totals"])


def _totals(connection: duckdb.DuckDBPyConnection, path: Path, total: tuple[str, str, str, str]) -> list[dict]:
    key, day, asset, amount = total
    found = connection.execute(
        f"""
        select {day}, {asset}, count(*), sum({amount}),
            sum(cast('0x' || substr(md5({key} || '|' || coalesce(cast({amount} as varchar), '')), 1, 15) as bigint))
        from read_parquet('{path}') group by 1, 2 order by 1, 2
        """  # noqa: S608 (constants of this module)
    ).fetchall()
    return [
        {
            "event_date": None if event_date is None else str(event_date),
            "asset_code": asset_code,
            "rows": rows,
            "amount": None if amount is None else str(amount),
            "hash": str(int(digest)),
        }
        for event_date, asset_code, rows, amount, digest in found
    ]
