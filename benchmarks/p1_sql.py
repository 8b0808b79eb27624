"""P1-SQL: the transfer-grain features, SQL form, against hand-written DuckDB scripts over the same legs.

Belongs here: which models and scripts are compared and how. The scripts are in sql/, the legs in ledger.py.
"""

import tempfile
from pathlib import Path

import duckdb

from benchmarks.dbt import dbt, nodes
from benchmarks.equality import assert_equal
from benchmarks.ledger import create_legs, create_movements, execute, script
from benchmarks.measure import Comparison, Cost, Result, interleave, timed

# The feature models with windows. feat_transfer__exposure has none: it folds a vendor's answers, one row a transfer.
MODELS = ("feat_transfer__velocity", "feat_transfer__structuring", "feat_transfer__flow", "feat_transfer__history")
PROJECT, SAME = "project: feature models", "script: same columns"
WINDOW, PREFIX = "script: 25 columns, windows", "script: 25 columns, prefix sums"
NOTES = (
    "The goal belongs to the kernel (P1). Measured here is the SQL form, the definition and what Spark runs",
    "`same columns` is a script written by hand for DuckDB that gives exactly the project's tables: legs read once "
    "into a compact table with whole-number keys, times and cents. The project's SQL keeps text keys, DECIMAL and "
    "timestamps, because it must also run on Spark, and each model reads the legs by itself, so that each can be "
    "rebuilt alone.",
    "The 25 columns are those of the goal: count, sum, in and out over 1 h, 24 h, 7 d and 30 d; largest, mean and "
    "deviation over 30 d; structuring over 24 h and 7 d; gap, first seen, rank, distinct counterparties over 30 d. The "
    "project's models have no rank and no 30-day mean, but five distinct counts instead of one, a look ahead, a 90-day "
    "history with deviation, and the ids and times in each of four tables.",
    "Every side writes to the file of the warehouse and ends with a checkpoint.",
)


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures the SQL form over `rows` legs. Raises AssertionError where two sides differ."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p1_sql_") as folder:
        home = Path(folder)
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            create_movements(connection, rows, seed)
            create_legs(connection)
            connection.execute("create schema features; create schema bench").fetchall()
        features = compile_features(home)
        sides = {
            PROJECT: [f"create or replace table features.{name} as ({sql})" for name, sql in features.items()],
            SAME: script("p1_same_columns"),
            WINDOW: script("p1_counted") + script("p1_window"),
            PREFIX: script("p1_counted") + script("p1_prefix"),
        }
        outputs = {
            PROJECT: [f"features.{name}" for name in MODELS],
            SAME: [f"bench.{name}" for name in MODELS],
            WINDOW: ["bench.p1_window"],
            PREFIX: ["bench.p1_prefix"],
        }
        seconds: dict[str, list[float]] = {}
        costs, checked = interleave(
            {name: lambda name=name: persist(home, sides[name], outputs[name], seconds) for name in sides},
            repetitions,
            lambda: check_equal(home),
        )
        columns, rows_of = describe(home)
    by_model = dict(zip(MODELS, (seconds[statement] for statement in sides[PROJECT]), strict=True))
    not_equal = f"not equal work: {columns} columns against 25"
    return Result(
        goal="P1-SQL",
        title="Transfer-grain features, SQL form",
        rows=rows,
        costs=costs,
        comparisons=[
            Comparison(PROJECT, SAME, remark="equal work"),
            Comparison(PROJECT, WINDOW, remark=not_equal),
            Comparison(PROJECT, PREFIX, remark=not_equal),
            Comparison(PREFIX, WINDOW, remark="the two scripts among themselves"),
        ],
        checked=checked,
        notes=list(NOTES),
        breakdown={
            "Seconds of the project's models (last repetition)": {
                f"{name}, {rows_of[name]:,} rows": took[-1] for name, took in by_model.items()
            }
        },
    )


def compile_features(home: Path) -> dict[str, str]:
    """The SELECT of every model as dbt compiles it, over the legs of `home`; what they read besides is built."""
    dbt(home, "build", "--select", "resource_type:seed", "int_scenario_parameters", "--exclude", "resource_type:test")
    dbt(home, "compile", "--select", *MODELS)
    compiled = {node["name"]: node["compiled_code"] for node in nodes(home)}
    return {name: compiled[name] for name in MODELS}


def persist(home: Path, statements: list[str], outputs: list[str], seconds: dict[str, list[float]]) -> Cost:
    """The cost of running statements on the warehouse of `home` up to its checkpoint; earlier outputs go first,
    untimed. Adds the seconds of each statement to `seconds`."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for table in outputs:
            connection.execute(f"drop table if exists {table}").fetchall()
        connection.execute("checkpoint").fetchall()

        def work():
            for statement in statements:
                cost = timed(lambda statement=statement: connection.execute(statement).fetchall())
                seconds.setdefault(statement, []).append(cost.wall)
            connection.execute("checkpoint").fetchall()

        return timed(work)


def check_equal(home: Path) -> str:
    """Compares each model's table with the script's, the two 25-column scripts, and those with the models where they
    say the same thing. Raises AssertionError where anything differs."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for name in MODELS:
            assert_equal(connection, f"features.{name}", f"bench.{name}", name)
        rows = assert_equal(connection, "bench.p1_window", "bench.p1_prefix", "25 columns")
        execute(connection, "p1_shared")
        assert_equal(connection, "shared", "bench.p1_window", "the 16 counts and sums that both kinds have")
    return (
        f"every column of the {len(MODELS)} models equals the script's, every column of the two 25-column scripts is "
        f"equal, and so are the 16 counts and sums that both kinds have; {rows:,} legs counted, tied instants included"
    )


def describe(home: Path) -> tuple[int, dict[str, int]]:
    """Number of columns of the models together, and the rows of each."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        columns = sum(len(connection.execute(f"describe features.{name}").fetchall()) for name in MODELS)
        rows = {name: len(connection.table(f"features.{name}")) for name in MODELS}
    return columns, rows
