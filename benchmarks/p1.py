"""P1: the velocity features as the kernel writes them, against the window SQL that defines them and a script by hand.

Belongs here: what is compared and how, and the memory of the kernel's build (P11). Not here: the other feature tables,
in SQL only (p1_sql.py); the legs (ledger.py).
"""

import tempfile
from pathlib import Path

import duckdb

from analytics.feature_tables import Built, Table, build
from benchmarks.dbt import dbt, nodes
from benchmarks.equality import assert_equal
from benchmarks.ledger import create_legs, create_movements, script
from benchmarks.measure import Comparison, Result, interleave, timed
from benchmarks.memory import growth
from benchmarks.p1_sql import persist

MODEL = "feat_transfer__velocity"
LEGS = "intermediate.int_transfer_legs"
KERNEL, SQL, SCRIPT = "velocity: kernel", "velocity: SQL of the model", "velocity: script by hand"
OF_WINDOWS = 0.30
MEMORY_LIMIT = "2GB"
NOTES = (
    "54 columns: counts, sums, maxima and means in and out over 1 h, 24 h, 7 d, 30 d and 90 d by party, unvalued legs, "
    "and six distinct counts of counterparties by account. Every side gives all of them, with the ids, in exact money.",
    "The kernel's side is the whole of what a build does: reading and sorting the legs, the features, the table in the "
    "file, and the state by which the next build knows what changed. The import of numba and the first compilation, "
    "which numba keeps, are left out (together about 5 s, once after installation).",
    "Peak memory (P11) is of the kernel's build in a process of its own with DuckDB's memory_limit at "
    f"{MEMORY_LIMIT}: without a limit DuckDB keeps what it read and wrote in memory as long as there is room.",
    "Every side writes to the file of the warehouse and ends with a checkpoint.",
)


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P1 over `rows` legs. Raises AssertionError where the kernel, the SQL and the script differ."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p1_") as folder:
        home = Path(folder)
        prepare(rows, home, seed)
        table = velocity(home)
        velocity_alone = script("p1_same_columns")
        velocity_alone = velocity_alone[: 1 + next(i for i, s in enumerate(velocity_alone) if f"bench.{MODEL}" in s)]
        sql = [f"create table bench.by_sql as ({table.select})"]
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute("create schema bench").fetchall()
        warm_up()
        sides = {
            KERNEL: lambda: timed(lambda: whole(home, table)),
            SQL: lambda: persist(home, sql, ["bench.by_sql"], {}),
            SCRIPT: lambda: persist(home, velocity_alone, [f"bench.{MODEL}"], {}),
        }
        costs, checked = interleave(sides, repetitions, lambda: check_equal(home, table))
        grown = growth(
            "the kernel's build", rows, build_limited, lambda size, where: prepare(size, where, seed), home / "memory"
        )
    return Result(
        goal="P1",
        title="Velocity features, kernel against SQL",
        rows=rows,
        costs=costs,
        comparisons=[
            Comparison(KERNEL, SQL, OF_WINDOWS, remark="equal work"),
            Comparison(KERNEL, SCRIPT, OF_WINDOWS, remark="equal work, but for the kernel's state"),
        ],
        growths=[grown],
        checked=checked,
        notes=list(NOTES),
    )


def prepare(rows: int, home: Path, seed: int) -> None:
    """A warehouse with `rows` legs in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        create_movements(connection, rows, seed)
        create_legs(connection)
        connection.execute("create schema features").fetchall()


def velocity(home: Path) -> Table:
    """The velocity table as the materialization hands it to the kernel."""
    dbt(home, "compile", "--select", MODEL)
    select = next(node["compiled_code"] for node in nodes(home) if node["name"] == MODEL)
    legs = select[select.index("select") : select.index("\n),")]
    return Table(relation=f"features.{MODEL}", name=MODEL, select=select, legs=legs)


def whole(home: Path, table: Table, memory_limit: str | None = None) -> Built:
    """A whole build by the kernel up to its checkpoint."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        if memory_limit:
            connection.execute(f"set memory_limit = '{memory_limit}'").fetchall()
        built = build(connection, table, LEGS, least_legs=0, full_refresh=True)
        connection.execute("checkpoint").fetchall()
    assert built.how == "whole", f"the table was built by {built.how}"
    return built


def build_limited(source: Path, _: Path) -> None:
    """A whole build in `source` with MEMORY_LIMIT, for the measurement of memory."""
    whole(source, velocity(source), MEMORY_LIMIT)


def warm_up() -> None:
    """Compiles the kernel, or loads what was compiled before."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p1_") as folder:
        prepare(1000, Path(folder), 1)
        whole(Path(folder), velocity(Path(folder)))


def check_equal(home: Path, table: Table) -> str:
    """Compares the three tables. Raises AssertionError where anything differs."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        rows = assert_equal(connection, "bench.by_sql", table.relation, "kernel")
        assert_equal(connection, "bench.by_sql", f"bench.{MODEL}", "script")
        columns = len(connection.execute(f"describe {table.relation}").fetchall())
    return f"all {columns} columns of the three tables, {rows:,} legs counted, tied instants included"
