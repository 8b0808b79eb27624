"""The main job seen from outside: how tests call it, bring it new deliveries, and compare two warehouses."""

import hashlib
import json
import os
import sys
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parents[1]
SMALL_WORLD = ("--customers", "120", "--days", "20", "--seed", "11")
# Names of a load, a run or a moment of our own clock; everything else must be the same in two equal warehouses.
OWN_CLOCK_COLUMNS = {"_dlt_load_id", "_dlt_id"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "orchestration.cli", *arguments]


def environment(home: Path, code: Path = REPOSITORY, **more: str) -> dict[str, str]:
    """The environment of a run on `home` with the code in `code`."""
    path = os.pathsep.join(filter(None, [str(code), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PLUMBLINE_HOME": str(home), "PYTHONPATH": path, **more}


def deliver_one_more_day(home: Path) -> None:
    """Lets the sandbox exchange of a finished data directory live for one day more, on which a customer structures
    three deposits: two of the day before, known late, and one of the new day."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        ((account,),) = connection.execute(
            "select account_id from intermediate.int_transfer_legs where segment_code = 'retail' "
            "and jurisdiction_code = 'EU' group by account_id order by count(*) desc, account_id limit 1"
        ).fetchall()
    folder = home / "sandbox/landing/exchange/delivery=2026-01-21"
    folder.mkdir()
    rows = [
        f"MORE-{amount},{account},fiat,EUR,{amount},,,,,,completed,{at},,"
        for amount, at in (
            (9500, "2026-01-20T10:00:00Z"),
            (9600, "2026-01-20T20:00:00Z"),
            (9700, "2026-01-21T09:00:00Z"),
        )
    ]
    columns = (
        "deposit_id,account_id,rail_code,asset_code,amount,chain_code,from_address,to_address,tx_hash,bank_reference,"
        "status_code,event_at,ip_address,device_id"
    )
    (folder / "deposits.csv").write_text("\n".join([columns, *rows]) + "\n")
    stamp = home / "sandbox/world.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"days": 21}))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprints(warehouse: Path) -> dict[str, str]:
    """A hash of the content of every table, whatever the order of its rows, without our own clock's columns."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' "
            "and not starts_with(table_name, '_dlt') and not ends_with(table_schema, '_staging') order by all"
        ).fetchall()
        found = {}
        for schema, table in tables:
            relation = connection.table(f'"{schema}"."{table}"')
            columns = [f'"{name}"' for name in relation.columns if name not in OWN_CLOCK_COLUMNS]
            rows = sorted(map(repr, relation.project(", ".join(columns)).fetchall()))
            found[f"{schema}.{table}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found
