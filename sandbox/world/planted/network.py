"""Patterns in the money graph and in trades (TM20 to TM27 and TM42): paths, round trips, layers, closed communities,
peel chains, conversions from chain to chain, and trading at a loss.

Its own random stream. Customers are ordinary ones, who go on as before; only who must be new to a peel chain does
nothing else. Strangers are wallets that nobody has used. A payment rests longer than a day, so that it is no
pass-through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.world.definitions import BITCOIN, BTC, DAY, ETHEREUM, HOUR, TRON, UNIT, US, USD, USDT
from sandbox.world.ledger import NO_EXPOSURE
from sandbox.world.planted.planter import FIRE, NEAR_MISS, NO_FIRE, PLANTED, Case, Planter

REST = 30 * HOUR
THREE_DAYS = 72 * HOUR


class _Story:
    """Payments of one case between its customers (by letter in capitals) and strangers (small letters)."""

    def __init__(self, planter: Planter, case: Case, customers: dict[str, int], start: int) -> None:
        self.planter, self.case, self.customers, self.start = planter, case, customers, start
        self.strangers: dict[str, int] = {}

    def pay(self, ends: str, after: int, cents: int) -> None:
        """A payment "A>b" so long (us) after the start, worth so many cents of a dollar stablecoin."""
        payer, payee = ends.split(">")
        at = self.start + after
        if payer in self.customers and payee in self.customers:
            receiver = self.customers[payee]
            self.planter.internal(self.case, at, cents, self.customers[payer], to_account=receiver)
            return
        mine, other = (payer, payee) if payer in self.customers else (payee, payer)
        if other not in self.strangers:
            self.strangers[other] = self.planter.parties.take_spare(ETHEREUM)
        self.planter.crypto(
            self.case,
            at,
            cents,
            mine == payer,
            external=self.strangers[other],
            chain=ETHEREUM,
            category=NO_EXPOSURE,
            account=self.customers[mine],
        )


def _tm20(story: _Story, miss: str) -> None:
    cents = story.planter.between(600_000, 900_000)
    story.pay("a>B", 0, cents)
    story.pay("B>c", THREE_DAYS + US if miss == "hop_hours" else REST, cents * 98 // 100)
    if miss != "path_hops":
        last = cents * 98 // 100 * (949 if miss == "pass_ratio" else 970) // 1_000
        story.pay("c>D", 4 * DAY + HOUR if miss == "hop_hours" else 2 * REST, last)


def _tm21(story: _Story, miss: str) -> None:
    cents = story.planter.between(600_000, 900_000)
    story.pay("A>B", 0, cents)
    if miss == "length":
        story.pay("B>A", REST, cents * 99 // 100)
        return
    story.pay("B>c", REST, cents * 99 // 100)
    last = cents * (949 if miss == "pass_ratio" else 980) // 1_000
    story.pay("c>A", 4 * DAY + US if miss == "window" else 2 * REST, last)


def _tm22(story: _Story, miss: str) -> None:
    middlemen = "BC" if miss == "middlemen" else "BCD"
    for place, one in enumerate(middlemen):
        cents = story.planter.between(150_000, 190_000)
        is_last = place == len(middlemen) - 1
        story.pay(f"a>{one}", place * HOUR, cents)
        share = 799 if miss == "pass_ratio" and is_last else 900
        after = THREE_DAYS + US if miss == "window" and is_last else REST + place * HOUR
        story.pay(f"{one}>z", after, cents * share // 1_000)


def _tm23(story: _Story, miss: str) -> None:
    cents = story.planter.between(150_000, 190_000)
    for place, one in enumerate("abb" if miss == "senders" else "abc"):
        story.pay(f"{one}>M", place * HOUR, cents)
    share = 799 if miss == "forwarded_ratio" else 900
    for place, one in enumerate("xyy" if miss == "receivers" else "xyz"):
        story.pay(f"M>{one}", REST + place * HOUR, cents * share // 1_000)


def _tm24(story: _Story, miss: str) -> None:
    senders, receivers = "ab" if miss == "senders" else "abc", "KL" if miss == "receivers" else "KLM"
    pairs = [f"{sender}>{receiver}" for sender in senders for receiver in receivers]
    for place, ends in enumerate(pairs):
        is_late = miss == "window" and place == len(pairs) - 1
        story.pay(ends, THREE_DAYS + US if is_late else place * HOUR, story.planter.between(80_000, 140_000))


def _tm25(story: _Story, miss: str) -> None:
    ways = {"A>B": 0, "A>C": HOUR, "B>D": REST, "C>D": REST + HOUR, "D>E": 2 * REST}
    if miss == "members":
        ways = {"A>B": 0, "A>C": HOUR, "B>C": REST}
    total = 0
    for ends, after in ways.items():
        cents = story.planter.between(3_000_000, 4_000_000)
        total += cents
        story.pay(ends, after, cents)
    if miss == "share":
        story.pay("A>z", 30 * HOUR, total // 2)


def _tm26(story: _Story, miss: str) -> None:
    """Wallets and customers in turn; what a node keeps is peeled off at once, at a wallet to an ordinary customer."""
    cents = story.planter.between(2_000_000, 3_000_000)
    ways = ("a>B", "B>c", "c>D", "D>e", "e>F")
    for place, ends in enumerate(ways[:4] if miss == "hops" else ways):
        story.pay(ends, place * REST, cents)
        node = ends[2]
        share = 899 if miss == "pass_ratio" and place == 2 else 960
        left = cents - cents * share // 1_000
        if place < 4 and not (miss == "peel" and place == 2):
            story.pay(f"{node}>p" if node.isupper() else f"{node}>P", place * REST + HOUR, left)
        cents -= left


def _tm27(story: _Story, miss: str) -> None:
    """Bitcoin in, two trades, a stablecoin out on another chain."""
    planter, case = story.planter, story.case
    cents = planter.between(300_000, 400_000)
    inflow = cents * 79 // 100 if miss == "inflow_ratio" else cents
    chain = {"chain": TRON, "asset": USDT} if miss == "chain" else {"chain": BITCOIN, "asset": BTC}
    planter.crypto(case, story.start, inflow, False, external=planter.parties.take_spare(chain["chain"]), **chain)
    for number in range(1 if miss == "conversions" else 2):
        planter.trade(case, story.start + (number + 1) * HOUR, cents)
    after = DAY + US if miss == "window" else 20 * HOUR
    outside = planter.parties.take_spare(TRON)
    planter.crypto(case, story.start + after, cents, True, external=outside, chain=TRON, asset=USDT)


def _tm42(story: _Story, miss: str) -> None:
    """One bitcoin bought and sold twice within hours, each time for much less."""
    day = story.planter.day(story.start)
    worth = int(story.planter.prices.rate[day, BTC]) // (UNIT // 100)
    loss = 49_999 if miss == "loss" else max(100_000, worth // 50)
    for number in range(2 if miss == "trades" else 4):
        buy = number % 2 == 0
        cents = worth if buy else worth - (3 * loss if miss == "trades" else loss)
        units = UNIT // 2 if miss == "net_position" and not buy else UNIT
        row = {"asset": BTC, "units": units, "quote": USD, "quote_units": cents * (UNIT // 100), "buy": buy}
        story.planter.trade(story.case, story.start + number * HOUR, cents, **row)


@dataclass(frozen=True)
class Typology:
    """How to tell it, who takes part (the first is the case's customer), and its near misses by parameter."""

    name: str
    story: Callable[[_Story, str], None]
    customers: str
    span: int
    note: str
    misses: dict[str, str]
    newcomers: str = ""


TYPOLOGIES = {
    "TM20": Typology(
        "layering_path", _tm20, "BD", 5 * DAY, "three payments in a row, each nearly whole",
        {"path_hops": "two payments", "pass_ratio": "the last hands on 0.949",
         "hop_hours": "one rests 72 hours and 1 second"},
    ),
    "TM21": Typology(
        "round_trip", _tm21, "AB", 5 * DAY, "money is back with its sender after three payments",
        {"length": "there and back", "pass_ratio": "0.949 comes back",
         "window": "it is back after 96 hours and 1 second"},
    ),
    "TM22": Typology(
        "scatter_gather", _tm22, "BCD", 4 * DAY, "one wallet pays another over three customers",
        {"middlemen": "over two customers", "pass_ratio": "the third hands on 0.799",
         "window": "the third pays a second late"},
    ),
    "TM23": Typology(
        "gather_scatter", _tm23, "M", 3 * DAY, "three wallets pay a customer, who pays three others",
        {"senders": "two wallets pay", "receivers": "two are paid", "forwarded_ratio": "0.799 goes on"},
    ),
    "TM24": Typology(
        "bipartite", _tm24, "KLM", 4 * DAY, "three wallets pay the same three customers",
        {"senders": "two wallets", "receivers": "two customers", "window": "the last payment is a second late"},
    ),
    "TM25": Typology(
        "closed_community", _tm25, "ABCDE", 3 * DAY, "five customers move large sums among themselves",
        {"members": "three customers", "share": "half as much again leaves"},
    ),
    "TM26": Typology(
        "peel_chain", _tm26, "BDFP", 7 * DAY, "five payments in a row to newcomers, with a peel at each",
        {"hops": "four payments", "pass_ratio": "one is 0.899 of the one before", "peel": "one peels nothing off"},
        newcomers="BDF",
    ),
    "TM27": Typology(
        "chain_hop", _tm27, "A", 2 * DAY, "bitcoin in, two trades, a stablecoin out on another chain",
        {"conversions": "one trade", "inflow_ratio": "0.79 came in", "window": "it leaves a day and a second later",
         "chain": "it came in on the same chain"},
    ),
    "TM42": Typology(
        "trading_at_a_loss", _tm42, "A", DAY, "a bitcoin bought and sold twice within hours at a loss",
        {"trades": "bought and sold once", "loss": "a loss of less than 1,000", "net_position": "half of it is sold"},
    ),
}  # fmt: skip


def _plant_one(planter: Planter, scenario: str, miss: str) -> None:
    typology = TYPOLOGIES[scenario]
    kind, expected = (NEAR_MISS, NO_FIRE) if miss else (PLANTED, FIRE)
    if not planter.fits(typology.span, typology.name, kind, miss):
        return
    newcomers = planter.persons(len(typology.newcomers), typology.name, kind, miss)
    if newcomers is None:
        return
    left = [one for one in typology.customers if one not in typology.newcomers]
    ordinary = planter.ordinary(len(left), typology.name, kind, miss)
    if ordinary is None:
        return
    customers = dict(zip(typology.newcomers, newcomers, strict=True)) | dict(zip(left, ordinary, strict=True))
    note = typology.misses[miss] if miss else typology.note
    first = customers[typology.customers[0]]
    case = planter.case(typology.name, kind, {scenario: expected}, miss, note, first)
    case.companions = newcomers[1:]
    typology.story(_Story(planter, case, customers, planter.anchor(typology.span)), miss)
    if newcomers:
        case.quiet_from, case.quiet_to = planter.calendar.start_us - DAY, planter.calendar.end_us + DAY


def plant(planter: Planter) -> None:
    """Positive cases of all scenarios first, so that a small world has one of each before it has near misses."""
    with planter.own_stream("network"):
        for _ in range(planter.counts(4)):
            for scenario in TYPOLOGIES:
                _plant_one(planter, scenario, "")
        for _ in range(planter.counts(2)):
            for scenario, typology in TYPOLOGIES.items():
                for miss in typology.misses:
                    _plant_one(planter, scenario, miss)
