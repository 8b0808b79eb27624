"""The main job seen from outside: how tests call it and how they compare two warehouses."""

import hashlib
import os
import sys
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parents[1]
SMALL_WORLD = ("--customers", "120", "--days", "20", "--seed", "11")
# Names of a load, a run or a moment of our own clock; everything else must be the same in two equal warehouses.
OWN_CLOCK_COLUMNS = {"_dlt_load_id", "_dlt_id"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "orchestration.cli", *arguments]


def environment(home: Path, code: Path = REPOSITORY, **more: str) -> dict[str, str]:
    """The environment of a run on `home` with the code in `code`."""
    path = os.pathsep.join(filter(None, [str(code), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PLUMBLINE_HOME": str(home), "PYTHONPATH": path, **more}


def fingerprints(warehouse: Path) -> dict[str, str]:
    """A hash of the content of every table, whatever the order of its rows, without our own clock's columns."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' "
            "and not starts_with(table_name, '_dlt') and not ends_with(table_schema, '_staging') order by all"
        ).fetchall()
        found = {}
        for schema, table in tables:
            relation = connection.table(f'"{schema}"."{table}"')
            columns = [f'"{name}"' for name in relation.columns if name not in OWN_CLOCK_COLUMNS]
            rows = sorted(map(repr, relation.project(", ".join(columns)).fetchall()))
            found[f"{schema}.{table}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found
