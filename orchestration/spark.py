"""The hand-over between the embedded warehouse and Spark, for `plumbline run --target spark`.

Loading always goes to DuckDB: dlt, control totals and raw contracts are the same on both targets. What follows is
dbt's, and with `--target spark` dbt builds the same project on Spark from Parquet copies of raw. Belongs here: the
copies on the way in, the view on the results on the way out. Not here: Spark's own settings (dbt_project/profiles.yml).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.home import home


def export_raw(connection: duckdb.DuckDBPyConnection) -> int:
    """Writes every raw table to Parquet where dbt's `attach_raw_tables` looks for it; returns how many there were.

    The copies are replaced as a whole, so that a table that lost rows in DuckDB cannot live on in Spark.
    """
    folder = home() / "spark/raw"
    shutil.rmtree(folder, ignore_errors=True)
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema like 'raw\\_%' escape '\\' and table_schema not like '%\\_staging' escape '\\' order by all"
    ).fetchall()
    for schema, table in tables:
        target = folder / schema / table.lstrip("_")  # Spark takes a folder that begins with an underscore for hidden
        target.mkdir(parents=True)
        relation = connection.table(f'"{schema}"."{table}"')
        relation.write_parquet(str(target / "part.parquet"))
    return len(tables)


@contextmanager
def open_results() -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that shows every table Spark built under its own schema and name.

    Contracts, accounting and publication read Spark's results through it with the queries they use on DuckDB.
    """
    connection = duckdb.connect()
    try:
        for table in sorted((home() / "spark/warehouse").glob("*.db/*")):
            schema = table.parent.name.removesuffix(".db")
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'use "{schema}"')  # a relation makes its view in the current schema
            read_table(connection, table).create_view(table.name)
        connection.execute("use main")
        yield connection
    finally:
        connection.close()


def read_table(connection: duckdb.DuckDBPyConnection, folder: Path) -> duckdb.DuckDBPyRelation:
    """A Spark table folder as a relation; timestamps come back as UTC without a zone, as on DuckDB."""
    relation = connection.read_parquet(str(folder / "*.parquet"))
    columns = [
        f'"{name}" at time zone \'UTC\' as "{name}"' if "TIME ZONE" in str(kind) else f'"{name}"'
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    return relation.project(", ".join(columns))
