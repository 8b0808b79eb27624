"""Blockchain ETL files, written here by hand, in each of their forms."""

import json
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.deliveries import DeliveryError
from ingestion.onchain import bitcoin, bulk, count
from ingestion.onchain.parse import exact

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=30)
DAY = date(2026, 1, 9)
HASH = "0x" + "ab" * 32
SENDER, RECEIVER = "0x" + "1" * 40, "0x" + "2" * 40
TRANSACTION = {
    "hash": HASH,
    "nonce": "12",
    "block_hash": HASH,
    "block_number": "483920",
    "transaction_index": "0",
    "from_address": SENDER,
    "to_address": RECEIVER,
    "value": "123456789012345678901234567890",
    "gas": "21000",
    "gas_price": "50000000000",
    "input": "0x",
    "block_timestamp": "1446561880",
    "max_fee_per_gas": "",
    "max_priority_fee_per_gas": "",
    "transaction_type": "0",
}
TRANSFER = {
    "token_address": "0x" + "C" * 40,
    "from_address": SENDER,
    "to_address": RECEIVER,
    "value": str(2**256 - 1),
    "transaction_hash": HASH,
    "log_index": "3",
    "block_number": "483920",
}


def read_bulk(path, table, day):
    with duckdb.connect() as connection:
        return bulk.read(path, table, day, connection)


def read_bitcoin(path, day):
    with duckdb.connect() as connection:
        return bitcoin.read(path, day, connection)


def write(path, *records: dict):
    if path.suffix == ".csv":
        lines = [",".join(records[0]), *(",".join(record.values()) for record in records)]
        path.write_text("\n".join([*lines, ""]))
    elif path.suffix == ".parquet":
        columns = {name: [record[name] or None for record in records] for name in records[0]}
        pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), path)
    else:
        exact = [{n: int(v) if v.isdecimal() else v or None for n, v in record.items()} for record in records]
        path.write_text("".join(f"{json.dumps(record)}\n" for record in exact))
    return path


def totals_of(path, table: str = "ethereum_transactions") -> dict:
    found = count.bulk(path, table, DAY)
    return {key: (found.rows[key], found.amount(key)) for key in found.rows}


@pytest.mark.parametrize("suffix", bulk.SUFFIXES)
def test_every_form_gives_the_same_exact_rows(tmp_path, suffix):
    other = {**TRANSACTION, "value": "1", "to_address": "", "block_timestamp": "2015-11-03 23:59:59 UTC", "extra": "x"}
    path = write(tmp_path / f"ethereum_transactions{suffix}", {**TRANSACTION, "extra": ""}, other)
    found = read_bulk(path, "ethereum_transactions", DAY)
    assert not found.rejected and found.numbers.tolist() == [1, 2]
    first, second = found.rows.to_pylist()
    assert first["value"] == TRANSACTION["value"] and first["block_number"] == 483920
    assert first["block_timestamp"] == datetime(2015, 11, 3, 14, 44, 40) and first["max_fee_per_gas"] is None
    assert second["to_address"] is None and second["block_timestamp"] == datetime(2015, 11, 3, 23, 59, 59)
    assert totals_of(path) == {(date(2015, 11, 3), "ETH"): (2, Decimal("123456789012.345678901234567891"))}


def test_parquet_may_store_numbers_decimals_and_times(tmp_path):
    table = pa.table(
        {
            **{name: pa.array([value or None]) for name, value in TRANSACTION.items()},
            "block_number": pa.array([483920]),
            "value": pa.array([Decimal("123456789012345678901234567890.000")], pa.decimal128(38, 3)),
            "block_timestamp": pa.array([datetime(2015, 11, 3, 14, 44, 40)], pa.timestamp("ns", "America/New_York")),
        }
    )
    path = tmp_path / "ethereum_transactions.parquet"
    pq.write_table(table, path)
    (row,) = read_bulk(path, "ethereum_transactions", DAY).rows.to_pylist()
    assert row["value"] == TRANSACTION["value"] and row["block_timestamp"] == datetime(2015, 11, 3, 14, 44, 40)
    assert totals_of(path) == {(date(2015, 11, 3), "ETH"): (1, Decimal("123456789012.345678901234567890"))}
    pq.write_table(table.set_column(7, "value", pa.array([1e29])), path)
    with pytest.raises(DeliveryError, match="stores value as double, which cannot hold it exactly"):
        read_bulk(path, "ethereum_transactions", DAY)


