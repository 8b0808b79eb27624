"""Publishing the marts for readers.

Belongs here: writing a version aside and switching readers to it in one step. Not here: whether it may be published
(assets/published.py, which the blocking checks stand before).

Readers open `published/current/plumbline.duckdb` or `published/current/parquet/<table>.parquet`. `current` is a
symbolic link and its replacement is one rename: a reader sees the old version whole or the new one whole, and one that
has the old file open keeps it.

The file is not named after the schema: in DuckDB a file's name is its catalogue, and `marts.fct_alerts` would then be
ambiguous for every reader.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb

SCHEMA = "marts"
# Drivers of DuckDB 1.4, which BI tools ship today, open this format; the default of 2.0 they do not.
STORAGE_VERSION = "v1.2.0"
KEPT_VERSIONS = 2
FILE = "plumbline.duckdb"

Comments = Mapping[tuple[str, str | None], str]


def publish(
    connection: duckdb.DuckDBPyConnection, folder: Path, version: str, comments: Comments | None = None
) -> dict[str, int]:
    """Writes all tables of schema marts as `folder/<version>` and makes it current; returns rows by table.

    `comments` maps (table, column or None for the table) to its description. A version that could not be written
    leaves no trace and `current` as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{version}"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        rows = _write(connection, draft, comments or {})
        (draft / "version.json").write_text(json.dumps({"version": version, "rows": rows}, indent=2) + "\n")
        draft.rename(folder / version)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _switch(folder, version)
    _forget(folder, version)
    return rows


def current(folder: Path) -> Path | None:
    """The folder of the current version, with the link resolved; None before the first publication."""
    link = folder / "current"
    return link.resolve() if link.exists() else None


def _write(connection: duckdb.DuckDBPyConnection, draft: Path, comments: Comments) -> dict[str, int]:
    (draft / "parquet").mkdir(parents=True)
    tables = [
        name
        for (name,) in connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = ? and table_catalog = current_database() order by table_name",
            [SCHEMA],
        ).fetchall()
    ]
    if not tables:
        raise ValueError(f"There is no table in schema {SCHEMA}: nothing to publish.")
    rows = {}
    connection.execute(f"attach {_text(draft / FILE)} as published (storage_version '{STORAGE_VERSION}')")
    try:
        connection.execute(f"create schema published.{SCHEMA}")
        for table in tables:
            source, copy = f'{SCHEMA}."{table}"', f'published.{SCHEMA}."{table}"'
            connection.execute(f"create table {copy} as from {source}")
            parquet = draft / "parquet" / f"{table}.parquet"
            connection.execute(f"copy {copy} to {_text(parquet)} (format parquet, compression zstd)")
            rows[table] = connection.execute(f"select count(*) from {copy}").fetchall()[0][0]  # noqa: S608 (from the catalogue)
            for column in [None, *_columns(connection, table)]:
                if text := comments.get((table, column)):
                    what = f'column {copy}."{column}"' if column else f"table {copy}"
                    connection.execute(f"comment on {what} is {_text(text)}")
    finally:
        connection.execute("detach published")
    return rows


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    found = connection.execute(
        "select column_name from duckdb_columns() where database_name = 'published' and table_name = ?", [table]
    ).fetchall()
    return [name for (name,) in found]


def _text(value: object) -> str:
    """A SQL text literal; these statements take no parameters."""
    return "'" + str(value).replace("'", "''") + "'"


def _switch(folder: Path, version: str) -> None:
    link = folder / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(version)
    link.replace(folder / "current")


def _forget(folder: Path, version: str) -> None:
    versions = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and path.name != version]
    for path in sorted(versions, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_VERSIONS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
