"""The scenarios on the money graph, on stories checked by eye: what must alert, and beside each limit a near miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from oracles import scenarios_network as network
from oracles.population import START, Population
from oracles.scenarios import Verdict

MOMENT, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)
Payment = tuple[str, timedelta, str]


def told(payments: Iterable[Payment], **first: object) -> list[dict]:
    """Legs of payments given as ("A>b", when, usd): capitals are parties, small letters somebody outside.
    first: what is different about the first of them."""
    people = Population()
    for number, (ends, after, usd) in enumerate(payments):
        payer, payee = ends.split(">")
        common = {"transfer_id": f"t{number}", "rail_code": "fiat", "asset_code": "USD", "event_at": START + after}
        common |= {"usd": usd} | ({} if number else first)
        if payer.isupper() and payee.isupper():
            common |= {"transfer_type_code": "internal_transfer", "rail_code": "internal"}
        outside = {"party_id": None, "account_id": None}
        for side, me, other in (("out", payer, payee), ("in", payee, payer)):
            if me.isupper():
                own = {"party_id": me, "account_id": f"A{me}"} | ({} if number or "party_id" not in first else outside)
                named = f"A{other}" if other.isupper() else other
                people.leg(**{"counterparty_id": named} | own | {"direction_code": side} | common)
    return people.rows("int_transfer_legs")


def found(verdicts: dict[str, Verdict]) -> set[frozenset[str]]:
    return {verdict.evidence for verdict in verdicts.values() if verdict.outcome == "alerted"}


def all_of(count: int) -> set[frozenset[str]]:
    return {frozenset(f"t{number}" for number in range(count))}


def path(
    ends: str = "a>B B>c c>D", first: str = "1000", last: str = "1000", at: timedelta = 144 * HOUR
) -> list[Payment]:
    one, two, three = ends.split()
    return [(one, 0 * HOUR, first), (two, 72 * HOUR, first), (three, at, last)]


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (path(), True),
        (path("A>B B>C C>D"), True),
        (path(at=72 * HOUR), True),
        (path(last="950"), False),
        (path(first="2000", last="1900"), True),
        (path(first="2000", last="1899.99"), False),
        (path(last="1010"), True),
        (path(last="1010.01"), False),
        (path(first="999.99", last="999.99"), False),
        (path(at=144 * HOUR + MOMENT), False),
        (path(at=71 * HOUR), False),
        (path("a>B B>c c>B"), False),
        (path("A>B B>C C>A"), False),
        (path("a>B B>c e>D"), False),
        (path()[:2], False),
    ],
    ids=[
        "alerts",
        "among_own_customers",
        "two_hops_at_once",
        "falls_below_the_minimum",
        "exactly_95_percent",
        "a_cent_less",
        "exactly_101_percent",
        "a_cent_more",
        "too_small",
        "a_moment_too_late",
        "paid_before_it_came",
        "a_node_twice",
        "a_round_trip",
        "broken",
        "two_hops",
    ],
)
def test_tm20_three_hops_within_three_days_each(payments: list[Payment], alerts: bool) -> None:
    assert found(network.tm20(told(payments))) == (all_of(3) if alerts else set())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status_code": "failed"}, "not_completed"),
        ({"counterparty_id": None}, "no_counterparty"),
        ({"asset_code": "JUNK", "usd": None, "amount": 5}, "no_valuation"),
        ({"party_id": None, "account_id": None}, "no_kyc"),
    ],
)
def test_a_payment_that_cannot_be_followed_says_why_and_breaks_the_path(changed: dict, reason: str) -> None:
    verdicts = network.tm20(told(path(), **changed))
    assert verdicts["t0:in"].reason == reason
    assert found(verdicts) == set()


@pytest.mark.parametrize(("others", "reason"), [(98, "alerted"), (99, "hub_cut")])
def test_a_node_of_more_than_a_hundred_payments_in_thirty_days_is_cut(others: int, reason: str) -> None:
    noise = [(f"x{number}>B", 72 * HOUR - 30 * DAY, "1") for number in range(others)]
    too_long_ago = ("y>B", 72 * HOUR - 30 * DAY - MOMENT, "1")
    verdicts = network.tm20(told([*path(), *noise, too_long_ago]))
    assert verdicts["t1:out"].reason == reason


def back(ends: str, last: str = "1000", at: timedelta = 96 * HOUR, first: str = "1000") -> list[Payment]:
    steps = ends.split()
    inner = [(step, HOUR * number, first) for number, step in enumerate(steps[:-1])]
    return [*inner, (steps[-1], at, last)]


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (back("a>B B>a"), True),
        (back("A>B B>C C>A"), True),
        (back("a>B B>c c>D D>a"), True),
        (back("A>B B>C C>D D>E E>A"), False),
        (back("a>B B>c"), False),
        (back("A>B B>C C>B"), False),
        (back("a>B B>a", at=96 * HOUR + MOMENT), False),
        (back("A>B B>C C>A", at=96 * HOUR + MOMENT), False),
        (back("a>B B>a", first="2000", last="1900"), True),
        (back("a>B B>a", first="2000", last="1899.99"), False),
        (back("a>B B>a", last="1050"), True),
        (back("a>B B>a", last="1050.01"), False),
        (back("a>B B>a", first="999.99", last="999.99"), False),
        ([("A>B", 0 * HOUR, "2000"), ("B>C", HOUR, "1920"), ("C>A", 2 * HOUR, "1899.99")], False),
    ],
    ids=[
        "two",
        "three",
        "four",
        "five",
        "not_back",
        "back_to_another",
        "a_moment_too_late",
        "the_third_a_moment_too_late",
        "exactly_95_percent",
        "a_cent_less",
        "exactly_105_percent",
        "a_cent_more",
        "too_small",
        "each_hop_near_but_not_the_whole",
    ],
)
def test_tm21_money_that_comes_back_within_four_days(payments: list[Payment], alerts: bool) -> None:
    expected = all_of(len(payments)) if alerts else set()
    also_two = replace(network.ROUND_TRIP, lengths=(2, 3, 4))
    verdicts = found(network.tm21(told(payments), also_two))
    if payments == back("A>B B>C C>B"):
        expected = {frozenset({"t1", "t2"})}  # the inner trip is one of its own
    assert verdicts == expected


def spread(middlemen: str, at: timedelta = 72 * HOUR, share: str = "800", usd: str = "1000") -> list[Payment]:
    sent = [(f"a>{one}", number * HOUR, usd) for number, one in enumerate(middlemen)]
    return sent + [(f"{one}>z", at - (len(middlemen) - 1 - n) * HOUR, share) for n, one in enumerate(middlemen)]


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (spread("BCD"), True),
        (spread("BC"), False),
        (spread("BCC"), False),
        (spread("BCD", share="799.99"), False),
        (spread("BCD", share="1010"), True),
        (spread("BCD", share="1010.01"), False),
        (spread("BCD", at=72 * HOUR + MOMENT), False),
        (spread("BCD", usd="499.99", share="499.99"), False),
        ([(ends.replace("D>z", "D>y"), at, usd) for ends, at, usd in spread("BCD")], False),
        ([(ends.replace("z", "a"), at, usd) for ends, at, usd in spread("BCD")], False),
    ],
    ids=[
        "alerts",
        "two_middlemen",
        "one_of_them_twice",
        "keeps_too_much",
        "exactly_101_percent",
        "a_cent_more",
        "a_moment_too_late",
        "too_small",
        "another_receiver",
        "back_to_the_payer",
    ],
)
def test_tm22_three_middlemen_between_one_payer_and_one_receiver(payments: list[Payment], alerts: bool) -> None:
    assert found(network.tm22(told(payments))) == (all_of(6) if alerts else set())


def hub(
    senders: str, receivers: str, gather: timedelta = 48 * HOUR, scatter: timedelta = 48 * HOUR, out: str = "800"
) -> list[Payment]:
    came = [(f"{one}>M", gather * (number > 0), "1000") for number, one in enumerate(senders)]
    return came + [(f"M>{one}", gather + scatter * (number > 0), out) for number, one in enumerate(receivers)]


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (hub("abc", "xyz"), True),
        (hub("abb", "xyz"), False),
        (hub("abc", "xyy"), False),
        (hub("abc", "xyz", out="799.99"), False),
        (hub("abc", "xyz", gather=48 * HOUR + MOMENT), False),
        (hub("abc", "xyz", scatter=48 * HOUR + MOMENT), False),
        (hub("abc", "xyz", scatter=-HOUR), False),
        ([*hub("abc", "xy"), ("N>z", 49 * HOUR, "1000")], False),
    ],
    ids=[
        "alerts",
        "two_senders",
        "two_receivers",
        "keeps_too_much",
        "gathered_a_moment_too_slowly",
        "scattered_a_moment_too_late",
        "paid_before_it_came",
        "another_pays",
    ],
)
def test_tm23_three_senders_and_then_three_receivers(payments: list[Payment], alerts: bool) -> None:
    assert found(network.tm23(told(payments))) == (all_of(6) if alerts else set())


def test_tm21_there_and_back_is_no_round_trip_of_three() -> None:
    assert found(network.tm21(told(back("a>B B>a")))) == set()
    assert found(network.tm21(told(back("A>B B>C C>A")))) == all_of(3)


def hop(
    inflow: str = "800",
    came: str = "bitcoin",
    trades: tuple[timedelta, ...] = (HOUR, 2 * HOUR),
    at: timedelta = DAY,
    usd: str = "1000",
    **out: object,
) -> list[dict]:
    people = Population()
    common = {"party_id": "P", "account_id": "A", "rail_code": "crypto", "asset_code": "USDT"}
    first = {"transfer_id": "t0", "direction_code": "in", "event_at": START, "usd": inflow, "chain_code": came}
    people.leg(**common | first)
    for number, after in enumerate(trades, 1):
        trade = {"transfer_type_code": "trade", "rail_code": "trade", "direction_code": "none", "usd": "5"}
        people.leg(**common | trade | {"transfer_id": f"t{number}", "event_at": START + after})
    last = {"transfer_id": "t3", "transfer_type_code": "withdrawal", "direction_code": "out", "event_at": START + at}
    people.leg(**common | last | {"usd": usd, "chain_code": "ethereum"} | out)
    return people.rows("int_transfer_legs")


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        (hop(), "alerted"),
        (hop(came="ethereum"), "below_threshold"),
        (hop(trades=(HOUR,)), "below_threshold"),
        (hop(trades=(0 * HOUR, DAY)), "alerted"),
        (hop(trades=(-MOMENT, HOUR)), "below_threshold"),
        (hop(trades=(HOUR, DAY + MOMENT)), "below_threshold"),
        (hop(at=DAY + MOMENT), "below_threshold"),
        (hop(inflow="799.99"), "below_threshold"),
        (hop(usd="999.99"), "below_minimum_amount"),
        (hop(party_id="Q"), "below_threshold"),
        (hop(party_id=None), "no_kyc"),
        (hop(asset_code="JUNK", usd=None, amount=1), "no_valuation"),
        (hop(status_code="failed"), "not_completed"),
    ],
)
def test_tm27_in_on_one_chain_traded_twice_and_out_on_another(legs: list[dict], reason: str) -> None:
    verdict = network.tm27(legs)["t3:out"]
    assert verdict.reason == reason
    assert verdict.evidence == (frozenset({"t0", "t1", "t2", "t3"}) if reason == "alerted" else frozenset())
