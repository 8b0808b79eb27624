"""Keys and amounts as an answer itself says them, and hashes for what a manifest leaves open."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from ingestion import wire
from ingestion.control_totals import record_hash, row, with_hashes

ANSWER = {"id": "a", "no": 7, "yes": True, "in": {"to": ["x"]}, "text": "1.50", "number": Decimal("2.5"), "none": None}


def test_a_member_is_read_or_absent_and_never_an_error():
    assert [wire.said(ANSWER, name) for name in ("id", "no", "yes", "none", "in", "gone")] == [
        "a", "7", None, None, None, None,
    ]  # fmt: skip
    assert wire.listed(ANSWER, "in", "to") == ["x"] and wire.listed(ANSWER, "id", "to") == []
    assert wire.said("no object", "id") is None and wire.said(None, "id", "more") is None


@pytest.mark.parametrize(
    ("name", "amount"),
    [("text", Decimal("1.50")), ("number", Decimal("2.5")), ("no", Decimal(7)), ("id", None), ("yes", None)],
)
def test_an_amount_is_exact_however_it_is_written(name, amount):
    assert wire.exact(ANSWER, name) == amount


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_no_document(body):
    assert wire.document(body) is None


def test_a_key_is_text_that_every_engine_can_hash():
    assert wire.key("a", None, "b") == "a::b" and record_hash(wire.key("\ud800"), None) > 0


def total(rows: int, day: date | None = None, source_hash: int | None = None, table: str = "t") -> dict:
    return row(
        extract_id="e", feed_code="f", table_name=table, source_rows=rows, captured_by="manifest", source_uri="u",
        known_at=datetime(2026, 1, 1), event_date=day, source_hash=source_hash,
    )  # fmt: skip


def test_an_extract_without_rows_has_the_hash_of_nothing():
    assert total(0)["source_hash"] == 0 and total(1)["source_hash"] is None


def test_a_hash_that_a_manifest_leaves_open_is_the_counted_one_of_the_same_day():
    first, second = date(2026, 1, 1), date(2026, 1, 2)
    stated = [total(1, first), total(1, second, source_hash=5)]
    found = with_hashes(stated, [total(1, first, source_hash=7), total(1, second, source_hash=8)])
    assert [one["source_hash"] for one in found] == [7, 5]
    assert with_hashes([total(1, first), total(1, second)], [total(1, first, source_hash=7)])[1]["source_hash"] is None


def test_the_only_total_of_a_table_takes_all_that_was_counted_of_it():
    counted = [total(1, date(2026, 1, day), source_hash=day) for day in (1, 2)] + [total(1, source_hash=9, table="u")]
    assert with_hashes([total(2)], counted)[0]["source_hash"] == 3
    assert with_hashes([total(2)], [*counted, total(1)])[0]["source_hash"] is None
