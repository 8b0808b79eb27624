"""The scenarios about amounts on stories checked by eye: what must alert, and beside each limit one that must not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from oracles import scenarios_amounts as scenarios
from unit.oracles.test_golden_cases import DAY, HOUR, Story, evidence

MOMENT = timedelta(microseconds=1)
CRYPTO = {"rail_code": "crypto", "asset_code": "USDT"}
TRADE = {"rail_code": "trade", "transfer_type_code": "trade", "asset_code": "BTC"}


def series(amounts: list[str], span: timedelta, direction: str = "in", last: dict | None = None, **more) -> Story:
    """Amounts from the start on, evenly, the last one exactly `span` later; `last` changes only that one."""
    story, steps = Story(), max(len(amounts) - 1, 1)
    for number, usd in enumerate(amounts):
        changed = (last or {}) if number == len(amounts) - 1 else {}
        story.leg(**{"direction": direction, "after": span * number / steps, "usd": usd, **more, **changed})
    return story


def found(judge, story: Story) -> set[frozenset[str]]:
    return evidence(judge(story.legs))


def whole_or_nothing(judge, story: Story) -> bool:
    """True where one leg alerts with all of the story, False where none alerts; anything else fails."""
    sets = found(judge, story)
    assert not sets or frozenset(leg["transfer_id"] for leg in story.legs) in sets
    return bool(sets)


def crypto(amounts: str, jurisdiction: str | None = "OTHER", span: timedelta = 7 * DAY, **more) -> Story:
    return series(amounts.split(), span, **CRYPTO, jurisdiction_code=jurisdiction, **more)


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (crypto("850 900 999.99"), True),
        (crypto("900 900 900", span=0 * DAY), True),
        (crypto("849.99 900 999.99"), False),
        (crypto("850 900 1000"), False),
        (crypto("900 900"), False),
        (crypto("850 900 999.99", span=7 * DAY + MOMENT), False),
        (crypto("850 900 999.99", last={"status_code": "failed"}), False),
        (crypto("850 900 999.99", last={"direction": "out"}), False),
        (crypto("850 900 999.99", last={"rail_code": "fiat", "asset_code": "USD"}), False),
        (crypto("2550 2900 2999.99", "US"), True),
        (crypto("850 900 999.99", "US"), False),
        (crypto("918 1000 1079.99", "EU"), True),
        (crypto("850 900 917.99", "EU"), False),
        (crypto("900 900 900", None), True),
    ],
    ids=[
        "alerts", "ties_see_each_other", "below_the_band", "at_the_level", "two", "a_moment_too_late", "one_failed",
        "other_direction", "fiat_has_no_travel_rule", "level_of_the_us", "too_small_for_the_us", "level_of_the_eu",
        "too_small_for_the_eu", "no_jurisdiction",
    ],
)  # fmt: skip
def test_tm02_three_crypto_transfers_under_the_travel_rule(story: Story, alerts: bool) -> None:
    assert whole_or_nothing(scenarios.tm02, story) == alerts


def test_tm02_the_band_reaches_the_level_together() -> None:
    one = scenarios.Limits(travel_rule_count=1)
    assert {v.reason for v in scenarios.tm02(crypto("999.99").legs, one).values()} == {"below_threshold"}
    assert found(lambda legs: scenarios.tm02(legs, one), crypto("850 850")) == {frozenset({"t0", "t1"})}


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (series(["500"] * 20, 30 * DAY), True),
        (series(["500"] * 20, 0 * DAY, "out"), True),
        (series(["600"] * 19, 30 * DAY), False),
        (series([*["500"] * 19, "499.99"], 30 * DAY), False),
        (series(["500"] * 20, 30 * DAY + MOMENT), False),
        (series(["500"] * 20, 30 * DAY, last={"direction": "out"}), False),
        (series(["500"] * 20, 30 * DAY, last={"party_id": "Q"}), False),
        (series([*["9000"] * 19, "9999.99"], 30 * DAY), True),
    ],
    ids=[
        "alerts",
        "ties",
        "nineteen",
        "too_little",
        "a_moment_too_late",
        "other_direction",
        "other_party",
        "just_under",
    ],
)
def test_tm03_twenty_transfers_all_under_the_level(story: Story, alerts: bool) -> None:
    assert whole_or_nothing(scenarios.tm03, story) == alerts


def test_tm03_one_large_transfer_in_the_window_ends_it() -> None:
    story = series(["500"] * 20, 30 * DAY).leg("in", 30 * DAY, "10000")
    assert {v.reason for v in scenarios.tm03(story.legs).values()} == {"below_threshold", "outside_band"}


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (series(["500", "600", "700", "800", "999.99"], 7 * DAY), True),
        (series(["600"] * 5, 0 * DAY), True),
        (series(["500", "600", "700", "800"], 7 * DAY), False),
        (series(["499.99", "600", "700", "800", "900"], 7 * DAY), False),
        (series(["500", "600", "700", "800", "1000"], 7 * DAY), False),
        (series(["600"] * 5, 7 * DAY + MOMENT), False),
        (series(["600"] * 5, 7 * DAY, "out"), False),
        (series(["600"] * 5, 7 * DAY, last={"status_code": "failed"}), False),
    ],
    ids=["alerts", "ties", "four", "below", "above", "a_moment_too_late", "outgoing", "one_failed"],
)
def test_tm04_five_deposits_of_500_to_999(story: Story, alerts: bool) -> None:
    assert whole_or_nothing(scenarios.tm04, story) == alerts


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (series(["5000", "5000"], DAY), True),
        (series(["0.01", "9999.99"], 0 * DAY, "out"), True),
        (series(["5000", "4999.99"], DAY), False),
        (series(["10000", "5000"], DAY), False),
        (series(["5000", "10000"], DAY), False),
        (series(["5000", "5000"], DAY + MOMENT), False),
        (series(["5000", "5000"], DAY, last={"direction": "out"}), False),
        (series(["5000", "5000"], DAY, last=CRYPTO), False),
        (series(["10000"], DAY), False),
    ],
    ids=["alerts", "ties", "a_cent_short", "large_before", "large_after", "a_moment_too_late", "other_direction",
         "crypto", "one_alone"],
)  # fmt: skip
def test_tm05_a_day_of_parts_reaches_the_level(story: Story, alerts: bool) -> None:
    assert whole_or_nothing(scenarios.tm05, story) == alerts


def through(inflow: str, outflow: str, after: timedelta = DAY, trade: timedelta | None = None, **more) -> Story:
    story = Story().leg("in", 0 * DAY, inflow).leg("out", after, outflow, **more)
    return story if trade is None else story.leg("none", trade, "10", **TRADE)


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (through("5000", "4000"), True),
        (through("5000", "4000", after=0 * DAY), True),
        (through("5000", "3999.99"), False),
        (through("4999.99", "4999.99"), False),
        (through("5000", "4000", after=DAY + MOMENT), False),
        (through("5000", "4000", after=-MOMENT), False),
        (through("5000", "4000", trade=HOUR), False),
        (through("5000", "4000", trade=0 * HOUR), False),
        (through("5000", "4000", trade=DAY), False),
        (through("5000", "4000", trade=DAY + MOMENT), True),
        (through("5000", "4000", trade=-MOMENT), True),
        (through("5000", "4000", party_id="Q"), False),
    ],
    ids=["alerts", "at_once", "too_little_leaves", "too_small", "a_moment_too_late", "left_before", "trade_between",
         "trade_with_the_deposit", "trade_with_the_withdrawal", "trade_after", "trade_before", "other_party"],
)  # fmt: skip
def test_tm07_most_of_a_deposit_leaves_without_a_trade(story: Story, alerts: bool) -> None:
    assert found(scenarios.tm07, story) == ({frozenset({"t0", "t1"})} if alerts else set())


def test_tm07_what_left_before_the_trade_is_enough() -> None:
    story = through("5000", "4000", after=HOUR, trade=2 * HOUR).leg("out", 3 * HOUR, "900")
    assert found(scenarios.tm07, story) == {frozenset({"t0", "t1"})}


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (through("5000", "4500"), True),
        (through("5000", "4050"), True),
        (through("5000", "5500", after=0 * DAY), True),
        (through("5000", "4049.99"), False),
        (through("5000", "5500.01"), False),
        (through("4999.99", "4500"), False),
        (through("5000", "4500", after=DAY + MOMENT), False),
        (through("5000", "4500", after=-MOMENT), False),
        (through("5000", "4500", party_id="Q"), False),
        (through("5000", "2250", after=HOUR).leg("out", 2 * HOUR, "2250"), False),
    ],
    ids=["alerts", "largest_commission", "largest_outflow", "commission_too_large", "outflow_too_large", "too_small",
         "a_moment_too_late", "left_before", "other_party", "in_two_parts"],
)  # fmt: skip
def test_tm08_an_inflow_leaves_again_less_a_commission(story: Story, alerts: bool) -> None:
    assert found(scenarios.tm08, story) == ({frozenset({"t0", "t1"})} if alerts else set())


def test_tm08_other_outflows_are_no_evidence() -> None:
    story = through("5000", "4500").leg("out", HOUR, "100")
    assert found(scenarios.tm08, story) == {frozenset({"t0", "t1"})}


def paid(receivers: str, span: timedelta = 8 * HOUR, last: dict | None = None, direction: str = "out") -> Story:
    story = Story()
    for number, receiver in enumerate(receivers):
        changed = (last or {}) if number == len(receivers) - 1 else {}
        story.leg(direction, span * number / (len(receivers) - 1), "100", **{"sender": receiver, **changed})
    return story


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (paid("abcde"), True),
        (paid("abcde", 0 * HOUR), True),
        (paid("abcdd"), False),
        (paid("abcde", 8 * HOUR + 4 * MOMENT), False),
        (paid("abcde", last={"account_id": "B"}), False),
        (paid("abcde", last={"status_code": "failed"}), False),
        (paid("abcde", direction="in"), False),
    ],
    ids=["alerts", "ties", "four_receivers", "too_slow", "other_account", "one_failed", "incoming"],
)
def test_tm10_five_receivers_in_eight_hours(story: Story, alerts: bool) -> None:
    assert whole_or_nothing(scenarios.tm10, story) == alerts


def test_tm10_an_unknown_receiver_is_reported_and_not_counted() -> None:
    story = paid("abcd").leg("out", 8 * HOUR, "100", sender=None)
    assert [v.reason for v in scenarios.tm10(story.legs).values()] == ["below_threshold"] * 4 + ["no_counterparty"]


@pytest.mark.parametrize(
    ("amounts", "more", "rounds"),
    [
        ("123.45 234.56 1000 2000 3000", {}, {"t2", "t3", "t4"}),
        ("123.45 234.56 345.67 1000 2000 7000", {}, {"t3", "t4", "t5"}),
        ("123.45 234.56 345.67 456.78 1000 2000 7000", {}, set()),
        ("234.56 1000 2000 3000", {}, set()),
        ("123.45 234.56 1000 2000 3000.01", {}, set()),
        ("123.45 234.56 1000 2000 500", {}, set()),
        ("123.45 234.56 1000 2000 3000", {"span": 30 * DAY + MOMENT}, set()),
        ("123.45 234.56 1000 2000 3000", {"last": {"direction": "out"}}, set()),
        ("1100 2200 3300 4400 5500", {"asset_code": "EUR"}, {"t0", "t1", "t2", "t3", "t4"}),
        ("1000 2000 3000 4000 5000", {"asset_code": "EUR"}, set()),
        ("5000 5001 5002 10000 15000", {**CRYPTO, "asset_code": "BTC"}, {"t0", "t3", "t4"}),
    ],
    ids=["three_of_five", "exactly_half", "less_than_half", "too_few", "a_cent_beside", "not_a_thousand",
         "a_moment_too_late", "other_direction", "round_in_euro", "round_in_dollar_only", "tenths_of_bitcoin"],
)  # fmt: skip
def test_tm17_half_of_all_amounts_are_round(amounts: str, more: dict, rounds: set[str]) -> None:
    story = series(amounts.split(), **{"span": 30 * DAY, **more})
    assert max(found(scenarios.tm17, story), key=len, default=frozenset()) == frozenset(rounds)


def test_tm17_an_asset_without_a_round_amount_is_not_evaluable() -> None:
    story = series(["1000"] * 5, DAY).leg("in", DAY, "1000", rail_code="crypto", asset_code="JUNK")
    assert [v.reason for v in scenarios.tm17(story.legs).values()][-1] == "no_threshold_for_currency"


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (series(["900", "1100", "1000", "950", "1000"], DAY), True),
        (series(["100"] * 5, 0 * DAY, "out"), True),
        (series(["1000"] * 4, DAY), False),
        (series(["899.99", "1100", "1000", "950", "1000"], DAY), False),
        (series(["900", "1100.01", "1000", "950", "1000"], DAY), False),
        (series(["99.99"] * 5, DAY), False),
        (series(["1000"] * 5, DAY + MOMENT), False),
        (series(["1000"] * 5, DAY, last={"direction": "out"}), False),
        (series(["1000"] * 5, DAY, last={"party_id": "Q"}), False),
    ],
    ids=["alerts", "equal_ties", "four", "too_small_one", "too_large_one", "dust", "a_moment_too_late",
         "other_direction", "other_party"],
)  # fmt: skip
def test_tm18_five_of_nearly_the_same_value(story: Story, alerts: bool) -> None:
    assert whole_or_nothing(scenarios.tm18, story) == alerts
