"""The scenarios on communities, layers, chains and neighbourhoods as an analyst would write them down: TM24, TM25, TM26
and TM47.

Input: a `population`. What an edge is, what is cut and how a pattern becomes a verdict is said in `scenarios_network`.
Nothing here reads a seed or a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oracles import features_exposure
from oracles.features import HOUR, Leg, grouped, own_transfers
from oracles.population import Population
from oracles.scenarios import Verdict, alert, below, blind, excluded
from oracles.scenarios_network import Edge, Limits, busy, judged, payments, steps

EPOCH = datetime(1970, 1, 1)
KINDS = ("device", "ip", "bank_account", "payout_address")
BIPARTITE = Limits(min_usd=Decimal(500))
PEEL_CHAIN = Limits(low=Decimal("0.90"), high=Decimal("0.999"), count=5)
WIDEST = 16  # payments from the first of a community by name


@dataclass(frozen=True)
class Community(Limits):
    """A community's own numbers; hours is the length of a window."""

    hours: int = 168
    members: int = 4
    internal_usd: Decimal = Decimal(10_000)
    internal_share: Decimal = Decimal("0.80")


@dataclass(frozen=True)
class Proximity(Limits):
    """How far is near; hours is the time between what connects."""

    hours: int = 2160
    money_hops: int = 2
    identifier_hops: int = 1
    sharing: int = 10


def tm24(people: Population, limits: Limits = BIPARTITE) -> dict[str, Verdict]:
    """Receivers whom the same senders paid in the window that ends with a payment to one of them."""

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        for end in edges:
            seen = [e for e in edges if end.at - limits.hours * HOUR <= e.at <= end.at]
            payers = {e.payer for e in seen if e.payee == end.payee}
            theirs = grouped([e for e in seen if e.payer in payers], lambda e: e.payee)
            common = {node: paid for node, paid in theirs.items() if len({e.payer for e in paid}) >= limits.count}
            if end.payee in common and len(common) >= limits.count:
                yield {e.id for paid in common.values() for e in paid}

    return judged(people.rows("int_transfer_legs"), limits, find)


def tm26(people: Population, limits: Limits = PEEL_CHAIN) -> dict[str, Verdict]:
    """Five payments in a row, each a little smaller and to somebody new, with something peeled off between."""
    legs = people.rows("int_transfer_legs")
    every, chained = payments(legs), set()

    def is_new(edge: Edge) -> bool:
        around = [e for e in every if edge.payee in (e.payer, e.payee) and edge.at - 30 * 24 * HOUR <= e.at <= edge.at]
        return sum((e.payer == edge.payee) + (e.payee == edge.payee) for e in around) <= 1

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        then, by_payer = steps(edges, limits), grouped(every, lambda e: e.payer)

        def peels(came: Edge, change: Edge) -> set[str]:
            return {
                e.id
                for e in by_payer[change.payer]
                if e.id != came.id
                and e.payee not in (e.payer, change.payee)
                and came.at <= e.at <= came.at + limits.hours * HOUR
                and e.usd <= came.usd - change.usd
            }

        def walk(path: list[Edge], peeled: set[str]) -> Iterator[set[str]]:
            if len(path) == limits.count:
                chained.update(e.id for e in path)
                yield {e.id for e in path} | peeled
                return
            for change in then[path[-1].id]:
                off = peels(path[-1], change)
                if off and is_new(change):
                    yield from walk([*path, change], peeled | off)

        for edge in edges:
            yield from walk([edge], set())

    verdicts = judged(legs, limits, find)
    for leg in legs:
        if verdicts[leg["leg_id"]].outcome == "alerted" and leg["transfer_id"] not in chained:
            verdicts[leg["leg_id"]] = below()
    return verdicts


def _communities(edges: list[Edge]) -> list[set[str]]:
    """The nodes of each connected part."""
    parts: list[set[str]] = []
    for edge in edges:
        touched = [part for part in parts if part & {edge.payer, edge.payee}]
        parts = [part for part in parts if part not in touched] + [set().union({edge.payer, edge.payee}, *touched)]
    return parts


def _farthest(part: set[str], edges: list[Edge]) -> int:
    """How many payments the farthest of them is away from the one whose name sorts first."""
    reached, last, far = set(), {min(part)}, -1
    while last:
        reached |= last
        far += 1
        last = {n for e in edges for n in (e.payer, e.payee) if {e.payer, e.payee} & last} - reached
    return far


