"""A load is all or nothing: a process killed at any point leaves nothing that the next run does not put right."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingestion import canonical, pipeline
from ingestion.exchange import exchange_source

REPOSITORY = Path(__file__).parents[2]
HEADERS = {
    "deposits": "deposit_id,account_id,rail_code,asset_code,amount,chain_code,from_address,to_address,tx_hash,"
    "bank_reference,status_code,event_at,ip_address,device_id",
    "withdrawals": "withdrawal_id,account_id,rail_code,asset_code,amount,fee_amount,chain_code,to_address,tx_hash,"
    "beneficiary_account,bank_reference,status_code,event_at,ip_address,device_id",
    "internal_transfers": "internal_transfer_id,from_account_id,to_account_id,asset_code,amount,status_code,event_at",
}
# Runs in a process of its own and kills it where it is told to: signal 9 to itself, so that nothing is tidied up.
KILLED_LOAD = """
import os, signal, sys

from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob

from ingestion import canonical, pipeline
from ingestion.exchange import exchange_source


def die_in(owner, name, call, after):
    original, calls = getattr(owner, name), []

    def patched(*arguments):
        calls.append(1)
        if len(calls) == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, patched)


owner, name, call, after = sys.argv[2:]
owner = {"Extraction": canonical.Extraction, "Job": DuckDbCopyJob, "Client": DuckDbClient}[owner]
die_in(owner, name, int(call), after == "after")
pipeline.run(exchange_source(bucket_url=sys.argv[1]), "exchange")
"""
KILLED_AT = {
    "while extracting": ("Extraction", "rejects", "1", "before"),
    "after the first table": ("Job", "run", "1", "after"),
    "before the load is marked complete": ("Client", "complete_load", "1", "before"),
    "just after the load is marked complete": ("Client", "complete_load", "1", "after"),
}


def status(n: int) -> str:
    return "done" if n == 3 else "failed"


def deliver(bucket: Path, day: int, rows: int = 200) -> None:
    folder = bucket / f"delivery=2026-01-{day:02}"
    folder.mkdir(parents=True)
    at = f"2026-01-{day:02}T10:00:00Z"
    lines = {
        "deposits": [f"d{day}-{n},a{n},crypto,BTC,{n}.5,bitcoin,,,,,completed,{at},," for n in range(rows)],
        "withdrawals": [f"w{day}-{n},a{n},fiat,EUR,{n}.5,0,,,,,,{status(n)},{at},," for n in range(rows)],
        "internal_transfers": [f"i{day}-{n},a1,a2,ETH,1,completed,{at}" for n in range(rows)],
    }
    for table, header in HEADERS.items():
        (folder / f"{table}.csv").write_text("\n".join([header, *lines[table], ""]))


def load(bucket: Path):
    return pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange")


def contents() -> dict[str, list[tuple]]:
    """Every raw table without dlt's own tables and columns."""
    with pipeline.warehouse() as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'raw_exchange' and not starts_with(table_name, '_dlt')"
        ).fetchall()
        return {
            table: sorted(
                connection.execute(f"select * exclude (_dlt_load_id) from raw_exchange.{table}").fetchall(),  # noqa: S608
                key=repr,
            )
            for (table,) in tables
        }


@pytest.fixture
def bucket(home: Path, tmp_path: Path) -> Path:
    deliver(tmp_path / "landing", 1)
    return tmp_path / "landing"


def kill_load(bucket: Path, where: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_LOAD, str(bucket), *KILLED_AT[where]],
        cwd=REPOSITORY,
        env={**os.environ, "LOAD__WORKERS": "1"},
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, dict[str, list[tuple]]]:
    """A home after the first delivery, and what the warehouse holds after a second one if nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PLUMBLINE_HOME", str(folder / "home"))
        deliver(folder / "landing", 1)
        load(folder / "landing")
        shutil.copytree(folder / "home", folder / "first")
        deliver(folder / "landing", 2)
        load(folder / "landing")
        return folder / "first", contents()


@pytest.mark.parametrize("where", KILLED_AT)
def test_a_killed_load_leaves_the_same_warehouse_after_the_next_run(bucket, home, undisturbed, where):
    after_the_first, expected = undisturbed
    shutil.copytree(after_the_first, home)
    deliver(bucket, 2)
    kill_load(bucket, where)
    completed = pipeline.completed_extracts("exchange")
    assert len(completed) == (6 if where.startswith("just after") else 3)
    load(bucket)
    assert contents() == expected
    assert load(bucket).loads_ids == []
    assert {name: len(rows) for name, rows in expected.items()} == {
        "deposits": 400,
        "withdrawals": 398,
        "internal_transfers": 400,
        "trades": 0,
        "addresses": 0,
        "control_totals": 6,
        "rejects": 2,
    }


def test_the_very_first_load_may_be_killed_too(bucket):
    kill_load(bucket, "after the first table")
    assert pipeline.completed_extracts("exchange") == set()
    load(bucket)
    assert len(contents()["deposits"]) == 200


def test_undoing_says_how_many_rows_it_removed_and_spares_completed_loads(bucket):
    load(bucket)
    deliver(bucket, 2)
    kill_load(bucket, "before the load is marked complete")
    assert pipeline.undo_incomplete_loads("exchange") == 200 + 199 + 200 + 3 + 1
    assert pipeline.undo_incomplete_loads("exchange") == 0
    assert len(contents()["deposits"]) == 200


def test_a_table_that_was_dropped_is_made_again_although_nothing_is_new(bucket):
    load(bucket)
    with pipeline.warehouse() as connection:
        connection.execute("drop table raw_exchange.trades")
    load(bucket)
    assert contents()["trades"] == []


def test_local_state_is_only_a_cache_of_the_warehouse(bucket, home):
    load(bucket)
    before = contents()
    shutil.rmtree(home / "dlt")
    load(bucket)
    assert contents() == before
    (home / "warehouse.duckdb").unlink()
    load(bucket)
    assert contents() == before


def test_a_feed_loads_as_a_whole_or_not_at_all(bucket):
    source = exchange_source(bucket_url=str(bucket)).with_resources("deposits", "control_totals")
    with pytest.raises(ValueError, match="loads as a whole: select addresses"):
        pipeline.run(source, "exchange")


def test_a_failing_load_leaves_nothing_behind(bucket, monkeypatch):
    load(bucket)
    before = contents()
    deliver(bucket, 2)

    def fail(_):
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(canonical.Extraction, "totals", fail)
        with pytest.raises(Exception, match="the disk is gone"):
            load(bucket)
    assert contents() == before
    load(bucket)
    assert len(contents()["deposits"]) == 400


def test_nobody_keeps_the_warehouse_open_after_a_run(bucket):
    load(bucket)
    with duckdb.connect(str(pipeline.warehouse_path()), read_only=True) as other:
        assert other.execute("select count(*) from raw_exchange.deposits").fetchall() == [(200,)]
