"""Columns of what dbt built, and which columns of its parents each comes from.

Belongs here: reading columns from the engine and lineage from compiled SQL. Not here: running dbt (dbt.py).

dagster-dbt can do this too (`fetch_column_metadata`), but parses a model's SQL once for every column, which took more
than a minute for this project on every run, and it leaves a connection to the warehouse open in this process, on which
the next writer fails. Here a model is parsed once, and its lineage kept until its SQL or a parent's columns change.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from dagster import AssetKey, TableColumn, TableColumnDep, TableColumnLineage, TableSchema
from dagster._core.definitions.metadata import TableMetadataSet

Columns = Mapping[str, str]  # name -> type
Lineage = dict[str, list[list[str]]]  # column -> [[schema, table, column], ...]

KEPT_LINEAGES = 2_000
logger = logging.getLogger(__name__)


def columns_of(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Columns]:
    """Columns with their types of every table and view, by (schema, name)."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    rows = connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() order by ordinal_position"
    ).fetchall()
    for schema, table, column, kind in rows:
        found.setdefault((schema, table), {})[column] = kind
    return found


class LineageCache:
    """Lineages by fingerprint of SQL and parents' columns, in one file of the data directory."""

    def __init__(self, path: Path):
        self._path = path
        self._kept: dict[str, Lineage] = json.loads(path.read_text()) if path.exists() else {}
        self._used: dict[str, Lineage] = {}

    def get(self, sql: str, parents: Mapping[tuple[str, str], Columns], dialect: str) -> Lineage:
        """The lineage of a query; empty, with a warning, where it cannot be told."""
        names = sorted((*table, *sorted(columns)) for table, columns in parents.items())
        key = hashlib.sha256(json.dumps([dialect, sql, names]).encode()).hexdigest()
        if key not in self._used:
            self._used[key] = self._kept[key] if key in self._kept else _lineage(sql, parents, dialect)
        return self._used[key]

    def save(self) -> None:
        """Writes what is new; forgets what this run did not use once there is too much of it."""
        if not set(self._used) - set(self._kept):
            return
        merged = {**self._kept, **self._used}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(merged if len(merged) <= KEPT_LINEAGES else self._used))
        temporary.replace(self._path)


def metadata_of(
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    columns: Mapping[tuple[str, str], Columns],
    compiled: Path,
    cache: LineageCache,
) -> dict[str, Any]:
    """Dagster's metadata about the columns of a dbt node: their types and, for a model, where they come from."""
    built = columns.get(relation(node))
    if not built:
        return {}
    described = {name.lower(): column.get("description") for name, column in node.get("columns", {}).items()}
    schema = TableSchema([TableColumn(name, kind, described.get(name.lower())) for name, kind in built.items()])
    lineage = of_model(node, manifest, columns, compiled, cache)
    if lineage is None:
        return dict(TableMetadataSet(column_schema=schema))
    deps = {
        column: [TableColumnDep(AssetKey([schema, table]), source) for schema, table, source in lineage.get(column, [])]
        for column in built
    }
    return dict(TableMetadataSet(column_schema=schema, column_lineage=TableColumnLineage(deps)))


def of_model(
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    columns: Mapping[tuple[str, str], Columns],
    compiled: Path,
    cache: LineageCache,
) -> Lineage | None:
    """Where the columns of a model come from, out of its compiled SQL; None for a seed and what was not compiled."""
    path = compiled / node["package_name"] / node["original_file_path"]
    if node["resource_type"] != "model" or not path.exists():
        return None
    nodes = {**manifest["nodes"], **manifest["sources"]}
    parents = [relation(nodes[parent]) for parent in node["depends_on"]["nodes"] if parent in nodes]
    known = {parent: columns[parent] for parent in parents if parent in columns}
    return cache.get(path.read_text(encoding="utf-8"), known, manifest["metadata"]["adapter_type"])


def relation(node: Mapping[str, Any]) -> tuple[str, str]:
    """(schema, table) of a dbt node or source."""
    return node["schema"], node.get("alias") or node.get("identifier") or node["name"]


def _lineage(sql: str, parents: Mapping[tuple[str, str], Columns], dialect: str) -> Lineage:
    from sqlglot import lineage as sqlglot_lineage
    from sqlglot.errors import SqlglotError

    schema: dict[str, dict[str, Columns]] = {}
    for (name, table), columns in parents.items():
        schema.setdefault(name, {})[table] = columns
    # Compiled SQL names tables with their catalogue, of which there is one.
    try:
        nodes = sqlglot_lineage.lineage(
            None, _without_catalogue(sql, dialect), schema, dialect=dialect, trim_selects=False
        )
        return {column: _leaves(node, parents) for column, node in nodes.items()}
    except (SqlglotError, ValueError, KeyError, RecursionError) as error:
        logger.warning("No column lineage for %s ...: %s", " ".join(sql.split())[:80], error)
        return {}


def _without_catalogue(sql: str, dialect: str):
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect=dialect)
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    return tree


def _leaves(root, parents: Mapping[tuple[str, str], Columns]) -> list[list[str]]:
    """Columns of parents at the ends of a lineage graph; each node is visited once, as CTEs are shared widely."""
    from sqlglot import exp

    found, seen, waiting = set(), set(), [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.downstream
        table = None if node.downstream else node.expression.find(exp.Table)
        if table is not None and (table.db, table.name) in parents:
            found.add((table.db, table.name, exp.to_column(node.name).name))
    return sorted(map(list, found))
