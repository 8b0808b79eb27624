"""Money to the cent, smallest units to the last digit, and the record hash both sides of a reconciliation compute."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.control_totals import record_hash

amounts = st.decimals(min_value=0, max_value=10**12, places=8, allow_nan=False)
rates = st.decimals(min_value=0, max_value=200_000, places=8, allow_nan=False)


@given(amounts, rates)
@settings(max_examples=100, deadline=None)
def test_usd_is_rounded_half_away_from_zero(macro, evaluate, amount, rate):
    with localcontext(prec=60):
        exact = (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
    given_amount, given_rate = f"cast('{amount:.8f}' as decimal(38,18))", f"cast('{rate:.8f}' as decimal(38,18))"
    if exact < 10**16:
        assert evaluate(macro("usd_amount", given_amount, given_rate), 1)[0] == exact


@pytest.mark.parametrize(("amount", "rate"), [("1e0", "null"), ("null", "1.0"), ("1e17", "1.0"), ("1.0", "12345678.0")])
def test_what_cannot_be_valued_is_null_and_no_error(macro, evaluate, amount, rate):
    given_amount, given_rate = f"cast({amount} as decimal(38,18))", f"cast({rate} as decimal(38,18))"
    assert evaluate(macro("usd_amount", given_amount, given_rate), 1) == [None]


@given(st.integers(0, 10**37 - 1), st.integers(0, 18))
@settings(max_examples=100, deadline=None)
def test_smallest_units_are_scaled_to_the_last_digit(macro, evaluate, units, decimals):
    value = Decimal(f"{units}e-{decimals}")
    found = evaluate(macro("scaled_amount", "v1", str(decimals)), str(units))[0]
    assert found == (value if value < 10**20 else None)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "0x10", "abc", None, str(2**256 - 1)])
def test_what_is_no_amount_scales_to_null(macro, evaluate, text):
    assert evaluate(macro("scaled_amount", "v1", "18"), text) == [None]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=1000), min_size=1, max_size=30), st.none() | amounts)
@settings(max_examples=100, deadline=None)
def test_the_record_hash_is_the_loaders(macro, evaluate, key, amount):
    sql = macro("record_hash", "v1", "v2" if amount is not None else None)
    found = evaluate(sql, key, *([] if amount is None else [amount]))[0]
    assert int(found) == record_hash(key, amount)


def test_pseudonyms_join_and_do_not_collide(macro, evaluate):
    sql = macro("pseudonym", "v1")
    first, again, other = (evaluate(sql, party)[0] for party in ("P1", "P1", "P2"))
    assert first == again != other
    assert len(first) == 32 and "P1" not in first
    assert evaluate(sql, None) == [None]


def test_keys_of_several_parts_are_unambiguous(macro, evaluate):
    sql = macro("md5_key", ["v1", "v2"])
    assert evaluate(sql, "a", "bc") != evaluate(sql, "ab", "c")
    assert evaluate(sql, None, "a") != evaluate(sql, "a", None)


def test_seconds_between_are_whole_and_exact(macro, evaluate):
    sql = macro("seconds_between", "cast(v1 as timestamp)", "cast(v2 as timestamp)")
    assert evaluate(sql, "2026-01-01 00:00:00.500000", "2026-01-02 00:00:00.499999") == [86_399]
    assert evaluate(sql, "2026-01-01 00:00:00", "2026-01-02 00:00:00") == [86_400]