def tm25(people: Population, limits: Community | None = None) -> dict[str, Verdict]:
    """Customers who move most of what they move among themselves, in windows that begin every half of their length."""
    legs, limits = people.rows("int_transfer_legs"), limits or Community()
    every, wide = payments(legs), set()
    half = timedelta(hours=limits.hours) / 2

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        numbers = {(e.at - EPOCH) // half - back for e in edges for back in (0, 1)}
        for number in sorted(numbers):
            start = EPOCH + number * half
            inside = [e for e in every if start <= e.at < start + 2 * half and e.payer != e.payee]
            ids = {e.id for e in inside}
            mine = [e for e in edges if e.id in ids and not {e.payer[0], e.payee[0]} & {"o"}]
            for part in _communities(mine):
                members = {e.id for e in mine if e.payer in part}
                if _farthest(part, mine) > WIDEST:
                    wide.update(members)
                    continue
                total = sum(e.usd for e in inside if {e.payer, e.payee} & part)
                internal = sum(e.usd for e in inside if {e.payer, e.payee} <= part)
                enough = len(part) >= limits.members and internal >= limits.internal_usd
                if enough and internal >= limits.internal_share * total:
                    yield members

    verdicts = judged(legs, limits, find)
    for leg in legs:
        if leg["transfer_id"] in wide and verdicts[leg["leg_id"]] == below():
            verdicts[leg["leg_id"]] = blind("community_too_wide")
    return verdicts


def tm47(people: Population, limits: Proximity | None = None) -> dict[str, Verdict]:
    """Who is at most two payments or one identifier away from somebody reported or exited, as was known then."""
    legs, limits = people.rows("int_transfer_legs"), limits or Proximity()
    own, edges = own_transfers(legs), {e.id: e for e in payments(legs)}
    cut = busy(list(edges.values()), limits)
    followed = {e.id: e for e in edges.values() if e.usd >= limits.min_usd and e.id not in cut}
    shared = features_exposure.FAMILIES["shared"](people)
    by_id = {leg["leg_id"]: leg for leg in legs}
    dealt: dict[str, list[Edge]] = {}
    for edge in followed.values():
        for node in {edge.payer, edge.payee}:
            dealt.setdefault(node, []).append(edge)
    used: dict[tuple[str, str], list[Leg]] = {}
    for leg_id, row in shared.items():
        for kind in KINDS:
            if row[kind] is not None:
                used.setdefault((kind, row[kind]), []).append(by_id[leg_id])
    since: dict[str, datetime] = {}
    for mark in people.rows("int_party_marks"):
        known = mark["effective_from_at"]
        since[mark["party_id"]] = min(known, since.get(mark["party_id"], known))

    def marked(node: str, at: datetime) -> bool:
        return node.startswith("party ") and since.get(node[6:], datetime.max) <= at

    def money(leg: Leg) -> set[str]:
        edge = edges.get(leg["transfer_id"])
        if edge is None or not limits.money_hops:
            return set()
        me = f"party {leg['party_id']}"
        other = edge.payer if leg["direction_code"] == "in" else edge.payee
        found = {edge.id} if marked(other, edge.at) else set()
        if limits.money_hops == 2 and edge.id in followed:
            for link in dealt[other]:
                if link.id == edge.id or not edge.at - limits.hours * HOUR <= link.at <= edge.at:
                    continue
                for here, there in ((link.payer, link.payee), (link.payee, link.payer)):
                    if here == other and there not in (me, other) and marked(there, edge.at):
                        found.add(link.id)
        return found

    def identifiers(leg: Leg) -> set[str]:
        found: set[str] = set()
        for kind in KINDS if limits.identifier_hops else ():
            value = shared[leg["leg_id"]][kind]
            if value is None or shared[leg["leg_id"]][f"{kind}_party_count_30d"] > limits.sharing:
                continue
            for other in used[kind, value]:
                if (
                    other["party_id"] != leg["party_id"]
                    and leg["event_at"] - limits.hours * HOUR <= other["event_at"] <= leg["event_at"]
                    and marked(f"party {other['party_id']}", leg["event_at"])
                ):
                    found.add(other["transfer_id"])
        return found

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["transfer_id"] in own:
            return excluded("own_transfer")
        if not leg["party_id"]:
            return blind("no_kyc")
        if marked(f"party {leg['party_id']}", leg["event_at"]):
            return excluded("marked_itself")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] < limits.min_usd:
            return below("below_minimum_amount")
        found = money(leg) | identifiers(leg)
        if found:
            return alert(found | {leg["transfer_id"]})
        if leg["transfer_id"] not in edges:
            return blind("no_counterparty")
        return blind("hub_cut") if leg["transfer_id"] in cut else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


JUDGES = {"TM24": tm24, "TM25": tm25, "TM26": tm26, "TM47": tm47}