def test_token_transfers_are_exact_and_may_lack_their_time(tmp_path):
    path = write(tmp_path / "ethereum_token_transfers.csv", TRANSFER)
    (row,) = read_bulk(path, "ethereum_token_transfers", DAY).rows.to_pylist()
    assert row["value"] == str(2**256 - 1) and row["block_timestamp"] is None
    assert totals_of(path, "ethereum_token_transfers") == {(None, "0x" + "c" * 40): (1, None)}


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
@pytest.mark.parametrize(
    ("changes", "code", "day", "amount"),
    [
        ({"value": "1e18"}, "invalid_value", date(2015, 11, 3), None),
        ({"value": ""}, "missing_value", date(2015, 11, 3), None),
        ({"value": "9" * 39}, "invalid_value", date(2015, 11, 3), None),
        ({"hash": "0x12"}, "invalid_hash", date(2015, 11, 3), Decimal("123456789012.34567890123456789")),
        ({"block_number": "x"}, "invalid_block_number", date(2015, 11, 3), Decimal("123456789012.34567890123456789")),
        ({"block_timestamp": "yesterday"}, "invalid_block_timestamp", DAY, Decimal("123456789012.34567890123456789")),
        ({"block_timestamp": "2026-02-30 00:00:00"}, "invalid_block_timestamp", DAY, None),
    ],
)
def test_an_unusable_record_is_rejected_alone_and_counted(tmp_path, suffix, changes, code, day, amount):
    changed = {**TRANSACTION, **changes}
    if "2026-02" in changed["block_timestamp"]:
        changed["value"] = "x"
        code = "invalid_value"
    path = write(tmp_path / f"ethereum_transactions{suffix}", changed, {**TRANSACTION, "value": "0"})
    found = read_bulk(path, "ethereum_transactions", DAY)
    (rejected,) = found.rejected
    assert (rejected.record_no, rejected.code, rejected.event_date, rejected.amount) == (1, code, day, amount)
    assert found.numbers.tolist() == [2] and found.rows.num_rows == 1
    assert sum(rows for rows, _ in totals_of(path).values()) == 2
    assert max(total for _, total in totals_of(path).values()) == (amount or 0)


def test_records_without_shape_are_rejected_with_their_number(tmp_path):
    csv = write(tmp_path / "ethereum_transactions.csv", TRANSACTION, TRANSACTION, TRANSACTION)
    csv.write_text(csv.read_text().replace(",21000,", ",", 1))
    ndjson = write(tmp_path / "ethereum_transactions.json", TRANSACTION, TRANSACTION)
    ndjson.write_text("{broken\n" + ndjson.read_text() + "[1]\n\n")
    for path, numbers, good in ((csv, [1], [2, 3]), (ndjson, [1, 4], [2, 3])):
        found = read_bulk(path, "ethereum_transactions", DAY)
        assert [(one.record_no, one.code, one.asset_code) for one in found.rejected] == [
            (number, "malformed_row", "ETH") for number in numbers
        ]
        assert found.numbers.tolist() == good
        assert sum(rows for rows, _ in totals_of(path).values()) == len(numbers) + len(good)


def test_a_file_that_is_not_what_its_name_says_is_a_clear_error(tmp_path):
    for suffix, content in ((".csv", "a,b\n1,2\n"), (".parquet", "not parquet")):
        path = tmp_path / f"ethereum_transactions{suffix}"
        path.write_text(content)
        with pytest.raises(DeliveryError, match=path.name):
            read_bulk(path, "ethereum_transactions", DAY)


def test_an_empty_file_is_a_range_without_records(tmp_path):
    path = tmp_path / "ethereum_transactions.csv"
    path.touch()
    assert read_bulk(path, "ethereum_transactions", DAY).rows.num_rows == 0 and totals_of(path) == {}


def bitcoin_transaction(**changes) -> dict:
    put = {"index": 0, "type": "pubkeyhash", "required_signatures": 1}
    return {
        "hash": "f" * 64,
        "block_number": 50001,
        "block_hash": "0" * 64,
        "block_timestamp": 1270917100,
        "is_coinbase": False,
        "inputs": [
            {**put, "spent_transaction_hash": "e" * 64, "spent_output_index": 1, "addresses": ["1a"], "value": 30},
            {
                **put,
                "index": 1,
                "spent_transaction_hash": "d" * 64,
                "spent_output_index": 0,
                "addresses": [],
                "value": None,
            },
        ],
        "outputs": [{**put, "addresses": ["1b", "1c"], "value": 2_100_000_000_000_000}],
        **changes,
    }


def ndjson(path, *records: object):
    path.write_text("".join(record if isinstance(record, str) else f"{json.dumps(record)}\n" for record in records))
    return path


