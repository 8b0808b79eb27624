"""Dates keep what they say and nothing more; addresses are found in running text and nothing else is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.watchlists.dates import precision
from ingestion.watchlists.mentions import unlabelled

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=100)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1965-03-12", ("day", None)),
        ("12/03/1965", ("day", None)),
        ("12 Mar 1965", ("day", None)),
        ("March 1965", ("month", None)),
        ("00/03/1965", ("month", None)),
        ("dd/mm/1965", ("year", None)),
        ("00/00/1965", ("year", None)),
        ("1965", ("year", None)),
        ("circa 1965", ("about", None)),
        ("1965 to 1967", ("range", None)),
        ("between 1965 and 1967", ("range", None)),
        ("31/02/1965", ("day", "impossible_date")),
        ("1965-13", ("month", "impossible_date")),
        ("dd/mm/yyyy", (None, "not_a_date")),
        ("12 1965", (None, "not_a_date")),
        ("unknown", (None, "not_a_date")),
        (" ", (None, "no_value")),
        (None, (None, "no_value")),
    ],
)
def test_how_much_of_a_date_a_text_gives(text, found):
    assert precision(text) == found


@FIXED
@given(st.dates())
def test_every_date_is_one_in_every_spelling(day):
    for text in (day.isoformat(), f"{day.day:02d}/{day.month:02d}/{day.year:04d}"):
        assert precision(text) == ("day", None)


@FIXED
@given(st.text(max_size=40))
def test_no_text_is_a_crash(text):
    how, problem = precision(text)
    assert how in (None, "day", "month", "year", "range", "about") and (how or problem)


EVM = "0x" + "aB" * 20
BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
BECH32 = "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"


def test_addresses_in_running_text():
    text = f"Uses wallets {EVM}, ({BITCOIN}); \u201c{BECH32}\u201d. "
    text += f"Passport 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb, transaction 0x{'c' * 64}."
    assert list(unlabelled(text)) == [("ETH", EVM), ("XBT", BITCOIN), ("XBT", BECH32)]


@FIXED
@given(st.lists(st.sampled_from([EVM, BITCOIN, BECH32]), max_size=4), st.text(" ;,()\n.", min_size=1, max_size=3))
def test_every_address_is_found_once_for_each_mention(addresses, between):
    assert [address for _, address in unlabelled((f" {between} ").join(addresses))] == addresses
