"""Which ledger movements still need the vendor, against small hand-made raw tables."""

import json
from datetime import datetime
from decimal import Decimal

import duckdb
import pytest

from ingestion import pipeline
from ingestion.chainalysis.earlier import Account, Earlier
from ingestion.chainalysis.movements import movements, transfers_to_register

AT = datetime(2026, 1, 1, 12)


@pytest.fixture
def warehouse():
    connection = duckdb.connect()
    connection.execute(
        """
        create schema raw_exchange;
        create table raw_exchange._dlt_loads (load_id varchar, status bigint);
        insert into raw_exchange._dlt_loads values ('done', 0), ('broken', 1);
        create table raw_exchange.deposits (
            deposit_id varchar, account_id varchar, rail_code varchar, asset_code varchar, amount decimal(38,18),
            chain_code varchar, to_address varchar, tx_hash varchar, status_code varchar, event_at timestamp,
            _known_at timestamp, _extract_id varchar, _record_no bigint, _dlt_load_id varchar);
        create table raw_exchange.withdrawals as
            select deposit_id as withdrawal_id, * exclude (deposit_id) from raw_exchange.deposits;
        """
    )
    yield connection
    connection.close()


def deposit(warehouse, number: str, *, table: str = "deposits", **changes) -> None:
    row = {
        "id": number,
        "account_id": "A1",
        "rail_code": "crypto",
        "asset_code": "BTC",
        "amount": Decimal("0.5"),
        "chain_code": "bitcoin",
        "to_address": "bc1qours",
        "tx_hash": f"hash{number}",
        "status_code": "completed",
        "event_at": AT,
        "_known_at": AT,
        "_extract_id": "x",
        "_record_no": 1,
        "_dlt_load_id": "done",
    } | changes
    insert = warehouse.table(f"raw_exchange.{table}").insert
    insert(list(row.values()))


def landed(warehouse, *transfers: tuple, rejected: tuple = (), alerts: tuple = ()) -> None:
    warehouse.execute(
        """
        create schema raw_chainalysis;
        create table raw_chainalysis._dlt_loads (load_id varchar, status bigint);
        insert into raw_chainalysis._dlt_loads values ('done', 0);
        create table raw_chainalysis.transfers (ledger_transfer_id varchar, external_id varchar, updated_at timestamp,
            _dlt_load_id varchar, user_id varchar, transfer_reference varchar, direction_code varchar);
        create table raw_chainalysis.alerts (external_id varchar, alert_external_id varchar, _dlt_load_id varchar);
        create table raw_chainalysis.rejects (reject_id varchar, table_name varchar, raw_record varchar,
            _dlt_load_id varchar, replayed_at timestamp);
        """
    )
    for row in transfers:
        warehouse.execute("insert into raw_chainalysis.transfers values (?, ?, ?, ?, 'A1', 'h:a', 'received')", row)
    for row in alerts:
        warehouse.execute("insert into raw_chainalysis.alerts values (?, ?, ?)", row)
    for row in rejected:
        warehouse.execute("insert into raw_chainalysis.rejects values (?, ?, ?, 'done', null)", row)


def wanted(warehouse) -> list[str]:
    return transfers_to_register(warehouse).column("ledger_transfer_id").to_pylist()


def test_an_empty_warehouse_has_nothing_to_register():
    with duckdb.connect() as connection:
        assert transfers_to_register(connection).num_rows == 0


