"""The shared columns, control totals and rejects: exactness and determinism."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import permutations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import control_totals, records, rejects

KNOWN_AT = datetime(2026, 1, 2, 2)
SCHEMA = pa.schema([pa.field("deposit_id", pa.string(), nullable=False), pa.field("event_at", records.TIMESTAMP)])
AMOUNTS = st.decimals(min_value=0, max_value=10**15, places=18, allow_nan=False, allow_infinity=False)
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def test_stamp_adds_the_common_columns_and_counts_records_from_the_given_number():
    table = pa.table({"deposit_id": ["a", "b"], "event_at": [None, None]}, schema=SCHEMA)
    stamped = records.stamp(table, KNOWN_AT, "x:1", first_record_no=5)
    assert stamped.schema == records.raw_schema(SCHEMA)
    assert stamped.column("_record_no").to_pylist() == [5, 6]
    assert stamped.column("_known_at").to_pylist() == [KNOWN_AT] * 2
    assert stamped.column("_extract_id").to_pylist() == ["x:1"] * 2


def test_a_zoned_known_at_is_converted_and_not_cut():
    table = pa.table({"deposit_id": ["a"], "event_at": [None]}, schema=SCHEMA)
    zoned = datetime(2026, 1, 2, 4, tzinfo=timezone(timedelta(hours=2)))
    assert records.stamp(table, zoned, "x").column("_known_at").to_pylist() == [KNOWN_AT]
    assert records.utc(KNOWN_AT.replace(tzinfo=UTC)) == KNOWN_AT


def test_every_timestamp_is_hinted_as_without_zone():
    assert {name: hint["timezone"] for name, hint in records.hints(records.raw_schema(SCHEMA)).items()} == {
        "event_at": False,
        "_known_at": False,
    }


def test_a_resource_yields_an_empty_table_first_and_refuses_an_unknown_column():
    table = records.stamp(pa.table({"deposit_id": ["a"], "event_at": [None]}, schema=SCHEMA), KNOWN_AT, "x")
    made = records.resource("deposits", SCHEMA, lambda: [table])
    assert [part.num_rows for part in made] == [0, 1]
    odd = table.append_column("vendor_score", pa.array([1]))
    with pytest.raises(Exception, match="unknown columns .'vendor_score'."):
        list(records.resource("deposits", SCHEMA, lambda: [odd]))
    tolerant = list(records.resource("deposits", SCHEMA, lambda: [odd], contract=records.VENDOR))
    assert tolerant[1].column("vendor_score").to_pylist() == [1]


def test_a_resource_refuses_a_missing_required_value():
    table = records.stamp(pa.table({"deposit_id": pa.array([None], pa.string()), "event_at": [None]}), KNOWN_AT, "x")
    with pytest.raises(Exception, match="deposit_id is required"):
        list(records.resource("deposits", SCHEMA, lambda: [table]))


def test_record_hash_by_hand():
    # md5sum of "d1|10.500000000000000000" and of "d1|"
    assert control_totals.record_hash("d1", Decimal("10.5")) == 0xB255A2AAD2BD4F8
    assert control_totals.record_hash("d1", Decimal("10.50")) == 0xB255A2AAD2BD4F8
    assert control_totals.record_hash("d1", None) == 0x9A6DAE2FD8BFA86


@given(st.lists(st.tuples(KEYS, st.none() | AMOUNTS), min_size=1, max_size=4))
def test_the_hash_total_is_the_same_in_any_order_and_in_sql(pairs):
    total = sum(control_totals.record_hash(key, amount) for key, amount in pairs)
    for order in permutations(pairs):
        assert sum(control_totals.record_hash(key, amount) for key, amount in order) == total
    source = pa.table(  # noqa: F841 (DuckDB finds it by its name)
        {
            "key": pa.array([key for key, _ in pairs], pa.string()),
            "amount": pa.array([amount for _, amount in pairs], records.AMOUNT),
        }
    )
    with duckdb.connect() as connection:
        (in_sql,) = connection.execute(
            "select sum(cast('0x' || left(md5(key || '|' || coalesce(cast(amount as varchar), '')), 15) as bigint)) "
            "from source"
        ).fetchone()
    assert in_sql == total


def test_control_totals_keep_big_hashes_and_small_amounts_exact():
    total = control_totals.row(
        extract_id="x",
        feed_code="exchange",
        table_name="deposits",
        source_rows=1,
        captured_by="manifest",
        source_uri="d/deposits.csv",
        known_at=KNOWN_AT,
        source_amount=Decimal("0.000000000000000001"),
        source_hash=10**37,
    )
    table = control_totals.to_table([total, total, {**total, "extract_id": "y"}])
    assert table.column("source_amount")[0].as_py() == Decimal("0.000000000000000001")
    assert table.column("source_hash")[0].as_py() == Decimal(10**37)
    assert table.column("_record_no").to_pylist() == [1, 2, 1]


def test_a_control_total_says_how_it_was_captured():
    with pytest.raises(ValueError, match="captured_by 'parsed'"):
        control_totals.row(
            extract_id="x",
            feed_code="exchange",
            table_name="deposits",
            source_rows=1,
            captured_by="parsed",
            source_uri="u",
            known_at=KNOWN_AT,
        )


def test_a_reject_has_a_stable_id_and_keeps_the_record():
    reject = {
        "feed_code": "exchange",
        "table_name": "deposits",
        "extract_id": "x",
        "record_no": 7,
        "reason_code": "invalid_decimal",
        "reason": "amount '1e5' is not a plain number",
        "raw_record": {"deposit_id": "d1", "amount": "1e5", "from_address": "bc1q…ü"},
        "first_seen_at": KNOWN_AT,
    }
    row = rejects.row(**reject)
    assert row == rejects.row(**reject)
    assert row["raw_record"] == '{"deposit_id": "d1", "amount": "1e5", "from_address": "bc1q…ü"}'
    assert rejects.row(**{**reject, "record_no": 8})["reject_id"] != row["reject_id"]
    assert rejects.to_table([row]).column("_record_no").to_pylist() == [7]
