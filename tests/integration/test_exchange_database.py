"""The ledger straight from PostgreSQL: a real server, real transactions, and the same rows as from files."""

import csv
import json
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jinja2 import Environment
from postgres_server import ADMIN, PASSWORD, USER, server

from ingestion import pipeline
from ingestion.control_totals import record_hash
from ingestion.deliveries import DeliveryError
from ingestion.exchange import exchange_source
from ingestion.exchange.database import snapshot
from ingestion.exchange.parse import TABLES
from ingestion.vendor import VendorUnavailable
from orchestration.soda import check_name, read_contracts, verify
from sandbox.world import generate

REPOSITORY = Path(__file__).parents[2]
NOW = datetime(2026, 1, 5, 12)


def column_type(declared: pa.DataType) -> str:
    if pa.types.is_decimal(declared):
        return "numeric"
    return "timestamptz" if pa.types.is_timestamp(declared) else "text"


@pytest.fixture(scope="module")
def port():
    with server() as number:
        with psycopg.connect(f"postgresql://{ADMIN}@127.0.0.1:{number}/postgres", autocommit=True) as admin:
            admin.execute(f"create role {USER} login password '{PASSWORD}'")
        yield number


@pytest.fixture
def database(port, request):
    """A connection of the ledger's owner to a database of this test, with empty tables."""
    name = f"ledger_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(f"postgresql://{ADMIN}@127.0.0.1:{port}/postgres", autocommit=True) as admin:
        admin.execute(f"create database {name}")
    with psycopg.connect(f"postgresql://{ADMIN}@127.0.0.1:{port}/{name}", autocommit=True) as owner:
        owner.execute("set timezone = 'UTC'")
        for table in TABLES:
            columns = ", ".join(f"{c.name} {column_type(c.type)}" for c in table.columns)
            owner.execute(f"create table {table.name} ({columns}, note text, updated_at timestamptz)")
            owner.execute(f"grant select on {table.name} to {USER}")
        yield owner


def address(database: psycopg.Connection) -> str:
    info = database.info
    return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{info.port}/{info.dbname}"


def load(database: psycopg.Connection, **more):
    return pipeline.run(exchange_source(credentials=address(database), **more), "exchange")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def deposit(database: psycopg.Connection, **changed) -> None:
    row = {
        "deposit_id": "d1",
        "account_id": "a1",
        "rail_code": "crypto",
        "asset_code": "BTC",
        "amount": Decimal("1.5"),
        "chain_code": "bitcoin",
        "status_code": "completed",
        "event_at": "2026-01-05 10:00:00+00",
        "updated_at": "2026-01-05 12:00:00+00",
        **changed,
    }
    marks = ", ".join(f"%({name})s" for name in row)
    database.execute(f"insert into deposits ({', '.join(row)}) values ({marks})", row)  # noqa: S608 (names of this test)


def unexplained() -> list[tuple]:
    landed = " union all ".join(
        f"select '{t.name}', _extract_id, cast({t.event} as date), 0, 1 from raw_exchange.{t.name}"  # noqa: S608 (names of this test)
        for t in TABLES
    )
    return query(f"""
        select name, extract_id, day, sum(stated), sum(landed)
        from (
            select table_name as name, extract_id, event_date as day, source_rows as stated, 0 as landed
            from raw_exchange.control_totals
            union all {landed}
            union all select table_name, extract_id, event_date, 0, 1 from raw_exchange.rejects
        )
        group by all having sum(stated) <> sum(landed)
    """)  # noqa: S608 (names of this test)


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_exchange":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


