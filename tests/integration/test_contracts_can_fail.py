# ruff: noqa: S608 (names from our own contracts)
"""Every check of every contract fails on some defect: one is planted for each, and the contract must see it.

Column checks, keys and schemas get their defect by their kind. For a rule over rows a defect is searched: a column is
emptied or set to an extreme, rows are doubled or taken away, in its own table or in one that its query reads.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from main_job import REPOSITORY

from orchestration.soda import Contract, check_name, read_contracts, verify

CONTRACTS = read_contracts(REPOSITORY / "checks")
NAMES = [f"{contract.schema}.{contract.table}" for contract in CONTRACTS]
EXTREMES = {
    "VARCHAR": ["null", "''", "'~'", "'~' || rowid"],
    "BOOLEAN": ["null", "true", "false"],
    "TIMESTAMP": ["null", "timestamp '1900-01-01'", "timestamp '2200-01-01'"],
    "DATE": ["null", "date '1900-01-01'", "date '2200-01-01'"],
}
NUMBERS = ["null", "0", "-1", "1", "7777777"]


@pytest.fixture(scope="module")
def warehouse(finished_home: Path, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of a finished warehouse whose tables take any value."""
    path = tmp_path_factory.mktemp("defects") / "warehouse.duckdb"
    shutil.copy(finished_home / "warehouse.duckdb", path)
    with duckdb.connect(str(path)) as connection:
        for contract in CONTRACTS:
            table = f'"{contract.schema}"."{contract.table}"'
            connection.execute(f"create or replace table {table} as from {table}")
        yield connection


