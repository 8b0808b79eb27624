"""The marts in a real PostgreSQL: the same values, read only, and never half a version."""

import threading
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
import pytest
from dagster import materialize
from postgres_server import ADMIN, server

from orchestration import postgres, publication

ROWS = [
    ("a", "", Decimal("1.500000000000000001"), datetime(2026, 1, 1, 0, 0, 0, 500000), date(2026, 1, 1), True, 2**40),
    ('quoted "b",\nand a line', "\\N", None, None, None, None, None),
    ("NULL", None, Decimal(-3), datetime(2026, 1, 1), date(1900, 1, 1), False, -1),
]


@pytest.fixture(scope="module")
def port():
    with server() as number:
        with psycopg.connect(f"postgresql://{ADMIN}@127.0.0.1:{number}/postgres", autocommit=True) as admin:
            admin.execute("create role bi_tool login password 'a test'")
        yield number


@pytest.fixture
def credentials(port, request) -> str:
    """The address of a database of this test, as the owner of the marts."""
    name = f"marts_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(f"postgresql://{ADMIN}@127.0.0.1:{port}/postgres", autocommit=True) as admin:
        admin.execute(f"create database {name}")
    return f"postgresql://{ADMIN}@127.0.0.1:{port}/{name}"


def version(folder: Path, number: int, extra: str = "select 1 as one") -> Path:
    """A published version whose two tables both hold its number."""
    with duckdb.connect() as warehouse:
        warehouse.execute("create schema marts")
        warehouse.execute(
            "create table marts.fct_a (name varchar, note varchar, amount decimal(38, 18), at_time timestamp, "
            "day date, is_it boolean, n bigint)"
        )
        warehouse.executemany("insert into marts.fct_a values (?, ?, ?, ?, ?, ?, ?)", ROWS)
        warehouse.execute(f"create table marts.dim_b as select {number} as version_no")
        warehouse.execute(f"create table marts.dim_c as select {number} as version_no")
        warehouse.execute(f"create table marts.dim_d as {extra}")
        publication.publish(warehouse, folder, f"v{number}")
    return publication.current(folder)


COMMENTS = {("fct_a", None): "It's a table.", ("fct_a", "amount"): "USD; never null."}


def test_every_value_arrives_with_its_type_and_description(credentials, tmp_path):
    assert postgres.publish(version(tmp_path, 1), credentials, COMMENTS)["fct_a"] == 3
    with psycopg.connect(credentials) as reader:
        assert reader.execute("select * from marts.fct_a").fetchall() == ROWS
        types = dict(
            reader.execute(
                "select column_name, data_type from information_schema.columns where table_name = 'fct_a'"
            ).fetchall()
        )
        assert (
            types["amount"] == "numeric"
            and types["at_time"] == "timestamp without time zone"
            and types["n"] == "bigint"
        )
        comments = reader.execute(
            "select obj_description('marts.fct_a'::regclass), col_description('marts.fct_a'::regclass, 3)"
        ).fetchall()
        assert comments == [("It's a table.", "USD; never null.")]


def test_readers_read_and_do_nothing_else(credentials, tmp_path):
    postgres.publish(version(tmp_path, 1), credentials)
    with psycopg.connect(credentials, autocommit=True) as owner:
        owner.execute(f"grant {postgres.READER} to bi_tool")
    with psycopg.connect(credentials.replace(f"{ADMIN}@", "bi_tool:a%20test@"), autocommit=True) as tool:
        assert tool.execute("select version_no from marts.dim_b").fetchall() == [(1,)]
        for forbidden in ("delete from marts.dim_b", "create table marts.mine (n int)", "drop schema marts cascade"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                tool.execute(forbidden)


def test_no_statement_sees_two_versions(credentials, tmp_path):
    """Readers join two tables without a pause while versions are switched; none of them fails or sees a mixture."""
    made = [version(tmp_path / str(number), number) for number in range(1, 6)]
    postgres.publish(made[0], credentials)
    seen, problems, over = set(), [], threading.Event()

    def read() -> None:
        with psycopg.connect(credentials, autocommit=True) as reader:
            while not over.is_set():
                try:
                    seen.update(
                        reader.execute("select b.version_no, c.version_no from marts.dim_c c, marts.dim_b b").fetchall()
                    )
                except psycopg.Error as problem:
                    problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    try:
        for one in made[1:]:
            postgres.publish(one, credentials)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert problems == []
    assert {first for first, _ in seen} >= {1, 5} and all(first == second for first, second in seen)


def test_a_long_query_is_waited_for_and_in_the_end_told_of(credentials, tmp_path, monkeypatch):
    postgres.publish(version(tmp_path / "1", 1), credentials)
    monkeypatch.setattr(postgres, "SWITCH_SECONDS", 1.0)
    with psycopg.connect(credentials) as reader:
        reader.execute("select * from marts.dim_b").fetchall()  # and the transaction stays open
        with pytest.raises(postgres.PostgresError, match="left no moment to switch"):
            postgres.publish(version(tmp_path / "2", 2), credentials)
        assert reader.execute("select * from marts.dim_c").fetchall() == [(1,)]
    postgres.publish(version(tmp_path / "3", 3), credentials)
    with psycopg.connect(credentials) as reader:
        assert reader.execute("select * from marts.dim_c").fetchall() == [(3,)]
        schemas = reader.execute("select nspname from pg_namespace where nspname like 'marts%'").fetchall()
        assert schemas == [("marts",)]


def test_a_version_that_does_not_arrive_leaves_the_one_before(credentials, tmp_path):
    postgres.publish(version(tmp_path / "1", 1), credentials)
    with pytest.raises(postgres.PostgresError, match=r"marts\.dim_d\.odd has the type INTERVAL"):
        postgres.publish(version(tmp_path / "2", 2, "select interval 1 day as odd"), credentials)
    with psycopg.connect(credentials) as reader:
        assert reader.execute("select * from marts.dim_b").fetchall() == [(1,)]


def test_a_server_that_is_not_there_is_told(tmp_path):
    with pytest.raises(postgres.PostgresError, match="did not take the marts.*take publication.postgres.credentials"):
        postgres.publish(version(tmp_path, 1), "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")


def test_the_asset_publishes_where_dlts_secrets_say(finished_home, credentials, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_HOME", str(finished_home))
    from orchestration.assets.published import published_postgres

    (event,) = materialize([published_postgres]).get_asset_materialization_events()
    assert event.materialization.metadata["state"].value == "not configured"
    monkeypatch.setenv("PUBLICATION__POSTGRES__CREDENTIALS", credentials)
    (event,) = materialize([published_postgres]).get_asset_materialization_events()
    with duckdb.connect(str(finished_home / "published/current/plumbline.duckdb"), read_only=True) as marts:
        tables = [name for (name,) in marts.execute("select table_name from duckdb_tables()").fetchall()]
        expected = {name: marts.table(f"marts.{name}").count("*").fetchall()[0][0] for name in tables}
        alerts = marts.execute("select * from marts.fct_alerts order by alert_id").fetchall()
    assert event.materialization.metadata["rows"].value == sum(expected.values())
    with psycopg.connect(credentials) as reader:
        found = {t: reader.execute(f'select count(*) from marts."{t}"').fetchall()[0][0] for t in tables}  # noqa: S608 (from the catalogue)
        assert found == expected
        assert reader.execute('select * from marts.fct_alerts order by alert_id collate "C"').fetchall() == alerts