def test_rows_are_exact_and_totals_are_the_databases_own(home, database):
    deposit(database, amount=Decimal("12345678901234567890.123456789012345678"), event_at="2026-01-05 01:30:00+05:30")
    deposit(database, deposit_id="d2", amount=Decimal("0.00000000000000000100"), asset_code="ETH", note="left alone")
    load(database)
    assert query(
        "select deposit_id, amount, event_at, _known_at, _record_no from raw_exchange.deposits order by 1"
    ) == [
        ("d1", Decimal("12345678901234567890.123456789012345678"), datetime(2026, 1, 4, 20), NOW, 1),
        ("d2", Decimal("0.000000000000000001"), datetime(2026, 1, 5, 10), NOW, 2),
    ]
    totals = query("""
        select event_date, asset_code, source_rows, source_amount, captured_by, source_uri, known_at
        from raw_exchange.control_totals where table_name = 'deposits' order by 1
    """)
    uri = "postgresql:public.deposits"
    assert totals == [
        (date(2026, 1, 4), "BTC", 1, Decimal("12345678901234567890.123456789012345678"), "source_query", uri, NOW),
        (date(2026, 1, 5), "ETH", 1, Decimal("0.000000000000000001"), "source_query", uri, NOW),
    ]
    assert unexplained() == [] and failed_checks() == set()
    assert not load(database).loads_ids


def test_the_record_hash_is_the_one_the_warehouse_computes(home, database):
    deposit(database, amount=Decimal("1.5"))
    deposit(database, deposit_id="d2", amount=Decimal(0))
    load(database)
    wanted = record_hash("d1", Decimal("1.5")) + record_hash("d2", Decimal(0))
    assert query("select source_hash from raw_exchange.control_totals") == [(Decimal(wanted),)]


def test_a_change_is_a_new_version_and_nothing_is_loaded_twice(home, database):
    deposit(database, status_code="pending")
    load(database)
    database.execute("update deposits set status_code = 'completed', updated_at = '2026-01-05 12:00:01+00'")
    deposit(database, deposit_id="d2", updated_at="2026-01-06 00:30:00+00")
    load(database)
    assert query("select deposit_id, status_code, _known_at from raw_exchange.deposits order by 1, 3") == [
        ("d1", "pending", NOW),
        ("d1", "completed", NOW + timedelta(seconds=1)),
        ("d2", "completed", datetime(2026, 1, 6, 0, 30)),
    ]
    assert not load(database).loads_ids and unexplained() == []


def test_a_row_committed_late_below_the_cursor_is_not_lost(home, database):
    """Written before the newest loaded row, committed after the load: what a plain cursor never sees again."""
    with psycopg.connect(address(database).replace(f"{USER}:{quote(PASSWORD, safe='')}", ADMIN)) as slow:
        deposit(slow, deposit_id="late", updated_at="2026-01-05 11:00:00+00")
        deposit(database)
        load(database)
        assert query("select deposit_id from raw_exchange.deposits") == [("d1",)]
        slow.commit()
    load(database)
    assert query("select deposit_id from raw_exchange.deposits order by _known_at") == [("late",), ("d1",)]
    assert not load(database).loads_ids and unexplained() == []


def test_without_a_lag_the_late_row_would_be_lost(home, database):
    """The planted defect: the test above can fail."""
    deposit(database)
    load(database)
    deposit(database, deposit_id="late", updated_at="2026-01-05 11:00:00+00")
    assert not load(database, lag_hours=0.5).loads_ids
    assert load(database, lag_hours=1).loads_ids


def test_rows_and_totals_are_of_one_snapshot(home, database):
    for number in range(50):
        deposit(database, deposit_id=f"d{number}")
    done = threading.Event()

    def write():
        with psycopg.connect(
            address(database).replace(f"{USER}:{quote(PASSWORD, safe='')}", ADMIN), autocommit=True
        ) as other:
            number = 0
            while not done.wait(0.005):
                number += 1
                deposit(other, deposit_id=f"n{number}", updated_at=datetime(2026, 1, 5, 12, tzinfo=UTC))
                other.execute("update deposits set updated_at = '2026-01-05 13:00:00+00' where deposit_id = %s", [f"n{number}"])  # fmt: skip  # noqa: E501

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            load(database)
            assert unexplained() == []
    finally:
        done.set()
        writer.join()
    load(database)
    (held,) = database.execute("select count(*) from deposits").fetchone()
    assert query("select count(distinct deposit_id) from raw_exchange.deposits") == [(held,)]