def columns(connection, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {table}").fetchall()}


def failed(contract: Contract, connection) -> set[str]:
    return {result.check_name for result in verify(contract, connection) if not result.passed}


@pytest.mark.parametrize("contract", CONTRACTS, ids=NAMES)
def test_what_is_said_of_columns_keys_and_schema_can_fail(warehouse, contract):
    table = f'"{contract.schema}"."{contract.table}"'
    content = yaml.safe_load(contract.path.read_text())
    stated = {column["name"]: {kind for check in column.get("checks") or [] for kind in check}
              for column in content["columns"]}  # fmt: skip
    types = columns(warehouse, table)
    expected = {
        check_name(path)
        for path in contract.checks
        if re.search(r"(^|\.)checks\.(missing|duplicate|invalid|schema)", path)
    }
    seen = set()
    warehouse.execute("begin")
    try:
        _fill(warehouse, table)
        seen |= _with(warehouse, contract, f"insert into {table} select * from {table}")  # every key is there twice
        emptied = [name for name, kinds in stated.items() if "missing" in kinds]
        seen |= _with(warehouse, contract, _set(table, {name: "null" for name in emptied}))
        invalid = [name for name, kinds in stated.items() if "invalid" in kinds]
        wrong = {name: "'~ ~'" if types[name] == "VARCHAR" else "-1" for name in invalid}
        seen |= _with(warehouse, contract, _set(table, wrong))
        seen |= _with(warehouse, contract, f"alter table {table} add column unforeseen_text varchar")
    finally:
        warehouse.execute("rollback")
    assert expected - seen == set()


def _with(connection, contract: Contract, defect: str | None) -> set[str]:
    """The checks that fail with the defect; the defect goes again."""
    if defect is None:
        return set()
    table = f'"{contract.schema}"."{contract.table}"'
    connection.execute(f"create or replace temp table kept as from {table}")
    connection.execute(defect)
    found = failed(contract, connection)
    connection.execute(f"create or replace table {table} as from kept")
    return found


def _fill(connection, table: str) -> None:
    """A first row and a second, where there are fewer."""
    if len(connection.execute(f"select 1 from {table} limit 2").fetchall()) < 2:
        types = columns(connection, table)
        row = ", ".join(f"cast({_filler(kind)} as {kind}) as {_quoted(name)}" for name, kind in types.items())
        connection.execute(f"insert into {table} by name select {row}")


def _set(table: str, values: dict[str, str]) -> str | None:
    changes = ", ".join(f"{_quoted(name)} = {value}" for name, value in values.items())
    return f"update {table} set {changes}" if changes else None


def _filler(kind: str) -> str:
    return {"VARCHAR": "'x'", "BOOLEAN": "true", "TIMESTAMP": "'2026-01-01'", "DATE": "'2026-01-01'"}.get(kind, "1")


def _quoted(name: str) -> str:
    return f'"{name}"'


def rules() -> Iterator:
    for contract in CONTRACTS:
        for check in yaml.safe_load(contract.path.read_text()).get("checks") or []:
            (kind, body), *_ = check.items()
            if kind == "failed_rows":
                name = f"{contract.schema}.{contract.table}:{body['qualifier']}"
                yield pytest.param(f"{contract.schema}.{contract.table}", body, id=name)


@pytest.mark.parametrize(("table", "rule"), list(rules()))
def test_a_rule_over_rows_can_fail(warehouse, table, rule):
    query = rule.get("query") or f"select * from {table} where {rule['expression']}"
    read = dict.fromkeys([table, *re.findall(r"\b(?:from|join)\s+([a-z_]+\.[a-z_0-9]+)", query)])
    assert _can_fail(warehouse, query, read), f"no defect makes this rule fail:\n{query}"


def test_every_dbt_test_can_fail(warehouse, finished_home):
    compiled = next((finished_home / "dbt/duckdb").glob("warehouse-*/compiled"))
    tests = [path for path in compiled.rglob("*.sql") if path.parent.suffix == ".yml" or "tests" in path.parts]
    assert len(tests) > 100
    never = [path.name for path in tests if not _can_fail(warehouse, path.read_text(), _relations(path.read_text()))]
    assert never == []


def _relations(query: str) -> list[str]:
    return [f"{schema}.{table}" for schema, table in dict.fromkeys(re.findall(r'"warehouse"\."(\w+)"\."(\w+)"', query))]


# Rules about values that no row of the sandbox has: their defects are written out.
WRITTEN = {
    "&removed=": "source_uri = 'kafka:events/0?from=0&removed=7'",
    "'^kafka:(.+)": "extract_id = 'kafka:events/0:' || 10 * rowid || '-' || 10 * rowid + 7",
    "rate_usd <> 1": "asset_code = 'USD', rate_usd = 2",
    "before.hash": "number = rowid, _extract_id = 'one', parent_hash = 'x', hash = 'y'",
}


def _can_fail(warehouse, query: str, read) -> bool:
    written = [f"update {next(iter(read))} set {change}" for said, change in WRITTEN.items() if said in query]
    for where in read:
        for defect in [*_defects(warehouse, where, query), *written]:
            warehouse.execute("begin")
            try:
                for _ in range(2):
                    _fill(warehouse, where)
                warehouse.execute(defect)
                if warehouse.execute(f"select 1 from ({query}) limit 1").fetchall():
                    return True
            except duckdb.ConversionException:
                continue  # this extreme is no value of this type
            finally:
                warehouse.execute("rollback")
    return False


def _defects(connection, table: str, query: str) -> Iterator[str]:
    kinds = columns(connection, table)
    said = [name for name in kinds if re.search(rf"\b{name}\b", query)]
    yield f"delete from {table}"
    yield f"insert into {table} select * from {table} limit 1"
    yield f"delete from {table} where rowid = (select max(rowid) from {table})"
    for name, kind in kinds.items():
        literals = re.findall(r"'[a-z_]+'", query) if kind == "VARCHAR" and name in said else []
        alike = [other for other in said if name in said and other != name and kinds[other] == kind]
        tenfold = [f"{_quoted(name)} * 10"] if kind not in EXTREMES and name in said else []
        for value in [*EXTREMES.get(kind, NUMBERS), *literals, *map(_quoted, alike), *tenfold]:
            yield f"update {table} set {_quoted(name)} = {value}"
        if alike:
            yield _set(table, {other: "null" for other in (name, *alike)})
        if kind in ("DATE", "TIMESTAMP") and name in said:
            later = f"cast({_quoted(name)} + interval 400 day as {kind}) as {_quoted(name)}"
            yield f"insert into {table} select * replace ({later}) from {table} limit 1"
