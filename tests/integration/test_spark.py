"""The same dbt project on Spark local mode: equal to DuckDB, row for row, on every feature, scenario and mart."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from lacking import skip_for_lack_of

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]
LAYERS = ("features", "scenarios", "marts")
TINY_WORLD = ("--customers", "40", "--days", "12", "--seed", "5")


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute("select table_schema || '.' || table_name, table_schema from information_schema.tables")
    return {name for name, schema in found.fetchall() if schema in LAYERS}


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> list[tuple]:
    quoted = ", ".join(f'"{name}"' for name in columns)
    return sorted(connection.sql(f"select {quoted} from {table}").fetchall(), key=repr)  # noqa: S608 names are the catalog's


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, plumbline):
    """The same tiny world built by DuckDB and by Spark; yields an open connection on each result."""
    if not find_spec("pyspark"):
        skip_for_lack_of("Spark", "install requirements/spark.lock")
    if not shutil.which("java"):
        skip_for_lack_of("Java", "Spark needs a Java 17 runtime")
    from orchestration.spark import open_results

    homes: dict[str, Path] = {}
    for target in ("duckdb", "spark"):
        homes[target] = tmp_path_factory.mktemp(target)
        result = plumbline("run", "--target", target, *TINY_WORLD, home=homes[target], seconds=800)
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


def test_same_rows(both):
    on_duckdb, on_spark = both
    different = {}
    for table in sorted(tables(on_duckdb)):
        columns = sorted(on_duckdb.table(table).columns)
        assert columns == sorted(on_spark.table(table).columns), table
        expected, found = rows(on_duckdb, table, columns), rows(on_spark, table, columns)
        if expected != found:
            pair = next(((a, b) for a, b in zip(expected, found, strict=False) if a != b), None)
            different[table] = (len(expected), len(found), columns, pair)
    assert different == {}


def test_the_comparison_compares_something(both):
    on_duckdb, _ = both
    filled = {table for table in tables(on_duckdb) if on_duckdb.table(table).limit(1).fetchall()}
    assert {"marts.fct_alerts", "marts.fct_kris", "marts.fct_scenario_population"} <= filled
    assert sum(table.startswith(("features.", "scenarios.")) for table in filled) >= 11
