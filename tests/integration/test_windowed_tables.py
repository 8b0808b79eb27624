"""A feature table that a kernel writes, whole or by day, holds what the model's SQL says: every row, every column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from dbt_command import compiled, dbt
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracles import population

from analytics import feature_tables
from analytics.feature_tables import Built, Table

LEGS_TABLE = "intermediate.int_transfer_legs"
MODEL = "feat_transfer__velocity"
START = datetime(2026, 1, 1)
ACCOUNTS = {"A1": "P1", "A2": "P1", "A3": "P2", "A4": "P3"}
# Windows end exactly at an event, or a microsecond before or after it.
LENGTHS = [0, 1, 8, 24, 48, 168, 720, 2160]
TINY, DAY = timedelta(microseconds=1), timedelta(days=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made population with the velocity features as dbt builds them when the kernel is asked for."""
    home = tmp_path_factory.mktemp("windowed")
    population.make().write(home / "warehouse.duckdb")
    failed = dbt(home, "run", "--select", MODEL, "--vars", "kernel_least_legs: 0").failed
    assert not failed, failed
    return home


@pytest.fixture(scope="module")
def table(built: Path) -> Table:
    """The velocity table as the materialization hands it over."""
    select = compiled(MODEL)
    legs = select[select.index("select") : select.index("\n),")]
    return Table(relation=f'"features"."{MODEL}"', name=MODEL, select=select, legs=legs)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with an empty table of legs."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        create_legs(con)
        yield con