def bitcoin_totals(path) -> dict:
    return {
        (table, *key): (rows, totals.amount(key))
        for table, totals in count.bitcoin(path, DAY).items()
        for key, rows in totals.rows.items()
    }


def test_bitcoin_transactions_are_flattened_in_order(tmp_path):
    coinbase = bitcoin_transaction(is_coinbase=True, inputs=[], hash="a" * 64)
    path = ndjson(tmp_path / "bitcoin_transactions.json", coinbase, bitcoin_transaction())
    found = read_bitcoin(path, DAY)
    inputs, outputs = (found[table].rows.to_pylist() for table in bitcoin.PUTS)
    assert [(row["index"], row["address"], row["value"], row["spent_output_index"]) for row in inputs] == [
        (0, "1a", "30", 1),
        (1, None, None, 0),
    ]
    assert [(row["transaction_hash"][0], row["address"], row["value"], row["is_coinbase"]) for row in outputs] == [
        ("a", "1b;1c", "2100000000000000", True),
        ("f", "1b;1c", "2100000000000000", False),
    ]
    assert outputs[0]["block_timestamp"] == datetime(2010, 4, 10, 16, 31, 40)
    day = date(2010, 4, 10)
    assert bitcoin_totals(path) == {
        ("bitcoin_inputs", day, "BTC"): (2, Decimal("0.0000003")),
        ("bitcoin_outputs", day, "BTC"): (2, Decimal(42_000_000)),
    }


def test_what_a_bitcoin_transaction_states_of_itself_is_its_control_total(tmp_path):
    stated = bitcoin_transaction(input_count=2, input_value=30, output_count=3, output_value=7)
    path = ndjson(tmp_path / "bitcoin_transactions.json", stated)
    assert bitcoin_totals(path)[("bitcoin_outputs", date(2010, 4, 10), "BTC")] == (3, Decimal("0.00000007"))
    assert read_bitcoin(path, DAY)["bitcoin_outputs"].rows.num_rows == 1


def test_unusable_bitcoin_records_are_rejected_and_counted(tmp_path):
    outputs = [{"index": 0, "addresses": ["x"], "value": 5}, {"index": 1, "addresses": ["y"], "value": -1}]
    records = (bitcoin_transaction(outputs=outputs), bitcoin_transaction(block_timestamp="soon", inputs=[]))
    good = ndjson(tmp_path / "bitcoin_transactions.json", *records)
    bad = ndjson(tmp_path / "bitcoin_transactions-2.json", *records, "{cut of\n")
    for path, codes in (
        (good, ["invalid_value", "invalid_block_timestamp"]),
        (bad, ["invalid_value", "invalid_block_timestamp", "malformed_row"]),
    ):
        found = read_bitcoin(path, DAY)
        assert [one.code for one in found["bitcoin_outputs"].rejected] == codes
        for table, records_found in found.items():
            rows = sum(r for (t, *_), (r, _) in bitcoin_totals(path).items() if t == table)
            assert rows == records_found.rows.num_rows + len(records_found.rejected)
        numbers = [*found["bitcoin_outputs"].numbers, *(one.record_no for one in found["bitcoin_outputs"].rejected)]
        assert sorted(numbers) == list(range(1, len(codes) + 2))


values = st.one_of(st.integers(0, 10**38 - 1).map(str), st.sampled_from(["", "x", "1e5", "-1", "1.5"]))
times = st.one_of(st.integers(0, 4 * 10**9).map(str), st.sampled_from(["", "no", "2026-01-01T00:00:00Z"]))


@FIXED
@given(st.lists(st.tuples(values, times), min_size=1, max_size=6), st.sampled_from(bulk.SUFFIXES))
def test_both_paths_agree_whatever_the_records_are(tmp_path_factory, made, suffix):
    path = tmp_path_factory.mktemp("bulk") / f"ethereum_transactions{suffix}"
    write(path, *({**TRANSACTION, "value": value, "block_timestamp": time} for value, time in made))
    found = read_bulk(path, "ethereum_transactions", DAY)
    amounts: dict = {}
    for row in found.rows.to_pylist():
        key = (row["block_timestamp"].date(), "ETH")
        rows, amount = amounts.get(key, (0, 0))
        amounts[key] = (rows + 1, amount + int(row["value"]))
    for one in found.rejected:
        key = (one.event_date, one.asset_code)
        rows, amount = amounts.get(key, (0, 0))
        amounts[key] = (rows + 1, amount + int(f"{one.amount or 0:f}".replace(".", "")))
    assert totals_of(path) == {key: (rows, exact(units, 18)) for key, (rows, units) in amounts.items()}
