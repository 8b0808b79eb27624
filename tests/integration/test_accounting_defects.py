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
from dbt_command import build, dbt
from record_hashes import record_keys

from ingestion import pipeline
from ingestion.control_totals import record_hash
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
    build(home, "--select", "int_transfers", *population)
    tested = dbt(home, "test", "--select", "settled_rows_are_proven")
    assert tested.failed["settled_rows_are_proven"].startswith(f"Got {len(defects)} results")
    counted = dict(sql("select source_code, sum(population_rows) from intermediate.int_population_rows group by all"))
    read = dict(sql("select source_code, count(distinct transfer_id) from intermediate.int_transfers group by all"))
    missing = {source: counted[source] - read.get(source, 0) for source in counted}
    assert missing == {"bank": 2, "exchange": 0, "onchain": 3}


def by_jurisdiction(sql) -> tuple[dict[str, int], dict[str, int]]:
    """Transfers of the exchange by jurisdiction: as the population counts them, and as the paying legs say."""
    counted = sql(
        "select jurisdiction_code, sum(population_rows) from intermediate.int_population_rows "
        "where source_code = 'exchange' group by all"
    )
    read = sql(
        "select coalesce(jurisdiction_code, 'UNKNOWN'), count(*) from intermediate.int_transfer_legs "
        "where source_code = 'exchange' and (legs_expected = 1 or direction_code = 'out') group by all"
    )
    return dict(counted), dict(read)


def test_a_residence_that_a_model_forgets_shows_in_both_jurisdictions(home, sql):
    before, read = by_jurisdiction(sql)
    assert before == read and before["UNKNOWN"] and len(before) > 1
    sql("update intermediate.int_party_history set jurisdiction_code = 'HK' where party_id = 'P1'")
    build(home, "--select", "int_transfer_legs")
    counted, read = by_jurisdiction(sql)
    moved = read["HK"] - counted.get("HK", 0)
    assert counted == before and moved > 0
    assert sum(before[place] - read.get(place, 0) for place in before if place != "HK") == moved


def test_what_raw_lost_stays_in_the_population_of_no_known_jurisdiction(home, sql):
    before, _ = by_jurisdiction(sql)
    (withdrawal, place), *_ = sql(
        "select split_part(transfer_id, ':', 3), jurisdiction_code from intermediate.int_transfer_legs "
        "where transfer_type_code = 'withdrawal' and source_code = 'exchange' and jurisdiction_code is not null "
        "and split_part(transfer_id, ':', 3) in "
        "(select withdrawal_id from raw_exchange.withdrawals group by withdrawal_id having count(*) = 1) order by all"
    )
    sql(f"delete from raw_exchange.withdrawals where withdrawal_id = '{withdrawal}'")  # noqa: S608 (a name of our fixture)
    population = ("int_population_exchange_rows", "int_population_rows")
    build(home, "--select", "int_feed_raw_rows", "int_feed_rows", *population)
    after, _ = by_jurisdiction(sql)
    assert after.get(place, 0) == before[place] - 1
    assert after["UNKNOWN"] == before["UNKNOWN"] + 1


def test_a_break_is_logged_while_it_lasts_and_when_it_is_repaired(home, sql):
    columns = "hop_code, missing_rows, missing_amount, status_code, entry_no"
    log = f"select {columns} from marts.fct_reconciliation_breaks order by hop_code, entry_no"  # noqa: S608 (our names)
    deposits = "raw_exchange.deposits where deposit_id = 'D3'"
    sql(f"create table kept as from {deposits}; delete from {deposits}")  # noqa: S608 (our names)
    sql("delete from staging.stg_exchange__withdrawals where withdrawal_id = 'W2'")
    build(home, "--select", "stg_exchange__deposits", *ACCOUNTING)
    broken = [("raw", 1, Decimal(70), "open", 1), ("staged", 1, Decimal("1.5"), "open", 1)]
    assert sql(log) == broken

    sql("insert into raw_exchange.deposits from kept")
    repair = ("stg_exchange__deposits", "stg_exchange__withdrawals", *ACCOUNTING)
    build(home, "--full-refresh", "--select", *repair)
    repaired = [(hop, 0, Decimal(0), "resolved", 2) for hop in ("raw", "staged")]
    assert sql(log) == sorted(broken + repaired, key=lambda row: (row[0], row[4]))
    times = "first_seen_at = last_seen_at and resolved_at = (select as_of_at from staging.stg_control__as_of)"
    resolved = "from marts.fct_reconciliation_breaks where status_code = 'resolved'"
    assert sql(f"select bool_and({times}) {resolved}") == [(True,)]

    build(home, "--select", *ACCOUNTING)
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
    build(home, "--select", "stg_control__totals", "stg_exchange__internal_transfers", "int_transfers")
    sql("delete from staging.stg_exchange__internal_transfers where internal_transfer_id = 'M7777'")
    built = dbt(home, "build", "--select", *ACCOUNTING, "fct_feed_reconciliation", "feeds_reconcile")
    assert set(built.failed) == {"feeds_reconcile"}
    assert sql(
        "select feed_code, table_name, hop_code, missing_rows, missing_amount, is_hash_different "
        "from marts.fct_reconciliation_breaks order by hop_code"
    ) == [
        ("exchange", "internal_transfers", "raw", 1, Decimal(77), True),
        ("exchange", "internal_transfers", "staged", 1, Decimal(7777), True),
    ]


