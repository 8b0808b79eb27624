"""The same dbt project on Spark local mode: equal to DuckDB, row for row, on every feature, scenario and mart."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from lacking import skip_for_lack_of
from main_job import OWN_CLOCK_COLUMNS

pytestmark = [pytest.mark.spark, pytest.mark.timeout(2400)]
LAYERS = ("features", "scenarios", "marts", "restricted")
# Every vendor answers, so that no vendor's rows are compared as nothing with nothing.
WORLD = ("--every-feed", "--customers", "60", "--days", "12", "--seed", "5")
# Tables that may be without rows in that world, and why; any other empty table fails.
MAY_BE_EMPTY = {"marts.fct_reconciliation_breaks": "a run in which every hop agrees has no break to log"}
# Scenarios that need a longer history or more people than this world has before they alert; they are evaluated all the
# same, but for TM19, which wants fifty transfers of one customer.
TOO_SMALL_A_WORLD_FOR = {
    "tm11", "tm12", "tm13", "tm16", "tm19", "tm20", "tm21", "tm22", "tm23", "tm27", "tm40",
}  # fmt: skip
# What one engine calls differently from the other and means the same. Nothing else may differ.
SAME_TYPE: dict[str, str] = {}


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute("select table_schema || '.' || table_name, table_schema from information_schema.tables")
    return {name for name, schema in found.fetchall() if schema in LAYERS}


def types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Type by column, under the name that both engines share."""
    relation = connection.table(table)
    kinds = map(str, relation.types)
    return {name: SAME_TYPE.get(kind, kind) for name, kind in zip(relation.columns, kinds, strict=True)}


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> list[tuple]:
    quoted = ", ".join(f'"{name}"' for name in columns)
    return sorted(connection.sql(f"select {quoted} from {table}").fetchall(), key=repr)  # noqa: S608 names are the catalog's


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, plumbline):
    """The same small world built by DuckDB and by Spark; yields an open connection on each result."""
    if not find_spec("pyspark"):
        skip_for_lack_of("Spark", "install requirements/spark.lock")
    if not shutil.which("java"):
        skip_for_lack_of("Java", "Spark needs a Java 17 runtime")
    from orchestration.spark import open_results

    homes: dict[str, Path] = {}
    for target in ("duckdb", "spark"):
        homes[target] = tmp_path_factory.mktemp(target)
        result = plumbline("run", "--target", target, *WORLD, home=homes[target], seconds=1800)
        assert result.returncode == 0, f"{target}:\n{result.stdout}{result.stderr}"
    with (
        pytest.MonkeyPatch.context() as patch,
        duckdb.connect(str(homes["duckdb"] / "warehouse.duckdb"), read_only=True) as on_duckdb,
    ):
        patch.setenv("PLUMBLINE_HOME", str(homes["spark"]))
        with open_results() as on_spark:
            yield on_duckdb, on_spark


def test_same_tables(both):
    on_duckdb, on_spark = both
    assert tables(on_duckdb) == tables(on_spark)
    assert len(tables(on_duckdb)) >= 20


def test_same_columns_of_the_same_types(both):
    """Values alone would not do: 1, 1.00 and true are equal in Python."""
    on_duckdb, on_spark = both
    different = {
        table: {(name, kind) for pair in (on_duckdb, on_spark) for name, kind in types(pair, table).items()}
        for table in sorted(tables(on_duckdb))
        if types(on_duckdb, table) != types(on_spark, table)
    }
    assert different == {}


def test_same_rows(both):
    on_duckdb, on_spark = both
    different = {}
    for table in sorted(tables(on_duckdb)):
        columns = sorted(set(on_duckdb.table(table).columns) - OWN_CLOCK_COLUMNS)
        expected, found = rows(on_duckdb, table, columns), rows(on_spark, table, columns)
        if expected != found:
            pair = next(((a, b) for a, b in zip(expected, found, strict=False) if a != b), None)
            different[table] = (len(expected), len(found), columns, pair)
    assert different == {}


def test_the_comparison_compares_something(both):
    on_duckdb, _ = both
    empty = {table for table in tables(on_duckdb) if not on_duckdb.table(table).limit(1).fetchall()}
    assert empty - MAY_BE_EMPTY.keys() == set()
    scenarios = {table for table in tables(on_duckdb) if table.startswith("scenarios.")}
    alerting, evaluating = (
        {table for table in scenarios if on_duckdb.table(table).filter(f"outcome_code in {codes}").limit(1).fetchall()}
        for codes in ("('alerted')", "('alerted', 'below_threshold')")
    )
    assert scenarios - alerting == {table for table in scenarios if table.split("_")[1] in TOO_SMALL_A_WORLD_FOR}
    assert {table for table in scenarios - evaluating if "tm19" not in table} == set()
