"""dbt macros without dbt: rendered by Jinja as dbt does it, run on DuckDB in memory."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from jinja2 import Environment

MACROS = Path(__file__).resolve().parents[3] / "dbt_project/macros"
FILES = ("engine.sql", "addresses.sql", "hashes.sql", "money.sql")


class _Adapter:
    """Stands in for dbt's adapter: finds the DuckDB variant of a dispatched macro."""

    def __init__(self, macros: dict[str, Callable]):
        self.macros = macros

    def dispatch(self, name: str) -> Callable:
        return self.macros.get(f"duckdb__{name}") or self.macros[f"default__{name}"]


@pytest.fixture(scope="session")
def macro() -> Callable[..., str]:
    """macro(name, *arguments, **arguments) -> the SQL that the macro writes for DuckDB."""
    source = "\n".join((MACROS / name).read_text() for name in FILES)
    environment = Environment(extensions=["jinja2.ext.do"])
    macros: dict[str, Callable] = {}
    environment.globals |= {
        "adapter": _Adapter(macros),
        "return": lambda value: value,
        "execute": True,
        "env_var": lambda name, default=None: "a test's key",
    }
    module = environment.from_string(source).make_module()
    macros |= {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return lambda name, *arguments, **named: str(macros[name](*arguments, **named))


@pytest.fixture(scope="session")
def evaluate() -> Callable[..., list]:
    """evaluate(sql, value, ...) -> the first column of `select sql`, values given as $1, $2, ..."""
    connection = duckdb.connect()

    def run(sql: str, *values: object) -> list:
        query = f"select {sql} from (select {_parameters(values)}) as given"  # noqa: S608 (what a macro wrote)
        rows = connection.execute(query, list(values)).fetchall()
        return [value for (value,) in rows]

    def _parameters(values: tuple) -> str:
        return ", ".join(f"${number} as v{number}" for number in range(1, len(values) + 1))

    return run