AMOUNTS = {
    "exchange.trades": ("base_amount", Decimal("1.5"), Decimal("1.5")),
    "prices.rates": ("rate_usd", Decimal("1.5"), Decimal("1.5")),
    "prices.hourly_rates": ("rate_usd", Decimal("1.5"), Decimal("1.5")),
    "chainalysis.alerts": ("alert_amount_usd", Decimal("1.5"), Decimal("1.5")),
    "onchain.ethereum_transactions": ("value", "1500000000000000000", Decimal("1.5")),
    "onchain.bitcoin_inputs": ("value", "150000000", Decimal("1.5")),
    "onchain.bitcoin_outputs": ("value", "150000000", Decimal("1.5")),
}
"""Where a raw table whose hash is over an amount has it, what stands there, and the amount it is."""
DAY = datetime(2026, 1, 1).date()
CELLS = {
    "onchain.ethereum_transactions": (None, "ETH"),
    "onchain.bitcoin_inputs": (None, "BTC"),
    "onchain.bitcoin_outputs": (None, "BTC"),
    "prices.rates": (DAY, "0xAB-asset_code"),
    "prices.hourly_rates": (None, "0xAB-asset_code"),
}
"""Day and asset on which a source counts the record, where it says any."""
VALUES = {"BIGINT": 7, "DATE": DAY}


def test_a_record_in_the_place_of_another_is_found_by_its_hash(home, sql):
    """Each table has one extract as its source delivered it and one in which another record came: as many, with the
    same amount. The same build names the second one and fails."""
    types = {(t, c): kind for t, c, kind in sql("select schema_name || '.' || table_name, column_name, data_type "
                                                "from duckdb_columns()")}  # fmt: skip
    entries, hashes = [], {}
    for table, said in record_keys().items():
        row = {column: VALUES.get(types[f"raw_{table}", column], f"0xAB-{column}") for column in said["raw"]}
        key = ":".join(str(value) for value in row.values())
        amount = None
        if said.get("amount"):
            column, stored, amount = AMOUNTS.get(table, ("amount", Decimal("1.5"), Decimal("1.5")))
            row[column] = stored
        for known_at, delivered in (("2026-01-05 01:00:00", key), ("2026-01-05 02:00:00", f"{key}-other")):
            total = (*CELLS.get(table, (None, None)), None)
            entries.append({"table": table, "known_at": known_at, "row": row, "total": total})
            delivered = delivered.lower() if said.get("lower") else delivered
            hashes[f"{table.partition('.')[2]}@{known_at}", table] = record_hash(delivered, amount)
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        raw.fill(connection, entries, "swapped")
        for (extract_id, table), digest in hashes.items():
            connection.execute(
                f"update raw_{table.partition('.')[0]}.control_totals set source_hash = ? "  # noqa: S608 (our names)
                "where extract_id = ? and table_name = ? and _dlt_load_id = 'swapped'",
                [digest, extract_id, table.partition(".")[2]],
            )
    built = dbt(
        home, "build", "--select", "stg_control__as_of", "stg_control__totals", *ACCOUNTING, "fct_feed_reconciliation",
        "feeds_reconcile",
    )  # fmt: skip
    assert set(built.failed) == {"feeds_reconcile"}
    found = sql(
        "select feed_code || '.' || table_name, extract_id, missing_rows, missing_amount, is_hash_different "
        "from marts.fct_reconciliation_breaks where hop_code = 'raw' order by 1"
    )
    swapped = [(t, f"{t.partition('.')[2]}@2026-01-05 02:00:00", 0, None, True) for t in sorted(record_keys())]
    assert found == swapped
    equal = sql(
        "select feed_code || '.' || table_name from intermediate.int_feed_rows "
        "where raw_hash_status_code = 'equal' and extract_id like '%@2026-01-05 01:00:00'"
    )
    assert {table for (table,) in equal} == set(record_keys())
