"""P2: one new day of the velocity features, against a whole build by the same kernel.

Belongs here: what a new day is and how it is measured. Not here: the legs (ledger.py), the table (p1.py).
"""

import tempfile
from pathlib import Path

import duckdb

from analytics.feature_tables import Table, build
from benchmarks.equality import assert_equal
from benchmarks.measure import Comparison, Cost, Result, interleave, timed
from benchmarks.p1 import LEGS, prepare, velocity, warm_up, whole

WHOLE, DAY = "velocity: whole build", "velocity: one new day"
OF_WHOLE = 0.03
NEWEST = f"event_date = (select max(event_date) from {LEGS})"  # noqa: S608 (a constant)
NOTES = (
    "The day is the newest of 365 and arrives in one piece. Its increment is the whole of what a build does then: "
    "finding out, over all legs, what is not as it was (by hash, not by the calendar), computing the rows whose "
    "windows may hold something else, replacing them and the state in one transaction, and a checkpoint.",
    "The table after the day is compared with the one that the whole build made of the same legs.",
    "Finding out is most of it: the legs are rebuilt by each run (docs/adr/0002) and are read here three times, each "
    "time without own transfers. The goal was set for a day that is told what is new; it can be kept once the legs are "
    "incremental too.",
)


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P2 over `rows` legs. Raises AssertionError where the day's increment gives another table."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p2_") as folder:
        home = Path(folder)
        prepare(rows, home, seed)
        table = velocity(home)
        warm_up()
        written: list[int] = []
        sides = {
            WHOLE: lambda: timed(lambda: whole(home, table)),
            DAY: lambda: one_day(home, table, written),
        }
        costs, checked = interleave(sides, repetitions, lambda: check_equal(home, table))
    return Result(
        goal="P2",
        title="One new day of velocity features",
        rows=rows,
        costs=costs,
        comparisons=[Comparison(DAY, WHOLE, OF_WHOLE, remark=f"{written[0]:,} rows written")],
        checked=checked,
        notes=list(NOTES),
    )


def one_day(home: Path, table: Table, written: list[int]) -> Cost:
    """The cost of a build after the newest day has arrived; a build without it goes first, untimed."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for statement in (
            f"create or replace temp table arriving as from {LEGS} where {NEWEST}",
            f"create table if not exists whole_build as from {table.relation}",
            f"delete from {LEGS} where {NEWEST}",  # noqa: S608 (constants)
        ):
            connection.execute(statement).fetchall()
        build(connection, table, LEGS, least_legs=0, full_refresh=False)
        connection.execute(f"insert into {LEGS} from arriving").fetchall()
        connection.execute("checkpoint").fetchall()

        def work():
            built = build(connection, table, LEGS, least_legs=0, full_refresh=False)
            assert built.how == "increment", f"the table was built by {built.how}"
            connection.execute("checkpoint").fetchall()
            written.append(built.rows)

        return timed(work)


def check_equal(home: Path, table: Table) -> str:
    """Compares the table after the day with the whole build. Raises AssertionError where anything differs."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        rows = assert_equal(connection, table.relation, "whole_build", "one new day")
    return f"the table after the increment and after a whole build, {rows:,} rows, equal in every column"
