"""The published marts in PostgreSQL, for BI tools that read a server.

Belongs here: copying one published version into a database and switching readers to it. Not here: whether it may be
published (assets/published.py, which the blocking checks stand before) and what the version holds (publication.py).

A version is loaded as schema `marts_next`, beside the one that is read, and takes the name `marts` in one transaction
that holds every table of the old one, so that no statement sees tables of both. The role `plumbline_reader` may read
them and nothing else; grant it to the logins of the BI tools.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from orchestration.publication import FILE, SCHEMA, Comments

NEXT, PREVIOUS = f"{SCHEMA}_next", f"{SCHEMA}_previous"
READER = "plumbline_reader"
# Below PostgreSQL's deadlock_timeout of a second: the switch gives way to readers, no reader is ever ended for it.
LOCK_MILLISECONDS = 500
SWITCH_SECONDS = 120.0
BLOCK_BYTES = 1 << 20
TYPES = {
    "BOOLEAN": "boolean", "TINYINT": "smallint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
    "HUGEINT": "numeric(39, 0)", "UBIGINT": "numeric(20, 0)", "FLOAT": "real", "DOUBLE": "double precision",
    "VARCHAR": "text", "DATE": "date", "TIMESTAMP": "timestamp",
}  # fmt: skip


class PostgresError(Exception):
    """The marts could not be published to PostgreSQL; readers still see the version before."""


def publish(version: Path, credentials: str, comments: Comments | None = None) -> dict[str, int]:
    """Copies the marts of `version`, a folder that publication.py made, and switches readers; returns rows by table.

    `credentials` is a postgresql:// address of a role that may create schemas and, the first time, roles. Whatever is
    under the names `marts_next` and `marts_previous` is replaced. A copy that fails or is killed leaves readers with
    what they had. Raises PostgresError with what to do.
    """
    try:
        with psycopg.connect(credentials, autocommit=True) as server:
            server.execute("select pg_advisory_lock(hashtext('plumbline'))")  # released when the connection ends
            rows = _load(version, server, comments or {})
            _allow_reading(server)
            _switch(server)
            return rows
    except psycopg.Error as problem:
        raise PostgresError(
            f"PostgreSQL did not take the marts: {' '.join(str(problem).split())} Readers there still see the version "
            "before. Put it right and run again, or take publication.postgres.credentials out of dlt's secrets."
        ) from problem


def _load(version: Path, server: psycopg.Connection, comments: Comments) -> dict[str, int]:
    for schema in (NEXT, PREVIOUS):
        _drop(server, schema)
    server.execute(sql.SQL("create schema {}").format(sql.Identifier(NEXT)))
    rows = {}
    with duckdb.connect(str(version / FILE), read_only=True) as marts, tempfile.TemporaryDirectory() as folder:
        columns = _columns(marts)
        for table, kinds in columns.items():
            with server.transaction():
                rows[table] = _copy(marts, server, table, kinds, Path(folder) / "rows.csv")
                _comment(server, table, kinds, comments)
            server.execute(sql.SQL("analyze {}").format(sql.Identifier(NEXT, table)))
    return rows


def _columns(marts: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Columns with their PostgreSQL types, by table."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in marts.execute(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = ? "
        "and database_name = current_database() order by table_name, column_index",
        [SCHEMA],
    ).fetchall():
        name = kind.partition("(")[0]
        if name != "DECIMAL" and kind not in TYPES:
            raise PostgresError(f"{SCHEMA}.{table}.{column} has the type {kind}, for which PostgreSQL has none here.")
        found.setdefault(table, {})[column] = kind.replace("DECIMAL", "numeric") if name == "DECIMAL" else TYPES[kind]
    return found


def _copy(
    marts: duckdb.DuckDBPyConnection, server: psycopg.Connection, table: str, kinds: Mapping[str, str], file: Path
) -> int:
    described = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in kinds.items()
    )
    target = sql.Identifier(NEXT, table)
    server.execute(sql.SQL("create table {} ({})").format(target, described))
    relation = marts.table(f'{SCHEMA}."{table}"')
    relation.write_csv(str(file), header=False, na_rep="", quotechar='"', escapechar='"')
    loading = sql.SQL("copy {} from stdin (format csv)").format(target)
    with server.cursor() as cursor:
        with file.open("rb") as stream, cursor.copy(loading) as copy:
            while block := stream.read(BLOCK_BYTES):
                copy.write(block)
        (expected,) = relation.count("*").fetchall()[0]
        if cursor.rowcount != expected:
            raise PostgresError(f"PostgreSQL took {cursor.rowcount:,} of the {expected:,} rows of {SCHEMA}.{table}.")
    return expected


def _comment(server: psycopg.Connection, table: str, kinds: Mapping[str, str], comments: Comments) -> None:
    for column in [None, *kinds]:
        if text := comments.get((table, column)):
            what = sql.SQL("column {}") if column else sql.SQL("table {}")
            name = sql.Identifier(NEXT, table, column) if column else sql.Identifier(NEXT, table)
            server.execute(sql.SQL("comment on {} is {}").format(what.format(name), sql.Literal(text)))


def _allow_reading(server: psycopg.Connection) -> None:
    reader, schema = sql.Identifier(READER), sql.Identifier(NEXT)
    if not server.execute("select 1 from pg_roles where rolname = %s", [READER]).fetchall():
        server.execute(sql.SQL("create role {} nologin").format(reader))
    server.execute(sql.SQL("grant usage on schema {} to {}").format(schema, reader))
    server.execute(sql.SQL("grant select on all tables in schema {} to {}").format(schema, reader))


def _switch(server: psycopg.Connection) -> None:
    """Gives the new schema the name that readers use, between two of their statements."""
    rename = sql.SQL("alter schema {} rename to {}")
    there = server.execute("select 1 from pg_namespace where nspname = %s", [SCHEMA]).fetchall()
    away = [rename.format(sql.Identifier(SCHEMA), sql.Identifier(PREVIOUS))] if there else []
    _between_readers(server, SCHEMA, [*away, rename.format(sql.Identifier(NEXT), sql.Identifier(SCHEMA))])
    _drop(server, PREVIOUS)


def _drop(server: psycopg.Connection, schema: str) -> None:
    statement = sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
    _between_readers(server, schema, [statement])


def _between_readers(server: psycopg.Connection, schema: str, statements: Sequence[sql.Composed]) -> None:
    """Executes the statements as one transaction that has every table of the schema to itself.

    Where a reader is in the way it gives up and tries again, so that readers wait half a second at most and are never
    caught in a deadlock.
    """
    deadline = time.monotonic() + SWITCH_SECONDS
    while True:
        try:
            with server.transaction():
                server.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_MILLISECONDS)))
                _lock(server, schema)
                for statement in statements:
                    server.execute(statement)
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as busy:
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"Queries on {SCHEMA} left no moment to switch to the new version for {SWITCH_SECONDS:.0f} s; "
                    "readers still see the version before. Run again when the long ones are done."
                ) from busy
            time.sleep(LOCK_MILLISECONDS / 1000)


def _lock(server: psycopg.Connection, schema: str) -> None:
    tables = server.execute(
        "select tablename from pg_tables where schemaname = %s order by tablename", [schema]
    ).fetchall()
    if tables:
        names = sql.SQL(", ").join(sql.Identifier(schema, table) for (table,) in tables)
        server.execute(sql.SQL("lock table {} in access exclusive mode").format(names))