def test_only_completed_crypto_with_a_hash_and_an_address_is_registered(warehouse):
    deposit(warehouse, "1")
    deposit(warehouse, "2", rail_code="fiat")
    deposit(warehouse, "3", status_code="pending")
    deposit(warehouse, "4", tx_hash=None)
    deposit(warehouse, "5", tx_hash="  ")
    deposit(warehouse, "6", to_address=None)
    deposit(warehouse, "7", to_address=" ; ")
    deposit(warehouse, "8", _dlt_load_id="broken")
    deposit(warehouse, "9", table="withdrawals", chain_code="ethereum", asset_code="ETH")
    found = transfers_to_register(warehouse).to_pylist()
    assert [row["ledger_transfer_id"] for row in found] == ["exchange:deposit:1", "exchange:withdrawal:9"]
    assert found[0] == {
        "ledger_transfer_id": "exchange:deposit:1",
        "user_id": "A1",
        "network": "Bitcoin",
        "asset_code": "BTC",
        "transfer_reference": "hash1:bc1qours",
        "direction_code": "received",
        "transfer_at": AT,
        "asset_amount": Decimal("0.5"),
        "external_id": None,
    }
    assert (found[1]["network"], found[1]["direction_code"]) == ("Ethereum", "sent")


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("bc1qA; bc1qB", "bc1qA"),
        (" bc1qA ,bc1qB", "bc1qA"),
        ("bc1qA | bc1qB", "bc1qA"),
        (";bc1qB", "bc1qB"),
        ("bitcoin:bc1qA", "bitcoin:bc1qA"),
        ("bc1q\u200bA'\"", "bc1q\u200bA'\""),
    ],
)
def test_of_several_addresses_the_first_as_the_source_wrote_it(warehouse, address, first):
    deposit(warehouse, "1", to_address=address)
    assert transfers_to_register(warehouse).column("transfer_reference").to_pylist() == [f"hash1:{first}"]


def test_the_latest_delivered_version_counts(warehouse):
    deposit(warehouse, "1", table="withdrawals", status_code="pending")
    deposit(warehouse, "1", table="withdrawals", _known_at=AT.replace(hour=14), _extract_id="w")
    deposit(warehouse, "2", table="withdrawals")
    deposit(warehouse, "2", table="withdrawals", status_code="cancelled", _record_no=2)
    assert wanted(warehouse) == ["exchange:withdrawal:1"]


def test_what_has_landed_is_left_and_what_is_processing_comes_again(warehouse):
    for number in "1234":
        deposit(warehouse, number)
    landed(
        warehouse,
        ("exchange:deposit:1", "e1", AT, "done"),
        ("exchange:deposit:2", "e2", None, "done"),
        ("exchange:deposit:3", "e3", AT, "killed"),
        rejected=(("r", "transfers", json.dumps({"ledger_transfer_id": "exchange:deposit:4"})),),
    )
    found = {row["ledger_transfer_id"]: row["external_id"] for row in transfers_to_register(warehouse).to_pylist()}
    assert found == {"exchange:deposit:2": "e2", "exchange:deposit:3": None}
    with pipeline.asking_again(["r"]):
        assert "exchange:deposit:4" in wanted(warehouse)
    warehouse.execute(
        "insert into raw_chainalysis.rejects select * replace (now() as replayed_at) from raw_chainalysis.rejects"
    )
    assert "exchange:deposit:4" in wanted(warehouse), (
        "a replay brought it in: whether it is finished is the row's affair"
    )


def test_a_transfer_that_finished_after_landing_as_pending_is_left(warehouse):
    deposit(warehouse, "1")
    landed(warehouse, ("exchange:deposit:1", "e1", None, "done"), ("exchange:deposit:1", "e1", AT, "done"))
    assert wanted(warehouse) == []


def test_accounts_say_what_earlier_loads_hold_of_the_vendors_list(warehouse):
    landed(
        warehouse,
        ("exchange:deposit:1", "e1", AT, "done"),
        alerts=(("e1", "a1", "done"), ("e1", "a2", "done"), ("e1", "a3", "killed")),
    )
    keys = [("A1", "h:a", "received"), ("A9", "h:z", "sent"), ("A7", None, None)]
    assert Earlier(warehouse).accounts(keys) == {keys[0]: Account("e1", frozenset({"a1", "a2"}))}
    assert Earlier(warehouse).accounts([]) == {}


def test_movements_come_sorted_and_once():
    row = {
        "user_id": "A1",
        "network": "Bitcoin",
        "asset_code": "BTC",
        "transfer_reference": "h:a",
        "direction_code": "sent",
        "transfer_at": AT,
    }
    given = [{**row, "ledger_transfer_id": "b"}, {**row, "ledger_transfer_id": "a"}]
    assert [movement.ledger_transfer_id for movement in movements(given)] == ["a", "b"]
    with pytest.raises(ValueError, match="given twice"):
        movements([given[0], given[0]])
