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
from benchmarks.ledger import create_movements
from benchmarks.measure import Comparison, Cost, Result, interleave, timed

GOAL = 0.25
LOADER, CTAS = "loader", "DuckDB create table as"


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
        notes=[
            f"{len(files)} files, {size / 1e6:,.0f} MB, 14 columns (five of them text of 20 to 66 characters, one decimal(38,18)).",
            "Not equal work: the loader also verifies the sha256 of each file, checks every value against the format, adds "
            "four columns, loads control totals and rejects, and commits all of it as one package. That is the point of it.",
            "Import of dlt and the first use of its configuration are left out (they are in P9's fixed cost).",
        ],
    )


@contextmanager
def fresh_home(home: Path) -> Iterator[None]:
    shutil.rmtree(home, ignore_errors=True)
    with mock.patch.dict(os.environ, PLUMBLINE_HOME=str(home)):
        yield


def load_with_loader(bucket: Path, home: Path) -> Cost:
    """The cost of one load of the exchange feed into a fresh warehouse below `home`, through the path every run takes."""
    from ingestion import pipeline
    from ingestion.exchange import exchange_source

    with fresh_home(home):
        return timed(lambda: pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange"))


def create_table(files: list[Path], database: Path) -> Cost:
    """The cost of opening a fresh file, one CREATE TABLE AS over all files, and closing it (which checkpoints)."""
    database.unlink(missing_ok=True)

    def work():
        with duckdb.connect(str(database)) as connection:
            connection.execute("create table deposits as from read_parquet($1, hive_partitioning = false)", [[str(f) for f in files]]).fetchall()

    return timed(work)


def check_equal(warehouse: Path, bare: Path) -> str:
    """Compares every row and column the file has. Raises AssertionError with the number of rows that differ."""
    with duckdb.connect(str(bare)) as connection:
        connection.execute(f"attach '{warehouse}' as loaded (read_only)").fetchall()
        columns = ", ".join(name for name, *_ in connection.execute("describe deposits").fetchall())
        mine, theirs = f"select {columns} from loaded.raw_exchange.deposits", f"select {columns} from deposits"
        differing = connection.execute(
            f"select (select count(*) from ({mine} except all {theirs})) + (select count(*) from ({theirs} except all {mine}))"
        ).fetchone()[0]
        rows = connection.execute("select count(*) from deposits").fetchone()[0]
    assert differing == 0, f"{differing} rows differ between the loader and the bare table"
    return f"all {rows:,} rows equal in all columns of the files, both ways (EXCEPT ALL)"


def load_steps(bucket: Path, home: Path) -> dict[str, float]:
    """Seconds of one load by step: what the loader does before dlt is inside extract, because dlt pulls the rows."""
    from ingestion import pipeline
    from ingestion.exchange import exchange_source

    steps: dict[str, float] = {}
    with fresh_home(home):
        made: list = []
        steps["find deliveries, verify sha256"] = timed(lambda: made.append(exchange_source(bucket_url=str(bucket)))).wall
        total = timed(lambda: made.append(pipeline.run(made[0], "exchange"))).wall
        trace = made[1].pipeline.last_trace
        for step in trace.steps:
            if step.step != "run":
                steps[f"dlt {step.step}"] = (step.finished_at - step.started_at).total_seconds()
    steps["dlt, the rest (state, undo of incomplete loads)"] = total - sum(v for k, v in steps.items() if k.startswith("dlt "))
    return steps
