"""P3: bulk loading of files through the project's loader, against a bare DuckDB CREATE TABLE from the same files.

The loader does more than the baseline on purpose: it verifies each file's sha256 against the manifest, checks every
value, stamps known-at time, extract and position, keeps control totals and rejects, and commits one atomic package.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import duckdb

from benchmarks.deliveries import write_ledger
from benchmarks.equality import assert_equal
from benchmarks.ledger import create_movements
from benchmarks.measure import Comparison, Cost, Result, interleave, timed

GOAL = 0.25
LOADER, CTAS = "loader", "DuckDB create table as"
NOTES = (
    "Not equal work, on purpose: the loader also verifies the sha256 of each file, checks every value of 14 columns "
    "against the format, adds four columns, loads control totals and rejects, and commits it all as one package.",
    "Import of dlt and the first use of its configuration are left out; they are in P9's fixed cost.",
    "A load has a fixed cost of about a second (five tables, control totals, rejects, dlt's state), so that small "
    "deliveries are far from the ratio of large ones.",
)


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P3 with `rows` deposits in twelve monthly files. Raises AssertionError where the two sides differ."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p3_") as folder:
        bucket = Path(folder) / "landing"
        with duckdb.connect() as connection:
            create_movements(connection, rows, seed, only_deposits=True)
            write_ledger(connection, bucket, ("deposits",))
        files = sorted(bucket.glob("*/*.parquet"))
        size = sum(file.stat().st_size for file in files)
        bare, home = Path(folder) / "bare.duckdb", Path(folder) / "home"

        load_with_loader(bucket, home)  # imports and first configuration are a cost of the run (P9), not of a row
        load_with_loader(bucket, home)  # imports and configuration are a cost of the run, not of a row
        costs, checked = interleave(
            {LOADER: lambda: load_with_loader(bucket, home), CTAS: lambda: create_table(files, bare)},
            repetitions,
            lambda: check_equal(home / "warehouse.duckdb", bare),
        )
        steps = load_steps(bucket, home)
    return Result(
        goal="P3",
        title="Bulk load of canonical Parquet deliveries",
        rows=rows,
        costs=costs,
        comparisons=[Comparison(LOADER, CTAS, GOAL, of_speed=True, remark="the loader does more, see below")],
        checked=checked,
        breakdown={"Seconds of the loader by step (one further run)": steps},
        notes=[f"{len(files)} files, {size / 1e6:,.0f} MB.", *NOTES],
    )


@contextmanager
def fresh_home(home: Path) -> Iterator[None]:
    shutil.rmtree(home, ignore_errors=True)
    with mock.patch.dict(os.environ, PLUMBLINE_HOME=str(home)):
        yield


def load_with_loader(bucket: Path, home: Path) -> Cost:
    """The cost of one load of the exchange feed into a fresh warehouse below `home`, as in every run."""
    from ingestion import pipeline
    from ingestion.exchange import exchange_source

    with fresh_home(home):
        return timed(lambda: pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange"))


def create_table(files: list[Path], database: Path) -> Cost:
    """The cost of opening a fresh file, one CREATE TABLE AS over all files, and closing it (which checkpoints)."""
    database.unlink(missing_ok=True)

    def work():
        with duckdb.connect(str(database)) as connection:
            connection.execute(
                "create table deposits as from read_parquet($1, hive_partitioning = false)", [[str(f) for f in files]]
            ).fetchall()

    return timed(work)


def check_equal(warehouse: Path, bare: Path) -> str:
    """Compares every row in the columns that the files have. Raises AssertionError when anything differs."""
    with duckdb.connect(str(bare)) as connection:
        connection.execute(f"attach '{warehouse}' as loaded (read_only)").fetchall()
        rows = assert_equal(connection, "deposits", "loaded.raw_exchange.deposits", "deposits")
    return f"all {rows:,} rows equal in every column of the files"


def load_steps(bucket: Path, home: Path) -> dict[str, float]:
    """Seconds of one load by step. Reading, checking and stamping the rows is inside extract: there dlt pulls them."""
    from ingestion import pipeline
    from ingestion.exchange import exchange_source

    with fresh_home(home):
        made: list = []
        found = timed(lambda: made.append(exchange_source(bucket_url=str(bucket))))
        whole = timed(lambda: made.append(pipeline.run(made[0], "exchange")))
        trace = made[1].pipeline.last_trace
    steps = {
        f"dlt {step.step}": (step.finished_at - step.started_at).total_seconds()
        for step in trace.steps
        if step.step != "run"
    }
    return {
        "find deliveries, verify sha256": found.wall,
        **steps,
        "state, undo of incomplete loads": whole.wall - sum(steps.values()),
    }
