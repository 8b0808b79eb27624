"""P1: the transfer-grain features, SQL form, against hand-written DuckDB scripts over the same legs.

Belongs here: which models and scripts are compared and how. The scripts are in sql/, the legs in ledger.py.
"""

import tempfile
from pathlib import Path

import duckdb

from benchmarks.dbt import dbt, nodes
from benchmarks.equality import assert_equal
from benchmarks.ledger import create_legs, create_movements, script
from benchmarks.measure import Comparison, Cost, Result, interleave, timed

# The feature models with windows. feat_transfer__exposure has none: it folds a vendor's answers, one row a transfer.
MODELS = ("feat_transfer__velocity", "feat_transfer__structuring", "feat_transfer__flow", "feat_transfer__history")
PROJECT, SAME, WINDOW, PREFIX = (
    "project: feature models",
    "script: same columns",
    "script: 25 columns, windows",
    "script: 25 columns, prefix sums",
)
WITHOUT_WINDOWS = 0.30
WITHOUT_PREFIX = 0.35


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P1 over `rows` legs. Raises AssertionError where a script and what it stands against differ."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p1_") as folder:
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
        costs, checked = interleave(
            {name: lambda name=name: persist(home, sides[name], outputs[name]) for name in sides},
            repetitions,
            lambda: check_equal(home),
        )
        columns, per_model = describe(home)
    return Result(
        goal="P1",
        title="Transfer-grain features, SQL form",
        rows=rows,
        costs=costs,
        comparisons=[
            Comparison(PROJECT, SAME, WITHOUT_WINDOWS, remark="equal work"),
            Comparison(PROJECT, WINDOW, WITHOUT_WINDOWS, remark=f"not equal work: {columns} columns against 25"),
            Comparison(PROJECT, PREFIX, WITHOUT_PREFIX, remark=f"not equal work: {columns} columns against 25"),
            Comparison(PREFIX, WINDOW, remark="the two scripts among themselves"),
        ],
        checked=checked,
        breakdown={"Rows written by the project's models": per_model},
        notes=[
            "The goal belongs to the kernel that is to stand behind these models on DuckDB. This page measures their SQL form, "
            "which is the definition and what Spark runs: it is expected to miss the goal, and is the number to beat.",
            "`same columns` is a hand-written script for DuckDB that gives exactly the project's tables: legs read once into a "
            "compact table with whole-number keys, times and cents. The project's SQL keeps text keys, DECIMAL and "
            "timestamps, because it must also run on Spark, and each model reads the legs by itself, so that each can be "
            "rebuilt alone.",
            "The 25 columns are those of the goal (count, sum, in, out over 1 h, 24 h, 7 d, 30 d; max, mean, deviation "
            "30 d; structuring 24 h, 7 d; gap, first seen, rank, distinct counterparties 30 d). The project's models have "
            "no rank, but five distinct counts instead of one, looks ahead, a 90-day history and the text ids.",
            "Every side writes to the file of the warehouse and ends with a checkpoint.",
        ],
    )


def compile_features(home: Path) -> dict[str, str]:
    """The SELECT of every model as dbt compiles it, over the legs of `home`; what they read besides is built."""
    dbt(home, "build", "--select", "resource_type:seed", "scenario_parameter_sets", "--exclude", "resource_type:test")
    dbt(home, "compile", "--select", *MODELS)
    compiled = {node["name"]: node["compiled_code"] for node in nodes(home)}
    return {name: compiled[name] for name in MODELS}


def persist(home: Path, statements: list[str], outputs: list[str]) -> Cost:
    """The cost of running statements on the warehouse of `home` up to its checkpoint; earlier outputs go first, untimed."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for table in outputs:
            connection.execute(f"drop table if exists {table}").fetchall()
        connection.execute("checkpoint").fetchall()

        def work():
            for statement in statements:
                connection.execute(statement).fetchall()
            connection.execute("checkpoint").fetchall()

        return timed(work)


def check_equal(home: Path) -> str:
    """Compares each model's table with the script's, the two 25-column scripts, and those with the models where they say
    the same thing. Raises AssertionError where anything differs."""
    shared = ", ".join(
        f"in_count_{w} + out_count_{w} as count_{w}, cast((in_amount_usd_{w} + out_amount_usd_{w}) * 100 as hugeint) as sum_{w}, "
        f"cast(in_amount_usd_{w} * 100 as hugeint) as in_{w}, cast(out_amount_usd_{w} * 100 as hugeint) as out_{w}"
        for w in ("1h", "24h", "7d", "30d")
    )
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for name in MODELS:
            assert_equal(connection, f"features.{name}", f"bench.{name}", name)
        rows = assert_equal(connection, "bench.p1_window", "bench.p1_prefix", "25 columns")
        velocity = f"(select leg_id, {shared} from features.feat_transfer__velocity)"
        assert_equal(connection, velocity, "bench.p1_window", "the 16 counts and sums that both have")
    return (
        f"every column of the {len(MODELS)} models equals the script's, every column of the two 25-column scripts is equal, and "
        f"so are the 16 counts and sums that both kinds have; {rows:,} legs counted, tied instants included"
    )


def describe(home: Path) -> tuple[int, dict[str, float]]:
    """Number of columns of the models together, and the rows of each."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        columns = sum(len(connection.execute(f"describe features.{name}").fetchall()) for name in MODELS)
        rows = {name: connection.execute(f"select count(*) from features.{name}").fetchone()[0] for name in MODELS}  # noqa: S608 (names of ours)
    return columns, rows