def test_the_transaction_cannot_write(database):
    with snapshot(address(database), "public", "updated_at") as now:
        assert now._rows(psycopg.sql.SQL("show transaction_isolation")) == [("repeatable read",)]
        with pytest.raises(psycopg.errors.InternalError, match="read-only"):
            now._rows(psycopg.sql.SQL("delete from deposits returning 1"))


def test_bad_records_are_rejected_once_with_their_reason(home, database):
    deposit(database, deposit_id="nan", amount=Decimal("NaN"))
    deposit(database, deposit_id="fine", amount=Decimal("0.0000000000000000001"))
    deposit(database, deposit_id="huge", amount=Decimal("1e20"))
    deposit(database, deposit_id="minus", amount=Decimal("-1"))
    deposit(database, deposit_id="never", event_at=None)
    deposit(database, deposit_id="forever", event_at="infinity")
    deposit(database, deposit_id="asset", asset_code="DOUBLOON")
    deposit(database, deposit_id="unwritten", updated_at=None)
    deposit(database, deposit_id="future", updated_at="2999-01-01 00:00:00+00")
    deposit(database, deposit_id="endless", updated_at="infinity")
    deposit(database, deposit_id="good")
    load(database)
    assert query("select deposit_id from raw_exchange.deposits") == [("good",)]
    found = dict(query("select raw_record->>'$.deposit_id', reason_code from raw_exchange.rejects"))
    assert found == {
        "nan": "invalid_decimal",
        "fine": "invalid_decimal",
        "huge": "invalid_decimal",
        "minus": "out_of_range",
        "never": "missing_value",
        "forever": "invalid_timestamp",
        "asset": "unknown_asset",
        "unwritten": "invalid_cursor",
        "future": "invalid_cursor",
        "endless": "invalid_cursor",
    }
    assert unexplained() == [] and not load(database).loads_ids
    deposit(database, deposit_id="next", updated_at="2026-01-05 12:30:00+00")
    load(database)
    assert query("select deposit_id from raw_exchange.deposits order by 1") == [("good",), ("next",)]


def test_a_window_leaves_out_what_was_written_later_and_nothing_else(home, database):
    for day in (4, 5, 6):
        deposit(database, deposit_id=f"d{day}", updated_at=f"2026-01-0{day} 12:00:00+00")
    load(database, start=date(2026, 1, 5), end=date(2026, 1, 6))
    assert query("select deposit_id from raw_exchange.deposits order by 1") == [("d4",), ("d5",)]
    load(database)
    assert query("select count(*) from raw_exchange.deposits") == [(3,)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("alter table deposits drop column tx_hash", "lacks tx_hash"),
        ("alter table trades alter column price type double precision", "not exact"),
        ("alter table trades alter column event_at type text", "must be a timestamp"),
        ("revoke select on addresses from ledger_reader", "addresses"),
    ],
)
def test_a_table_that_cannot_be_read_exactly_is_refused(home, database, change, says):
    database.execute(change)
    with pytest.raises(DeliveryError, match=says) as refused:
        load(database)
    assert PASSWORD not in str(refused.value)


def test_a_database_that_does_not_answer_is_unavailable_and_keeps_its_password(home, database):
    for wrong in (
        address(database).replace(quote(PASSWORD, safe=""), "wrong"),
        f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:1/x",
    ):
        with pytest.raises(VendorUnavailable) as told:
            exchange_source(credentials=wrong)
        assert PASSWORD not in str(told.value) and quote(PASSWORD, safe="") not in str(told.value)


def test_only_one_of_files_and_database_is_read(home, database, tmp_path):
    with pytest.raises(DeliveryError, match="keep one"):
        exchange_source(credentials=address(database), bucket_url=str(tmp_path))


def test_text_of_any_kind_arrives_whole(home, database):
    odd = 'a "quote", a comma;\nline\u200b\u4e16 \\N \\. end'
    deposit(database, from_address=odd, tx_hash="", ip_address="10.0.0.1")
    database.execute("alter table deposits alter column ip_address type inet using ip_address::inet")
    load(database)
    assert query("select from_address, tx_hash, ip_address from raw_exchange.deposits") == [(odd, None, "10.0.0.1")]


