"""The synthetic ledger as a source delivers it: canonical Parquet files with a manifest.

Belongs here: writing files in the documented format. The totals are counted in SQL, not with the loader's code.
"""

import hashlib
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.ledger import execute

# file: (view of sql/canonical.sql, key, day, asset, amount)
EXCHANGE = {
    "deposits": ("deposits", "deposit_id", "cast(event_at as date)", "asset_code", "amount"),
    "withdrawals": ("withdrawals", "withdrawal_id", "cast(event_at as date)", "asset_code", "amount"),
    "internal_transfers": (
        "internal_transfers", "internal_transfer_id", "cast(event_at as date)", "asset_code", "amount"
    ),
    "trades": ("trades", "trade_id", "cast(event_at as date)", "base_asset_code", "base_amount"),
}  # fmt: skip
KYC = {
    "parties": ("parties", "party_id", "null", "null", "null"),
    "accounts": ("party_accounts", "account_id", "null", "null", "null"),
}
PRICES = {"rates": ("rates", "asset_code || ':' || rate_date", "rate_date", "asset_code", "rate_usd")}
ALL = "true"


def write_ledger(connection: duckdb.DuckDBPyConnection, bucket: Path, tables: tuple[str, ...] = tuple(EXCHANGE)) -> int:
    """Writes the movements of `connection` below `bucket`, one delivery a month of all `tables`; returns their rows."""
    execute(connection, "canonical")
    months = connection.execute(
        "select distinct last_day(event_at), date_trunc('month', event_at) from movements order by 1"
    ).fetchall()
    return sum(
        _deliver(
            connection,
            bucket,
            last_day,
            {name: EXCHANGE[name] for name in tables},
            f"date_trunc('month', event_at) = timestamp '{month}'",
        )
        for last_day, month in months
    )


def write_reference(connection: duckdb.DuckDBPyConnection, kyc: Path, prices: Path) -> None:
    """Writes customers, accounts, and a rate for each asset and day; one delivery each, the day before the ledger."""
    execute(connection, "canonical")
    (first,) = connection.execute("select cast(min(event_at) as date) - 1 from movements").fetchone()
    _deliver(connection, kyc, first, KYC, ALL)
    _deliver(connection, prices, first, PRICES, ALL)


def _deliver(connection: duckdb.DuckDBPyConnection, bucket: Path, day: date, tables: dict, where: str) -> int:
    folder = bucket / f"delivery={day}"
    folder.mkdir(parents=True)
    files = []
    for name, (view, *total) in tables.items():
        path = folder / f"{name}.parquet"
        connection.execute(f"copy (from {view} where {where}) to '{path}' (format parquet)").fetchall()
        files.append(
            {
                "name": path.name,
                "table": name,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "totals": _totals(connection, path, *total),
            }
        )
    delivered_at = datetime(day.year, day.month, day.day) + timedelta(hours=26)
    manifest = {"delivered_at": f"{delivered_at.isoformat()}Z", "business_date": str(day), "files": files}
    (folder / "_manifest.json").write_text(json.dumps(manifest))
    return sum(total["rows"] for file in files for total in file["totals"])


def _totals(connection: duckdb.DuckDBPyConnection, path: Path, key: str, day: str, asset: str, amount: str) -> list:
    found = connection.execute(
        f"""
        select {day}, {asset}, count(*), sum(amount_),
            sum(cast('0x' || substr(md5({key} || '|' || coalesce(cast(amount_ as varchar), '')), 1, 15) as bigint))
        from (select *, cast({amount} as decimal(38, 18)) as amount_ from read_parquet('{path}'))
        group by 1, 2
        order by 1, 2
        """  # noqa: S608 (names of this module)
    ).fetchall()
    return [
        {
            "event_date": None if event_date is None else str(event_date),
            "asset_code": asset_code,
            "rows": rows,
            "amount": None if amount_sum is None else str(amount_sum),
            "hash": str(int(digest)),
        }
        for event_date, asset_code, rows, amount_sum, digest in found
    ]
