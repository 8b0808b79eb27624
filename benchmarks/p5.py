"""P5: records of a paged API (pages of dicts) through the project's loader, against dlt's own way with dicts.

The technique under measurement: a page becomes an Arrow table in the resource (`landing.to_table`), so that dlt neither
looks at each record nor writes it down again.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dlt
import duckdb
import pyarrow as pa

from benchmarks.equality import assert_equal
from benchmarks.measure import Comparison, Cost, Result, interleave, timed
from benchmarks.memory import growth
from benchmarks.p3 import fresh_home

FEED = "pages"
GOAL = 7.0
PAGE = 1_000
ARROW, DICTS = "loader (a page as Arrow)", "dlt with dicts"
KNOWN_AT = datetime(2026, 1, 1)
AMOUNT = pa.decimal128(38, 18)
SCHEMA = pa.schema(
    [
        pa.field("case_id", pa.string()),
        pa.field("status", pa.string()),
        pa.field("asset", pa.string()),
        pa.field("amount", AMOUNT),
        pa.field("score", pa.int64()),
        pa.field("is_open", pa.bool_()),
        pa.field("updated_at", pa.timestamp("us")),
        pa.field("note", pa.string()),
    ]
)
NOTES = (
    "Both sides make the same pages of 1,000 dicts (which costs the same on both), write Parquet in between, and load "
    "one table. dlt's side gets the same column hints, so that both make the same types.",
    "The loader also adds known-at time, extract and position to every row and checks the columns of each page.",
)


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P5 with `rows` records. Raises AssertionError where the two sides differ."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p5_") as name:
        folder = Path(name)
        mine, theirs = folder / "arrow", folder / "dicts"
        load(rows_file(PAGE, folder / "warm", seed), folder / "first")  # imports and first configuration: see P9
        source = rows_file(rows, folder / "rows", seed)
        costs, checked = interleave(
            {ARROW: lambda: load(source, mine), DICTS: lambda: load_dicts(source, theirs)},
            repetitions,
            lambda: check_equal(mine / "warehouse.duckdb", theirs / "warehouse.duckdb"),
        )
        grown = growth(ARROW, rows, load, lambda size, where: rows_file(size, where, seed), folder)
    return Result(
        goal="P5",
        title="Records of a paged API",
        rows=rows,
        costs=costs,
        comparisons=[Comparison(ARROW, DICTS, GOAL, of_speed=True)],
        growths=[grown],
        checked=checked,
        notes=list(NOTES),
    )


def rows_file(rows: int, path: Path, seed: int) -> Path:
    """What stands for the API: how many records it has, and its seed."""
    path.write_text(f"{rows} {seed}")
    return path


def pages(api: Path) -> Iterator[list[dict]]:
    """The API's pages: records as a JSON reader would give them, fractions as Decimal."""
    rows, seed = map(int, api.read_text().split())
    for start in range(0, rows, PAGE):
        yield [
            {
                "case_id": f"C{number}",
                "status": ("open", "closed", "escalated")[(number + seed) % 3],
                "asset": ("BTC", "ETH", "EUR")[number % 3],
                "amount": Decimal(number * 7919 % 1_000_003) / 100,
                "score": number * 31 % 101,
                "is_open": number % 2 == 0,
                "updated_at": KNOWN_AT + timedelta(seconds=number),
                "note": None if number % 5 else f"note {number}",
            }
            for number in range(start, min(start + PAGE, rows))
        ]


def load(api: Path, home: Path) -> Cost:
    """The cost of one load into a fresh warehouse below `home`, each page made into Arrow."""
    from ingestion import landing, pipeline, records

    def tables():
        for number, page in enumerate(pages(api)):
            for position, record in enumerate(page, number * PAGE + 1):
                record["_record_no"] = position
            yield landing.to_table(page, SCHEMA, KNOWN_AT, "api")

    @dlt.source(name=FEED, section=FEED)
    def source():
        yield records.resource("cases", SCHEMA, tables, contract=records.VENDOR)

    with fresh_home(home):
        return timed(lambda: pipeline.run(source(), FEED))


def load_dicts(api: Path, home: Path) -> Cost:
    """The cost of the same with dlt's dict path."""
    from ingestion import pipeline

    hints = {
        "amount": {"data_type": "decimal", "precision": 38, "scale": 18},
        "updated_at": {"data_type": "timestamp", "timezone": False},
    }

    @dlt.source(name=FEED, section=FEED)
    def source():
        yield dlt.resource(lambda: pages(api), name="cases", columns=hints, write_disposition="append")

    with fresh_home(home):
        return timed(lambda: pipeline.pipeline(FEED).run(source(), loader_file_format="parquet").raise_on_failed_jobs())


def check_equal(mine: Path, theirs: Path) -> str:
    """Compares every record of the API's columns. Raises AssertionError when anything differs."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{mine}' as mine (read_only)").fetchall()
        connection.execute(f"attach '{theirs}' as theirs (read_only)").fetchall()
        columns = ", ".join(SCHEMA.names)
        connection.execute(f"create view cases as select {columns} from mine.raw_{FEED}.cases")  # noqa: S608 (names of this module)
        rows = assert_equal(connection, "cases", f"theirs.raw_{FEED}.cases", "cases")
    return f"all {rows:,} records equal in every column of the API"
