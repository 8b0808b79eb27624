"""Casts and rules of canonical files: exact or rejected, never guessed."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.tabular import AMOUNT, BOOLEAN, DATE, MONEY, TIMESTAMP, Column, Table
from ingestion.validation import validate


def judge(column: Column, *values: bytes | None):
    """The typed values and the reason codes by row of a one-column CSV."""
    table = Table("t", (column,), key=(column.name,), event=column.name)
    verdict = validate(table, pa.table({column.name: pa.chunked_array([pa.array(values, pa.binary())])}))
    return verdict.values.column(column.name).to_pylist(), {
        row: [code for code, _ in problems] for row, problems in verdict.problems.items()
    }


def sentence(column: Column, value: bytes | None) -> str:
    table = Table("t", (column,), key=(column.name,), event=column.name)
    verdict = validate(table, pa.table({column.name: pa.chunked_array([pa.array([value], pa.binary())])}))
    return verdict.problems[0][0][1]


@given(st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, places=18, allow_nan=False, allow_infinity=False))
def test_every_plain_decimal_is_exact(value):
    values, problems = judge(Column("amount", AMOUNT), format(value, "f").encode())
    assert (values, problems) == ([value], {})


@pytest.mark.parametrize(
    "text",
    [
        "1e5", "1E5", "1,000.00", "1 000", " 1", "1 ", "+1", ".5", "1.", "0x10", "NaN", "Infinity", "١", "1.5\n", "--1",
        "1.1234567890123456789", "123456789012345678901", "1.0000000000000000000000000",
    ],
)  # fmt: skip
def test_a_number_written_in_any_other_way_is_a_reject(text):
    values, problems = judge(Column("amount", AMOUNT), b"1", text.encode(), None)
    assert (values, problems) == ([Decimal(1), None, None], {1: ["invalid_decimal"]})


@given(st.text(st.sampled_from("0123456789.-+eE, _")) | st.text())
def test_no_text_is_ever_read_as_another_number(text):
    values, problems = judge(Column("amount", MONEY), text.encode("utf-8", "surrogatepass") or None)
    if values[0] is not None:
        assert re.fullmatch(r"-?[0-9]+([.][0-9]{1,2})?", text)
        assert values[0] == Decimal(text)
    assert bool(problems) == (values[0] is None and bool(text))


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.sampled_from(["", "Z", "+00:00"])
)
def test_every_utc_time_is_exact_to_the_microsecond(moment, zone):
    for separator in ("T", " "):
        values, problems = judge(Column("at", TIMESTAMP), (moment.isoformat(sep=separator) + zone).encode())
        assert (values, problems) == ([moment], {})


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01", "2026-01-01T10:00", "2026-01-01T10:00:00+02:00", "2026-01-01T10:00:00-00:00", "1767225600",
        "2026-02-30T10:00:00", "2026-01-01T24:00:00", "2026-01-01T10:00:60", "2026-01-01T10:00:00.1234567",
        "01/02/2026 10:00:00",
        "2026-01-01T10:00:00z", "2026-01-01T10:00:00ZZ", "2026-01-01T10:00:00Z+00:00",
    ],
)  # fmt: skip
def test_a_time_written_in_any_other_way_is_a_reject(text):
    values, problems = judge(Column("at", TIMESTAMP), b"2026-01-01T10:00:00", text.encode())
    assert (values, problems) == ([datetime(2026, 1, 1, 10), None], {1: ["invalid_timestamp"]})


@pytest.mark.parametrize("text", ["2026-02-29", "2026-1-1", "20260101", "2026-01-01T00:00:00"])
def test_a_date_that_is_none_is_a_reject(text):
    assert judge(Column("on", DATE), b"2024-02-29", text.encode())[1] == {1: ["invalid_date"]}


@pytest.mark.parametrize("text", ["True", "TRUE", "1", "yes", "t"])
def test_a_boolean_is_true_or_false(text):
    assert judge(Column("is_pep", BOOLEAN), b"true", b"false", text.encode()) == (
        [True, False, None],
        {2: ["invalid_boolean"]},
    )


def test_codes_are_taken_as_written():
    column = Column("status_code", codes=("completed", "failed"))
    assert judge(column, b"completed", b"Completed", b"completed ", None)[1] == {
        1: ["unknown_code"],
        2: ["unknown_code"],
    }
    assert sentence(column, b"Completed") == "status_code 'Completed' is none of completed|failed"


def test_an_asset_must_be_on_the_reviewed_list():
    column = Column("asset_code", required=True, is_asset=True)
    assert judge(column, b"BTC", b"btc", b"XBT0", None)[1] == {
        1: ["unknown_asset"],
        2: ["unknown_asset"],
        3: ["missing_value"],
    }


def test_ranges_and_required_values_are_said_plainly():
    amount = Column("amount", AMOUNT, required=True, minimum="zero")
    price = Column("price", AMOUNT, minimum="positive")
    assert judge(amount, b"0", b"-0.01")[1] == {1: ["out_of_range"]}
    assert judge(price, b"0.000000000000000001", b"0")[1] == {1: ["out_of_range"]}
    assert sentence(amount, b"-5") == "amount '-5' is not 0 or more"
    assert sentence(amount, None) == "amount is empty and required"
    assert sentence(amount, b"1e5") == "amount '1e5' is not a plain number that fits decimal(38,18)"


def test_text_is_kept_byte_for_byte_and_what_is_no_text_is_a_reject():
    odd = "bc1q;, 'x'\"\u00a0\u200b\tü\r\n\U0001f9ff ".encode()
    values, problems = judge(Column("from_address"), odd, b"caf\xe9", b"a\0b", None)
    assert values == [odd.decode(), None, None, None]
    assert problems == {1: ["invalid_text"], 2: ["invalid_text"]}


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))
def test_any_text_survives(values):
    assert judge(Column("remark"), *(None if v is None else v.encode() for v in values)) == (values, {})


def test_stored_parquet_types_are_cast_exactly():
    zoned = pa.array([datetime(2026, 1, 1, 12, tzinfo=UTC)], pa.timestamp("ms", "Asia/Singapore"))
    table = Table("t", (Column("at", TIMESTAMP), Column("amount", AMOUNT), Column("n", AMOUNT)), key=("n",), event="at")
    raw = pa.table({"at": zoned, "amount": pa.array([Decimal("1.50")], pa.decimal128(10, 2)), "n": pa.array([3])})
    verdict = validate(table, raw)
    assert verdict.problems == {}
    assert verdict.values.to_pylist() == [{"at": datetime(2026, 1, 1, 12), "amount": Decimal("1.5"), "n": Decimal(3)}]


def test_parquet_values_that_would_lose_digits_are_rejects():
    table = Table("t", (Column("at", TIMESTAMP), Column("amount", AMOUNT)), key=("at",), event="at")
    raw = pa.table(
        {
            "at": pa.array([1, 1000], pa.timestamp("ns")),
            "amount": pa.array([Decimal("1e25"), Decimal("2")], pa.decimal256(60, 20)),
        }
    )
    verdict = validate(table, raw)
    assert {row: [code for code, _ in found] for row, found in verdict.problems.items()} == {
        0: ["invalid_timestamp", "invalid_decimal"]
    }
    assert verdict.values.column("at")[1].as_py() == datetime(1970, 1, 1) + timedelta(microseconds=1)
