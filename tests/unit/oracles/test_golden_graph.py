"""TM24, TM25, TM26 and TM47 on stories checked by eye: what must alert, and beside each limit a near miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from oracles import scenarios_graph as graph
from oracles.population import START, Population
from oracles.population_graph import EPOCH, HALF, Teller, add

MOMENT, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)
WINDOW = EPOCH + ((START + 5 * DAY - EPOCH) // HALF + 1) * HALF
CENT = Decimal("0.01")


def told(payments: Iterable[tuple], **more: object) -> Population:
    """Payments given as ("A>b", after START, usd): capitals are customers, small letters strangers."""
    teller = Teller(Population(), START)
    for ends, after, usd in payments:
        teller.pay(*ends.split(">"), START + after, usd, **more)
    return teller.population


def found(verdicts: dict) -> set[frozenset[str]]:
    return {verdict.evidence for verdict in verdicts.values() if verdict.outcome == "alerted"}


def every(people: Population) -> set[frozenset[str]]:
    return {frozenset(leg["transfer_id"] for leg in people.rows("int_transfer_legs"))}


def layer(senders: str = "abc", receivers: str = "KLM", last: timedelta = 72 * HOUR, usd: str = "500") -> list[tuple]:
    pairs = [f"{sender}>{receiver}" for sender in senders for receiver in receivers]
    return [(ends, 0 * HOUR if ends != pairs[-1] else last, usd) for ends in pairs]


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (layer(), True),
        (layer("ABC"), True),
        (layer("ab"), False),
        (layer(receivers="KL"), False),
        (layer(last=72 * HOUR + MOMENT), False),
        (layer(usd="499.99"), False),
        (layer()[1:], False),
        (layer("aba"), False),
    ],
    ids=[
        "alerts",
        "among_own",
        "two_senders",
        "two_receivers",
        "a_moment_too_late",
        "too_small",
        "one_missing",
        "twice",
    ],
)
def test_tm24_the_same_senders_pay_the_same_receivers(payments: list[tuple], alerts: bool) -> None:
    people = told(payments)
    assert found(graph.tm24(people)) == (every(people) if alerts else set())


def test_tm24_both_layers_of_a_stack_are_found() -> None:
    second = [(ends, 80 * HOUR, "600") for ends, _, _ in layer("KLM", "xyz")]
    verdicts = graph.tm24(told([*layer(), *second]))
    assert {len(evidence) for evidence in found(verdicts)} == {9}
    assert len(found(verdicts)) == 2


def community(
    inside: str = "2500", outside: str = "2500", last: timedelta = 2 * HALF - MOMENT, members: str = "ABCD"
) -> list[tuple]:
    begin = WINDOW - START
    ring = [f"{one}>{members[(place + 1) % len(members)]}" for place, one in enumerate(members)]
    paid = [(ends, begin + (last if ends == ring[-1] else HOUR), inside) for ends in ring]
    return [*paid, (f"{members[0]}>z", begin + HOUR, outside)]


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (community(), True),
        (community(outside="2500.01"), False),
        (community("2499.99", "0.01"), False),
        (community("9000", "1", members="ABC"), False),
        (community(last=2 * HALF), False),
        (community("999.99", "0.01", members="ABCDEFGHIJKL"), False),
    ],
    ids=["alerts", "a_cent_more_leaves", "a_cent_too_little", "three_members", "in_two_windows", "payments_too_small"],
)
def test_tm25_customers_who_pay_each_other(payments: list[tuple], alerts: bool) -> None:
    people = told(payments)
    ids = {leg["transfer_id"] for leg in people.rows("int_transfer_legs") if leg["counterparty_id"] != "z"}
    assert found(graph.tm25(people)) == ({frozenset(ids)} if alerts else set())


@pytest.mark.parametrize(("length", "reason"), [(16, "alerted"), (17, "community_too_wide")])
def test_tm25_a_community_that_is_too_wide_is_said_to_be_so(length: int, reason: str) -> None:
    names = [f"N{number:02d}" for number in range(length + 1)]
    paid = [(f"{one}>{two}", WINDOW - START, "1500") for one, two in zip(names, names[1:], strict=False)]
    assert {verdict.reason for verdict in graph.tm25(told(paid)).values()} == {reason}


def chain(
    ratios: tuple[str, ...] = ("0.9", "0.999", "0.95", "0.95"),
    rest: timedelta = 72 * HOUR,
    peel_after: timedelta = 72 * HOUR,
    peel: Decimal = Decimal(0),
    usd: str = "20000",
) -> list[tuple]:
    """A to B to C ...: the first peel comes so late and is so much more than what is left; without one: peel None."""
    names, at, left = "aBcDeF", 0 * HOUR, Decimal(usd)
    payments = [("a>B", at, left)]
    for place, ratio in enumerate(ratios):
        change = (left * Decimal(ratio)).quantize(CENT)
        mine, following = names[place + 1], names[place + 2]
        other = "p" if mine.isupper() else "P"
        payments.append(
            (f"{mine}>{other}", at + (HOUR if place else peel_after), left - change + (0 if place else peel))
        )
        at, left = at + (HOUR * 2 if place else rest), change
        payments.append((f"{mine}>{following}", at, change))
    return payments


@pytest.mark.parametrize(
    ("payments", "alerts"),
    [
        (chain(), True),
        (chain(("0.9", "0.999", "0.95", "0.8999")), False),
        (chain(("0.9", "0.9991", "0.95", "0.95")), False),
        (chain(("0.9", "0.999", "0.95")), False),
        (chain(rest=72 * HOUR + MOMENT), False),
        (chain(peel_after=72 * HOUR + MOMENT), False),
        (chain(peel=CENT), False),
        (chain(usd="1100"), False),
        ([*chain(), ("q>B", -DAY, "10")], True),
        ([*chain(), ("q>D", 0 * HOUR, "10")], False),
        ([*chain(), ("q>D", 74 * HOUR - 30 * DAY, "10")], False),
        ([*chain(), ("q>D", 74 * HOUR - 30 * DAY - MOMENT, "10")], True),
        ([one for one in chain() if one[0] != "D>p"], False),
    ],
    ids=[
        "alerts",
        "peels_too_much",
        "hardly_smaller",
        "four_payments",
        "a_moment_too_late",
        "the_peel_a_moment_too_late",
        "the_peel_is_more_than_what_is_left",
        "too_small",
        "the_first_receiver_may_be_known",
        "somebody_known",
        "somebody_known_thirty_days",
        "somebody_known_before",
        "nothing_peeled_off",
    ],
)
def test_tm26_a_little_less_each_time_and_to_somebody_new(payments: list[tuple], alerts: bool) -> None:
    people = told(payments)
    ids = {f"exchange:{kind}:G{n:05d}" for n in range(1, 10) for kind in ("deposit", "withdrawal", "internal_transfer")}
    ids &= {leg["transfer_id"] for leg in people.rows("int_transfer_legs")}
    verdicts = graph.tm26(people)
    assert found(verdicts) == ({frozenset(ids)} if alerts else set())
    if alerts:
        peel = next(leg for leg in people.rows("int_transfer_legs") if leg["counterparty_id"] == "p")
        assert verdicts[peel["leg_id"]].outcome == "below_threshold"


def near(*payments: tuple, known: timedelta = 0 * HOUR, **more: object) -> Population:
    strangers = {"rail_code": "crypto"} if any(not ends.replace(">", "").isupper() for ends, _, _ in payments) else {}
    people = told(payments, **strangers | more)
    people.rows("int_party_marks").append({"party_id": "M", "effective_from_at": START + known})
    return people


def last(people: Population, limits: graph.Proximity | None = None) -> str:
    return list(graph.tm47(people, limits).values())[-1].reason


FAR = 90 * DAY


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        (near(("M>A", HOUR, "1000")), "alerted"),
        (near(("A>M", HOUR, "1000")), "marked_itself"),
        (near(("M>A", HOUR, "999.99")), "below_minimum_amount"),
        (near(("M>A", HOUR, "1000"), known=HOUR), "alerted"),
        (near(("M>A", HOUR, "1000"), known=HOUR + MOMENT), "below_threshold"),
        (near(("M>x", 0 * HOUR, "1000"), ("x>A", FAR, "1000")), "alerted"),
        (near(("M>x", 0 * HOUR, "1000"), ("x>A", FAR + MOMENT, "1000")), "below_threshold"),
        (near(("M>x", 0 * HOUR, "999.99"), ("x>A", HOUR, "1000")), "below_threshold"),
        (near(("x>M", 0 * HOUR, "1000"), ("A>x", HOUR, "1000")), "alerted"),
        (near(("M>x", 2 * HOUR, "1000"), ("x>A", HOUR, "1000")), "below_threshold"),
        (near(("M>x", 0 * HOUR, "1000"), ("x>B", HOUR, "1000"), ("B>y", DAY, "1000")), "below_threshold"),
        (near(("M>x", HOUR, "1"), ("y>A", 2 * HOUR, "1000"), device_id="d"), "alerted"),
        (near(("M>x", 0 * HOUR, "1"), ("y>A", FAR, "1000"), device_id="d"), "alerted"),
        (near(("M>x", 0 * HOUR, "1"), ("y>A", FAR + MOMENT, "1000"), device_id="d"), "below_threshold"),
        (near(("M>x", HOUR, "1"), ("y>A", 2 * HOUR, "1000"), device_id="d", known=3 * HOUR), "below_threshold"),
        (near(("y>A", HOUR, "1000"), party_id=None, account_id=None), "no_kyc"),
        (near(("y>A", HOUR, "1000"), counterparty_id=None), "no_counterparty"),
        (near(("y>A", HOUR, None), asset_code="JUNK", amount=1), "no_valuation"),
        (near(("y>A", HOUR, "1000"), status_code="failed"), "not_completed"),
    ],
)
def test_tm47_two_payments_or_one_identifier_from_somebody_marked_then(people: Population, reason: str) -> None:
    assert last(people) == reason


@pytest.mark.parametrize(("others", "reason"), [(98, "alerted"), (99, "hub_cut")])
def test_tm47_money_is_not_followed_over_a_hub(others: int, reason: str) -> None:
    noise = [("x>B", HOUR, "1")] * others
    assert last(near(("M>x", 0 * HOUR, "1000"), *noise, ("x>A", 2 * HOUR, "1000"))) == reason


@pytest.mark.parametrize(("users", "reason"), [(8, "alerted"), (9, "below_threshold")])
def test_tm47_an_address_of_more_than_ten_is_a_public_one(users: int, reason: str) -> None:
    noise = [(f"y>U{number}", HOUR, "1") for number in range(users)]
    assert last(near(("M>x", HOUR, "1"), *noise, ("z>A", 2 * HOUR, "1000"), ip_address="i")) == reason


def test_tm47_as_far_as_the_limits_say() -> None:
    over_another = near(("M>x", 0 * HOUR, "1000"), ("x>A", HOUR, "1000"))
    assert last(over_another, graph.Proximity(money_hops=1)) == "below_threshold"
    assert last(near(("M>A", HOUR, "1000")), graph.Proximity(money_hops=0)) == "below_threshold"
    shared = near(("M>x", HOUR, "1"), ("y>A", 2 * HOUR, "1000"), device_id="d")
    assert last(shared, graph.Proximity(identifier_hops=0)) == "below_threshold"


STEPS = {
    "TM24": (graph.BIPARTITE, {"count": 1, "hours": -1, "min_usd": CENT}),
    "TM25": (
        graph.Community(),
        {"members": 1, "internal_usd": CENT, "internal_share": Decimal("0.000001"), "min_usd": Decimal(500)},
    ),
    "TM26": (graph.PEEL_CHAIN, {"hours": -1, "low": Decimal("0.000001"), "high": Decimal("-0.000001")}),
    "TM47": (graph.Proximity(), {"hours": -1, "min_usd": CENT, "sharing": -1, "money_hops": -1, "identifier_hops": -1}),
}


@pytest.fixture(scope="module")
def everyone() -> tuple[Population, dict[str, dict]]:
    """The part of the population that judges the SQL, and what it comes to under the usual limits."""
    people = Population()
    add(people, START)
    return people, {
        scenario_id: graph.JUDGES[scenario_id](people, limits) for scenario_id, (limits, _) in STEPS.items()
    }


@pytest.mark.parametrize(
    ("scenario_id", "limit"), [(one, limit) for one, (_, steps) in STEPS.items() for limit in steps]
)
def test_a_limit_moved_by_its_smallest_step_changes_a_verdict(
    scenario_id: str, limit: str, everyone: tuple[Population, dict[str, dict]]
) -> None:
    people, usual = everyone
    limits, steps = STEPS[scenario_id]
    moved = replace(limits, **{limit: getattr(limits, limit) + steps[limit]})
    assert graph.JUDGES[scenario_id](people, moved) != usual[scenario_id]
