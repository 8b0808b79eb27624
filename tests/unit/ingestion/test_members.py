"""A vendor's JSON object read member by member."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chainalysis.parse import Unreadable
from ingestion.members import Members


def test_members_nobody_knows_are_named_with_their_object():
    added: set[str] = set()
    outer = Members({"a": 1, "new": 2, "in": {"b": 1, "newer": 2}, "of": [{"c": 1}]}, "thing", {"a", "in", "of"}, added)
    outer.object("in", {"b"})
    list(outer.objects("of", {"b"}))
    assert added == {"thing.new", "in.newer", "of.c"}


@given(st.decimals(min_value=-(10**19), max_value=10**19, places=18))
def test_a_decimal_written_as_text_stays_exact(value):
    assert Members({"usd": format(value, "f")}, "thing").amount("usd") == value
    assert Members({"usd": value}, "thing").amount("usd") == value


@pytest.mark.parametrize("value", ["", "NaN", "1e400", "12,5", "0.1234567890123456789", "9" * 30, True, [], "Infinity"])
def test_what_is_no_exact_amount_is_unreadable(value):
    with pytest.raises(Unreadable, match="usd"):
        Members({"usd": value}, "thing").amount("usd")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_is_read_or_said_to_be_unreadable(value):
    kinds = {
        "text": str,
        "required": str,
        "code": str,
        "whole": int,
        "amount": Decimal,
        "moment": datetime,
        "flag": bool,
    }
    for reader, kind in kinds.items():
        try:
            read = getattr(Members({"m": value}, "thing"), reader)("m")
        except Unreadable:
            continue
        assert read is None or isinstance(read, kind)
