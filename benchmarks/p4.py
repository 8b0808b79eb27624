"""P4: nested vendor answers into four tables through dlt, against a bare DuckDB read_json and flatten.

The technique under measurement: DuckDB reads and unnests the answers file by file, and the project's resources get the
outcome as Arrow. No answer ever becomes a Python object.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dlt
import duckdb
import pyarrow as pa

from benchmarks.equality import assert_equal
from benchmarks.measure import Comparison, Cost, Result, interleave, timed
from benchmarks.memory import growth
from benchmarks.p3 import fresh_home

FEED = "vendor"
GOAL = 0.5
RECORDS_A_FILE = 100_000
LOADER, BARE = "loader (DuckDB to Arrow to dlt)", "DuckDB read_json and flatten"
KNOWN_AT = datetime(2026, 1, 1)
COLUMNS = {
    "id": "VARCHAR",
    "updatedAt": "TIMESTAMP",
    "asset": "VARCHAR",
    "amount": "DECIMAL(38,18)",
    "subject": "STRUCT(account VARCHAR, address VARCHAR)",
    "exposures": "STRUCT(category VARCHAR, direction VARCHAR, amount DECIMAL(38,18))[]",
    "alerts": "STRUCT(id VARCHAR, severity VARCHAR, raisedAt TIMESTAMP)[]",
    "clusters": "STRUCT(name VARCHAR, category VARCHAR)[]",
}
TABLES = {
    "answers": "select id, updatedAt as updated_at, asset, amount, subject.account as account_id, "
    "subject.address as address from {source}",
    "exposures": "select id, e.category, e.direction, e.amount from {source}, unnest(exposures) as u(e)",
    "alerts": "select id, a.id as alert_id, a.severity, a.raisedAt as raised_at from {source}, unnest(alerts) as u(a)",
    "clusters": "select id, c.name, c.category from {source}, unnest(clusters) as u(c)",
}
NOTES = (
    "Both sides read the same NDJSON files with the columns declared; the baseline flattens them in one file after the "
    "other into four tables of a fresh file and closes it.",
    "The loader also adds known-at time, extract and position to every row, checks the columns of each batch against "
    "the declared ones, writes Parquet in between, and commits the four tables as one package.",
)


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P4 with `rows` answers. Raises AssertionError where the two sides differ."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p4_") as name:
        folder = Path(name)
        source, bare, home = folder / "answers", folder / "bare.duckdb", folder / "home"
        write_answers(rows, source, seed)
        load(source, folder / "first")  # imports and first configuration are a cost of the run (P9), not of a row
        costs, checked = interleave(
            {LOADER: lambda: load(source, home), BARE: lambda: flatten(source, bare)},
            repetitions,
            lambda: check_equal(home / "warehouse.duckdb", bare),
        )
        grown = growth(LOADER, rows, load, lambda size, where: write_answers(size, where, seed), folder)
    return Result(
        goal="P4",
        title="Nested vendor JSON into four tables",
        rows=rows,
        costs=costs,
        comparisons=[Comparison(LOADER, BARE, GOAL, of_speed=True, remark="the loader does more, see below")],
        growths=[grown],
        checked=checked,
        notes=list(NOTES),
    )


def write_answers(rows: int, folder: Path, seed: int) -> None:
    """Nested answers as NDJSON, RECORDS_A_FILE a file: 0 to 3 exposures, and alerts and clusters on some."""
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for start in range(0, rows, RECORDS_A_FILE):
            end = min(start + RECORDS_A_FILE, rows)
            connection.execute(
                f"""
                copy (
                    with numbers as (
                        select n, cast(hash(n, {seed}) >> 2 as bigint) as h from range({start}, {end}) as r(n)
                    )
                    select
                        'T' || n as id,
                        timestamp '2026-01-01' + to_seconds(n % 86400) as "updatedAt",
                        ['BTC', 'ETH', 'USDT'][1 + h % 3] as asset,
                        cast(cast(h % 100000000 as decimal(38, 18)) / 1000 as varchar) as amount,
                        {{'account': 'A' || h % 50000, 'address': md5(cast(h as varchar))}} as subject,
                        [{{'category': 'c' || (h + e) % 40, 'direction': ['in', 'out'][1 + (h + e) % 2],
                           'amount': cast((h + e) % 9999 as varchar)}} for e in range(h % 4)] as exposures,
                        [{{'id': n || '-' || a, 'severity': 'high', 'raisedAt': timestamp '2026-01-02'}}
                            for a in range(cast(h % 10 = 0 as bigint))] as alerts,
                        [{{'name': 'cluster ' || h % 1000, 'category': 'exchange'}}
                            for c in range(h % 2)] as clusters
                    from numbers
                ) to '{folder / f"{start:012}.json"}' (format json)
                """  # noqa: S608 (numbers and a path of this module)
            ).fetchall()


def vendor_source(folder: Path) -> dlt.sources.DltSource:
    """The four tables as the project's resources."""
    from ingestion import records

    schemas = {name: schema_of(query) for name, query in TABLES.items()}

    @dlt.source(name=FEED, section=FEED)
    def source():
        for name, schema in schemas.items():
            contract = records.VENDOR
            yield records.resource(name, schema, lambda name=name: batches(folder, TABLES[name]), contract=contract)

    return source()


def schema_of(query: str) -> pa.Schema:
    """The Arrow schema of a table, as DuckDB flattens an answer."""
    with duckdb.connect() as connection:
        declared = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        connection.execute(f"create table answer ({declared})")
        return connection.sql(query.format(source="answer")).to_arrow_table().schema


def batches(folder: Path, query: str) -> Iterator[pa.Table]:
    """One table's rows, a file at a time, with the common columns."""
    from ingestion import records

    with duckdb.connect() as connection:
        for path in sorted(folder.glob("*.json")):
            found = connection.sql(
                query.format(source="read_json($path, format = 'newline_delimited', columns = $columns)"),
                params={"path": str(path), "columns": COLUMNS},
            ).to_arrow_table()
            yield records.stamp(found, KNOWN_AT, path.name)


def load(folder: Path, home: Path) -> Cost:
    """The cost of one load of all four tables into a fresh warehouse below `home`."""
    from ingestion import pipeline

    with fresh_home(home):
        return timed(lambda: pipeline.run(vendor_source(folder), FEED))


def flatten(folder: Path, database: Path) -> Cost:
    """The cost of opening a fresh file, reading and flattening every answer into four tables, and closing it."""
    database.unlink(missing_ok=True)

    def work():
        with duckdb.connect(str(database)) as connection:
            for number, path in enumerate(sorted(folder.glob("*.json"))):
                connection.execute(
                    "create or replace temp table answer as "
                    "from read_json($path, format = 'newline_delimited', columns = $columns)",
                    {"path": str(path), "columns": COLUMNS},
                ).fetchall()
                for name, query in TABLES.items():
                    into = f"insert into {name}" if number else f"create table {name} as"
                    connection.execute(f"{into} {query.format(source='answer')}").fetchall()

    return timed(work)


def check_equal(warehouse: Path, bare: Path) -> str:
    """Compares every row of the four tables. Raises AssertionError when anything differs."""
    with duckdb.connect(str(bare)) as connection:
        connection.execute(f"attach '{warehouse}' as loaded (read_only)").fetchall()
        rows = sum(assert_equal(connection, name, f"loaded.raw_{FEED}.{name}", name) for name in TABLES)
    return f"all {rows:,} rows of four tables equal in every column of the answers"
