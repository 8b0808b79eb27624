"""Records of case systems: counted by brackets as JSON would count them, and times read or refused."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.cases import marble, unit21
from ingestion.cases.wire import Unusable, elements, moment, text

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=80)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
RECORD = st.dictionaries(st.sampled_from(["id", "data", "cases", 'q"}{', "created_at"]), VALUES, max_size=4)


@FIXED
@given(st.lists(RECORD, max_size=5), st.booleans(), VALUES)
def test_both_counts_of_a_page_agree(records, pretty, other):
    body = json.dumps({"other": other, "data": records, "more": [{}]}, indent=2 if pretty else None).encode()
    assert elements(body, "data") == len(records)


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        (1767225600, datetime(2026, 1, 1)),
        (Decimal("1767225600.5"), datetime(2026, 1, 1, 0, 0, 0, 500000)),
        ("2026-01-01T01:00:00.000+01:00", datetime(2026, 1, 1)),
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1)),
        (None, None),
        ("", None),
    ],
)
def test_times_are_utc(stated, read):
    assert moment({"at": stated}, "at") == read


@FIXED
@given(VALUES)
def test_no_value_is_an_error_other_than_an_unusable_record(value):
    record = {"id": "1", "unit21_id": 1, "created_at": value, "trigger_object": value, "associated_rules": value}
    for read in (unit21._row, marble._row):
        for kind in ("alert", "case", "sar"):
            try:
                row = read(kind, record, datetime(2026, 1, 1))
            except Unusable as problem:
                assert problem.code
            else:
                assert row["record_id"] == "1" and isinstance(row["updated_at"], datetime)


def test_a_path_into_something_else_is_nothing():
    assert text({"a": [{"b": "x"}]}, "a", 0, "b") == "x"
    assert text({"a": []}, "a", 0, "b") is None and text({"a": "text"}, "a", "b") is None
    assert text({"a": {"b": 1}}, "a") is None