def create_legs(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists intermediate; create schema if not exists features")
    con.execute(
        f"create or replace table {LEGS_TABLE} (leg_id varchar, transfer_id varchar, transfer_type_code varchar, "
        "status_code varchar, direction_code varchar, party_id varchar, account_id varchar, counterparty_id varchar, "
        "event_at timestamp, event_date date, amount_usd decimal(18,2))"
    )


def leg(number: int, account: str, side: str, at: datetime, usd: Decimal | None, counterparty: str | None) -> dict:
    return {
        "leg_id": f"T{number}:{side}", "transfer_id": f"T{number}", "transfer_type_code": "deposit",
        "status_code": "completed", "direction_code": side, "party_id": ACCOUNTS[account], "account_id": account,
        "counterparty_id": counterparty, "event_at": at, "event_date": at.date(), "amount_usd": usd,
    }  # fmt: skip


def deliver(con: duckdb.DuckDBPyConnection, legs: list[dict]) -> None:
    """Makes the legs what the warehouse knows, in place of what it knew."""
    con.execute(f"delete from {LEGS_TABLE}")  # noqa: S608 (a constant)
    if legs:
        marks = ", ".join(f"${name}" for name in legs[0])
        con.executemany(f"insert into {LEGS_TABLE} values ({marks})", legs)  # noqa: S608 (names of columns)


def build(con: duckdb.DuckDBPyConnection, table: Table, **options) -> Built:
    return feature_tables.build(
        con, table, LEGS_TABLE, **{"least_legs": 0, "full_refresh": False, "most_touched": 100.0, **options}
    )


def differing(con: duckdb.DuckDBPyConnection, table: Table) -> list[tuple]:
    """Rows of the table that the model's SQL does not give, and the other way round; duplicates count."""
    mine, theirs = f"from {table.relation}", f"from ({table.select})"
    return con.execute(f"({mine} except all {theirs}) union all ({theirs} except all {mine})").fetchall()


times = st.builds(
    lambda hours, more, edge: START + timedelta(hours=hours + more) + edge * TINY,
    st.sampled_from(LENGTHS), st.sampled_from([0, 0, *LENGTHS]), st.sampled_from([0, 0, 0, -1, 1]),
)  # fmt: skip
amounts = st.none() | st.decimals(0, 20_000, places=2)
counterparties = st.sampled_from([None, "C1", "C2", "C3"])
new_legs = st.builds(
    leg,
    st.integers(0, 40), st.sampled_from(list(ACCOUNTS)), st.sampled_from(["in", "out"]), times, amounts, counterparties,
)  # fmt: skip
# What may be said of one leg from one run to the next: it vanishes, or one of its columns is another.
corrections = st.one_of(
    st.just(None),
    st.builds(lambda at: {"event_at": at, "event_date": at.date()}, times),
    st.builds(lambda usd: {"amount_usd": usd}, amounts),
    st.builds(lambda one: {"counterparty_id": one}, counterparties),
    st.builds(lambda side: {"direction_code": side}, st.sampled_from(["in", "out", "none"])),
    st.builds(lambda status: {"status_code": status}, st.sampled_from(["completed", "failed"])),
    st.builds(lambda account: {"account_id": account, "party_id": ACCOUNTS[account]}, st.sampled_from(list(ACCOUNTS))),
    st.just({"party_id": None}),
)
runs = st.tuples(
    st.lists(new_legs, max_size=4), st.lists(st.tuples(st.integers(0, 30), corrections), max_size=2)
)  # fmt: skip


@given(first=st.lists(new_legs, min_size=4, max_size=25), later=st.lists(runs, min_size=1, max_size=5))
@settings(
    max_examples=20, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_history_of_arrivals_is_a_full_rebuild(first: list[dict], later: list, table: Table, connection) -> None:
    known = {one["leg_id"]: one for one in first}
    deliver(connection, list(known.values()))
    assert build(connection, table, full_refresh=True).how == "whole"
    assert differing(connection, table) == []
    for arrivals, changes in later:
        known |= {one["leg_id"]: one for one in arrivals}
        for number, change in changes:
            leg_id = sorted(known)[number % len(known)]
            known[leg_id] = {**known[leg_id], **change} if change else known[leg_id]
            if not change and len(known) > 1:
                del known[leg_id]
        deliver(connection, list(known.values()))
        assert build(connection, table).how in ("increment", "unchanged")
        assert differing(connection, table) == []


@pytest.fixture
def quarter(connection) -> duckdb.DuckDBPyConnection:
    """Three parties with a leg a day each over 200 days, the first with two at one instant."""
    legs = [
        leg(3 * day + number, account, "in" if day % 3 else "out", START + day * DAY, Decimal(day + 1), f"C{day % 5}")
        for day in range(200)
        for number, account in enumerate(("A1", "A2", "A3"))
    ]  # fmt: skip
    deliver(connection, legs)
    return connection


def test_only_rows_whose_windows_may_have_changed_are_written(quarter, table: Table) -> None:
    assert build(quarter, table) == Built("whole", 600)
    assert build(quarter, table) == Built("unchanged", 0)

    quarter.execute(f"update {LEGS_TABLE} set amount_usd = null where leg_id = 'T152:in'")  # noqa: S608 (a constant)
    # the party of one leg a day: from that leg to the last whose windows reach back to it
    assert build(quarter, table) == Built("increment", 91)
    assert differing(quarter, table) == []

    newest = leg(9_000, "A1", "in", START + 200 * DAY, Decimal(5), "C1")
    quarter.execute(f"insert into {LEGS_TABLE} by name select unnest($1)", [newest])
    assert build(quarter, table) == Built("increment", 1)
    assert differing(quarter, table) == []


def test_what_pays_more_whole_is_built_whole(quarter, table: Table) -> None:
    build(quarter, table)
    quarter.execute(f"update {LEGS_TABLE} set amount_usd = amount_usd + 1")  # noqa: S608 (a constant)
    assert build(quarter, table, most_touched=0.25) == Built("whole", 600)
    assert differing(quarter, table) == []


@pytest.mark.parametrize("defect", [
    "delete from features.feat_transfer__velocity where event_date = date '2026-02-01'",
    "drop table features.feat_transfer__velocity",
    "drop table increments.feat_transfer__velocity",
    "comment on table increments.feat_transfer__velocity is 'another definition'",
])  # fmt: skip
def test_a_table_that_is_not_what_the_last_build_left_is_built_whole(defect: str, quarter, table: Table) -> None:
    build(quarter, table)
    quarter.execute(defect)
    assert build(quarter, table).how == "whole"
    assert differing(quarter, table) == []


@pytest.mark.parametrize("part", ["select", "legs"])
def test_another_definition_rebuilds_by_itself(part: str, quarter, table: Table) -> None:
    build(quarter, table)
    other = replace(table, **{part: getattr(table, part) + " -- other parameters\n"})
    assert build(quarter, other).how == "whole"
    assert build(quarter, other).how == "unchanged"


@pytest.mark.parametrize("strange", [
    "update {} set amount_usd = -1 where transfer_id = 'T100'",
    "update {} set amount_usd = 9999999999999999 where transfer_id = 'T100'",
    "update {} set party_id = 'P9' where transfer_id = 'T100'",
    "update {} set event_at = null where transfer_id = 'T100'",
])  # fmt: skip
def test_legs_that_do_not_fit_the_kernel_are_computed_by_the_sql(strange: str, quarter, table: Table, caplog) -> None:
    build(quarter, table)
    quarter.execute(strange.format(LEGS_TABLE))
    assert build(quarter, table) == Built("sql", 600)
    assert "built by its SQL" in caplog.text
    assert differing(quarter, table) == []


def test_a_later_chunk_that_does_not_fit_is_no_failure(quarter, table: Table, monkeypatch) -> None:
    monkeypatch.setattr(feature_tables, "CHUNK_LEGS", 100)
    assert build(quarter, table) == Built("whole", 600)
    assert differing(quarter, table) == []
    quarter.execute(f"update {LEGS_TABLE} set amount_usd = -1 where transfer_id = 'T152'")  # noqa: S608 (a constant)
    assert build(quarter, table, full_refresh=True) == Built("sql", 600)


def test_an_increment_that_dies_leaves_what_was_there(quarter, table: Table) -> None:
    build(quarter, table)
    before = quarter.execute(f"from {table.relation} order by all").fetchall()
    late = leg(9_000, "A1", "in", START, Decimal(5), "C1")
    quarter.execute(f"insert into {LEGS_TABLE} by name select unnest($1)", [late])
    quarter.execute(f"alter table {table.state} add column surprise integer")
    with pytest.raises(duckdb.BinderException, match="5 columns"):  # at the last statement, after rows were replaced
        build(quarter, table)
    assert quarter.execute(f"from {table.relation} order by all").fetchall() == before
    quarter.execute(f"alter table {table.state} drop column surprise")
    assert build(quarter, table).how == "increment"
    assert differing(quarter, table) == []


def test_few_legs_are_computed_by_the_sql_and_later_builds_know(quarter, table: Table) -> None:
    build(quarter, table)
    assert build(quarter, table, least_legs=601) == Built("sql", 600)
    assert build(quarter, table) == Built("whole", 600)


def test_dbt_builds_by_the_kernel_and_keeps_the_sql(built: Path, table: Table) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb")) as con:
        assert con.execute("select count(*) from increments.feat_transfer__velocity").fetchall()[0][0] > 100
        assert differing(con, table) == []
        assert build(con, table, full_refresh=True).how == "whole"
        assert differing(con, table) == []
