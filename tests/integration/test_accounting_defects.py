"""Defects planted between the hops: the accounting of the same build names each, and the log of breaks keeps it."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import hand_made_raw as raw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import pipeline
from ingestion.exchange import exchange_source

ACCOUNTING = ("int_feed_raw_rows", "int_feed_staged_rows", "int_feed_rows", "fct_reconciliation_breaks")
MILLION = 1_000_000


@pytest.fixture
def home(conformed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the conformed warehouse, to plant something in."""
    copied = Path(shutil.copytree(conformed_home, tmp_path / "home"))
    monkeypatch.setenv("PLUMBLINE_HOME", str(copied))
    return copied


@pytest.fixture
def sql(home: Path) -> Callable[[str], list[tuple]]:
    def run(statement: str) -> list[tuple]:
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            return connection.execute(statement).fetchall()

    return run


def test_a_row_that_is_wrongly_waved_through_stays_in_the_population(home, sql):
    """Models call rows matched or out of scope that are not: scenarios lack them, and what raw proves does not."""
    bank = (
        "update intermediate.int_bank_entries set match_status_code = {0}, out_of_scope_reason = {1}, transfer_id = {2}"
    )
    chain = bank.replace("int_bank_entries", "int_chain_transfers")
    out = "'out_of_scope'"
    defects = {
        "a scope that grew": bank.format(out, "'bank_charge'", "null") + " where entry_id = 'E2'",
        "a match with another amount": bank.format("'matched'", "null", "'exchange:withdrawal:W1'")
        + " where entry_id = 'E4'",
        "an own address that is not looked up": chain.format(out, "'no_exchange_address'", "null")
        + f" where tx_hash = '0x{'ad' * 32}'",
        "a stranger taken for an own wallet": chain.format(out, "'own_wallet_movement'", "null")
        + f" where tx_hash = '0x{'bb' * 32}'",
        "one ledger row that settles two": chain.format("'matched'", "null", "'exchange:withdrawal:W2'")
        + f" where tx_hash = '0x{'af' * 32}'",
    }
    for defect in defects.values():
        assert sql(defect) == [(1,)]
    population = ("int_population_bank_rows", "int_population_chain_rows", "int_population_rows")
    raw.build(home, "--select", "int_transfers", *population)
    tested = raw.dbt(home, "test", "--select", "settled_rows_are_proven")
    assert tested.returncode == 1
    assert f"Got {len(defects)} results" in tested.stdout
    counted = dict(sql("select source_code, sum(population_rows) from intermediate.int_population_rows group by all"))
    read = dict(sql("select source_code, count(distinct transfer_id) from intermediate.int_transfers group by all"))
    missing = {source: counted[source] - read.get(source, 0) for source in counted}
    assert missing == {"bank": 2, "exchange": 0, "onchain": 3}


def test_a_break_is_logged_while_it_lasts_and_when_it_is_repaired(home, sql):
    columns = "hop_code, missing_rows, missing_amount, status_code, entry_no"
    log = f"select {columns} from marts.fct_reconciliation_breaks order by hop_code, entry_no"  # noqa: S608 (our names)
    deposits = "raw_exchange.deposits where deposit_id = 'D3'"
    sql(f"create table kept as from {deposits}; delete from {deposits}")  # noqa: S608 (our names)
    sql("delete from staging.stg_exchange__withdrawals where withdrawal_id = 'W2'")
    raw.build(home, "--select", "stg_exchange__deposits", *ACCOUNTING)
    broken = [("raw", 1, Decimal(70), "open", 1), ("staged", 1, Decimal("1.5"), "open", 1)]
    assert sql(log) == broken

    sql("insert into raw_exchange.deposits from kept")
    repair = ("stg_exchange__deposits", "stg_exchange__withdrawals", *ACCOUNTING)
    raw.build(home, "--full-refresh", "--select", *repair)
    repaired = [(hop, 0, Decimal(0), "resolved", 2) for hop in ("raw", "staged")]
    assert sql(log) == sorted(broken + repaired, key=lambda row: (row[0], row[4]))
    times = "first_seen_at = last_seen_at and resolved_at = (select as_of_at from staging.stg_control__as_of)"
    resolved = "from marts.fct_reconciliation_breaks where status_code = 'resolved'"
    assert sql(f"select bool_and({times}) {resolved}") == [(True,)]

    raw.build(home, "--select", *ACCOUNTING)
    assert len(sql(log)) == 4, "a run that finds nothing new adds nothing"


def test_one_row_in_a_million_is_found_at_its_hop(home, sql, tmp_path):
    """One of a million rows is lost in raw, another one on the way to staging: the same build names both and fails."""
    numbers = pa.array(range(MILLION))
    start = datetime(2026, 1, 1)
    table = pa.table(
        {
            "internal_transfer_id": pa.array([f"M{number}" for number in range(MILLION)]),
            "from_account_id": pa.repeat(pa.scalar("A1"), MILLION),
            "to_account_id": pa.repeat(pa.scalar("A2"), MILLION),
            "asset_code": pa.repeat(pa.scalar("EUR"), MILLION),
            "amount": numbers.cast(pa.decimal128(38, 0)).cast(pa.decimal128(38, 18), safe=False),
            "status_code": pa.repeat(pa.scalar("completed"), MILLION),
            "event_at": pa.array([start + timedelta(seconds=n % 86400) for n in range(MILLION)], pa.timestamp("us")),
        }
    )
    folder = tmp_path / "exchange" / "delivery=2026-01-01"
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "internal_transfers.parquet")
    pipeline.run(exchange_source(bucket_url=str(tmp_path / "exchange")), "exchange")

    sql("delete from raw_exchange.internal_transfers where internal_transfer_id = 'M77'")
    raw.build(home, "--select", "stg_control__totals", "stg_exchange__internal_transfers", "int_transfers")
    sql("delete from staging.stg_exchange__internal_transfers where internal_transfer_id = 'M7777'")
    built = raw.dbt(home, "build", "--select", *ACCOUNTING, "fct_feed_reconciliation", "feeds_reconcile")
    assert built.returncode == 1
    assert "feeds_reconcile" in built.stdout
    assert sql(
        "select feed_code, table_name, hop_code, missing_rows, missing_amount, is_hash_different "
        "from marts.fct_reconciliation_breaks order by hop_code"
    ) == [
        ("exchange", "internal_transfers", "raw", 1, Decimal(77), True),
        ("exchange", "internal_transfers", "staged", 1, Decimal(7777), True),
    ]