def delivered(path: Path) -> list[dict]:
    """The records of a file as text, without those that have no shape."""
    if path.suffix == ".parquet":
        return [{n: "" if v is None else str(v) for n, v in row.items()} for row in pq.read_table(path).to_pylist()]
    with path.open(newline="") as stream:
        return [line for line in csv.DictReader(stream) if None not in line and None not in line.values()]


def put_world(database: psycopg.Connection, landing: Path, after: str, until: str) -> None:
    """Writes what the canonical files deliver into the ledger's tables, as a ledger would: the newest version of each
    row. What PostgreSQL itself refuses (no number, no time) never was a row of a ledger."""
    for delivery in sorted(landing.glob("delivery=*")):
        if not after < delivery.name <= until:
            continue
        manifest = json.loads((delivery / "_manifest.json").read_text())
        for table in TABLES:
            for path in sorted(delivery.glob(f"{table.name}*")):
                lines = delivered(path)
                names = [c.name for c in table.columns]
                identity = ["address", "chain_code", "assigned_at"] if table.name == "addresses" else table.key
                same = " and ".join(f"{name} = %({name})s" for name in identity)
                columns, marks = (
                    ", ".join([*names, "updated_at"]),
                    ", ".join(f"%({n})s" for n in [*names, "updated_at"]),
                )
                for line in lines:
                    row = {n: line[n] or None for n in names} | {"updated_at": manifest["delivered_at"]}
                    if not row[table.event].startswith("20"):  # PostgreSQL knows what "yesterday" is
                        continue
                    try:
                        with database.transaction():
                            database.execute(f"delete from {table.name} where {same}", row)  # noqa: S608 (names of this test)
                            database.execute(f"insert into {table.name} ({columns}) values ({marks})", row)  # noqa: S608 (names of this test)
                    except psycopg.errors.DataError:
                        continue


def staged(table: str) -> list[tuple]:
    """The rows of the staging model, made with the project's own macros, without what names the extract."""
    project = REPOSITORY / "dbt_project"
    macros = [(project / "macros" / f"{name}.sql").read_text() for name in ("engine", "addresses", "as_known")]
    model = (project / f"models/staging/exchange/stg_exchange__{table}.sql").read_text()
    environment = Environment(extensions=["jinja2.ext.do"])
    adapter = SimpleNamespace(dispatch=lambda name: environment.globals.get(f"default__{name}"))
    environment.globals |= {
        "adapter": adapter,
        "return": lambda value: value,
        "source": lambda schema, name: f"{schema}.{name}",
        "ref": lambda name: "(select timestamp '2100-01-01' as as_of_at)",
    }
    module = environment.from_string("\n".join(macros)).make_module()
    environment.globals |= {name: getattr(module, name) for name in dir(module) if name.startswith("default__")}
    sql = environment.from_string("\n".join([*macros, model])).render()
    left_out = "exclude (extract_id, record_no, _dlt_load_id, first_known_at)"
    return query(f"select * {left_out} from ({sql}) order by all")  # noqa: S608 (names of this test)


def test_the_same_world_from_files_and_from_the_database_gives_the_same_staging_rows(tmp_path, database, monkeypatch):
    generate(tmp_path / "world", customers=40, days=10, seed=3, start=date(2026, 1, 1), progress=lambda stage: None)
    landing = tmp_path / "world/landing/exchange"
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "files"))
    pipeline.run(exchange_source(bucket_url=str(landing)), "exchange")
    wanted = {table.name: staged(table.name) for table in TABLES}
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "database"))
    after = ""
    for until in ("delivery=2026-01-04", "delivery=2026-01-08", "delivery=2026-12-31"):
        with database.transaction():
            put_world(database, landing, after, until)
        load(database)
        after = until
    assert unexplained() == []
    for name, rows in wanted.items():
        assert staged(name) == rows, name
    assert len(wanted["deposits"]) > 50 and len(wanted["addresses"]) > 50 and len(wanted["trades"]) > 50
