"""Whether the tables of a warehouse are what today's code makes of what is loaded.

Belongs here: the note that a whole build leaves, and comparing with it. Not here: building (dbt.py). Without the note
nothing is known, and whoever needs tables builds them.
"""

import hashlib
from pathlib import Path

import duckdb

from orchestration import dbt


def ingredients(connection: duckdb.DuckDBPyConnection) -> str:
    """What a build is made of: the version of the code, and every completed load of raw."""
    digest = hashlib.sha256(dbt.code_version().encode())
    look = (
        "select table_schema from information_schema.tables where starts_with(table_schema, 'raw_') "
        "and table_name = '_dlt_loads' order by all"
    )
    for (schema,) in connection.execute(look).fetchall():
        loads = connection.table(f"{schema}._dlt_loads").project("load_id, status").order("load_id").fetchall()
        digest.update(f"{schema} {loads}".encode())
    return digest.hexdigest()


def note(made_of: str) -> None:
    """Notes that everything was built, out of these ingredients."""
    _path().write_text(made_of)


def forget() -> None:
    """From here on nothing is known, until everything is built again."""
    _path().unlink(missing_ok=True)


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether everything in the warehouse of this data directory was built out of what there is now."""
    return _path().exists() and _path().read_text() == ingredients(connection)


def _path() -> Path:
    return dbt.artifacts() / ".built"
