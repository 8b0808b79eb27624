"""The scenarios on the money graph as an analyst would write them down: what the SQL models have to agree with.

Input: legs as `intermediate.int_transfer_legs` has them. Each function follows money from transfer to transfer,
one at a time, and returns a `Verdict` for every leg. The default limits are those of the scenario library; spans are in
hours, amounts in USD. Nothing here reads a seed or a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oracles.features import DAY, HOUR, Leg, grouped, own_transfers, total
from oracles.scenarios import Verdict, alert, below, blind, excluded, ids


@dataclass(frozen=True)
class Edge:
    """One payment. Nodes are whoever is known: a party, else an account, else what the other side is called."""

    id: str
    payer: str
    payee: str
    at: datetime
    usd: Decimal


@dataclass(frozen=True)
class Limits:
    """What the four scenarios have in common, and their own numbers."""

    min_usd: Decimal = Decimal(1_000)
    max_degree: int = 100
    hours: int = 72
    low: Decimal = Decimal("0.95")
    high: Decimal = Decimal("1.01")
    count: int = 3
    lengths: tuple[int, ...] = (2, 3, 4)
    forwarded: Decimal = Decimal("0.80")


LAYERING = Limits()
ROUND_TRIP = Limits(hours=96, high=Decimal("1.05"), lengths=(3, 4))
SCATTER_GATHER = Limits(min_usd=Decimal(500), low=Decimal("0.80"))
GATHER_SCATTER = Limits(min_usd=Decimal(500), hours=48)
CHAIN_HOP = Limits(hours=24, count=2)


def own_node(leg: Leg) -> str | None:
    if leg["party_id"]:
        return f"party {leg['party_id']}"
    return f"account {leg['account_id']}" if leg["account_id"] else None


def other_node(leg: Leg) -> str | None:
    if not leg["counterparty_id"]:
        return None
    return f"{'account' if leg['transfer_type_code'] == 'internal_transfer' else 'outside'} {leg['counterparty_id']}"


def payments(legs: list[Leg]) -> list[Edge]:
    """Completed movements with a value and two known ends; a party's own transfers are none."""
    own, found = own_transfers(legs), []
    for transfer, sides in grouped(legs, lambda leg: leg["transfer_id"]).items():
        by_side = {leg["direction_code"]: leg for leg in sides if leg["status_code"] == "completed"}
        paid, got = by_side.get("out"), by_side.get("in")
        if transfer in own or not (paid or got):
            continue
        leg = paid or got
        payer = (own_node(paid) if paid else None) or (other_node(got) if got else None)
        payee = (own_node(got) if got else None) or (other_node(paid) if paid else None)
        if leg["amount_usd"] is not None and payer and payee:
            found.append(Edge(transfer, payer, payee, leg["event_at"], leg["amount_usd"]))
    return found


def busy(edges: list[Edge], limits: Limits) -> set[str]:
    """Ids of payments with an end that had more than the limit of payments in the 30 days up to it."""
    ends: dict[str, list[Edge]] = {}
    for edge in edges:
        ends.setdefault(edge.payer, []).append(edge)
        ends.setdefault(edge.payee, []).append(edge)

    def degree(node: str, at: datetime) -> int:
        return sum(at - 30 * DAY <= other.at <= at for other in ends[node])

    return {e.id for e in edges if max(degree(e.payer, e.at), degree(e.payee, e.at)) > limits.max_degree}


def judged(legs: list[Leg], limits: Limits, find: Callable[[list[Edge], Limits], Iterator[set[str]]]) -> dict:
    """A verdict a leg: the union of all patterns that its payment is part of, or why there is none."""
    edges, own = payments(legs), own_transfers(legs)
    by_id, cut = {edge.id: edge for edge in edges}, busy(edges, limits)
    walked = [e for e in edges if e.usd >= limits.min_usd and e.id not in cut and e.payer != e.payee]
    evidence: dict[str, set[str]] = {}
    for pattern in find(walked, limits):
        for one in pattern:
            evidence.setdefault(one, set()).update(pattern)

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["transfer_id"] in own:
            return excluded("own_transfer")
        edge = by_id.get(leg["transfer_id"])
        if edge is None:
            if not own_node(leg):
                return blind("no_kyc")
            return blind("no_valuation") if leg["counterparty_id"] else blind("no_counterparty")
        if edge.usd < limits.min_usd:
            return below("below_minimum_amount")
        if edge.id in cut:
            return blind("hub_cut")
        return alert(evidence[edge.id]) if edge.id in evidence else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


def steps(edges: list[Edge], limits: Limits) -> dict[str, list[Edge]]:
    """For each payment, what its receiver then paid within the window, of about its size."""
    out = grouped(edges, lambda edge: edge.payer)
    return {
        e.id: [
            n
            for n in out.get(e.payee, [])
            if n.id != e.id
            and e.at <= n.at <= e.at + limits.hours * HOUR
            and limits.low * e.usd <= n.usd <= limits.high * e.usd
        ]
        for e in edges
    }


def tm20(legs: list[Leg], limits: Limits = LAYERING) -> dict[str, Verdict]:
    """Three payments in a row over four different nodes."""

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        then = steps(edges, limits)
        for one in edges:
            for two in then[one.id]:
                for three in then[two.id]:
                    if len({one.payer, one.payee, two.payee, three.payee}) == 4:
                        yield {one.id, two.id, three.id}

    return judged(legs, limits, find)


def tm21(legs: list[Leg], limits: Limits = ROUND_TRIP) -> dict[str, Verdict]:
    """Money that is back where it started, over different nodes, within the window and of about the same size."""

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        then = steps(edges, limits)

        def walk(path: list[Edge]) -> Iterator[set[str]]:
            first, last = path[0], path[-1]
            if last.payee == first.payer:
                in_time = last.at <= first.at + limits.hours * HOUR
                if (
                    len(path) in limits.lengths
                    and in_time
                    and limits.low * first.usd <= last.usd <= limits.high * first.usd
                ):
                    yield {edge.id for edge in path}
            elif len(path) < max(limits.lengths) and last.payee not in [edge.payee for edge in path[:-1]]:
                for onward in then[last.id]:
                    yield from walk([*path, onward])

        for edge in edges:
            yield from walk([edge])

    return judged(legs, limits, find)


def tm22(legs: list[Leg], limits: Limits = SCATTER_GATHER) -> dict[str, Verdict]:
    """Enough different middlemen between one payer and one receiver, all of it within the window."""

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        then, ways = steps(edges, limits), {}
        for one in edges:
            for two in then[one.id]:
                if two.payee != one.payer:
                    ways.setdefault((one.payer, two.payee), []).append((one, two))
        for between in ways.values():
            for _, end in between:
                start = end.at - limits.hours * HOUR
                within = [(one, two) for one, two in between if start <= one.at and two.at <= end.at]
                if len({one.payee for one, _ in within}) >= limits.count:
                    yield {edge.id for way in within for edge in way}

    return judged(legs, limits, find)


def tm23(legs: list[Leg], limits: Limits = GATHER_SCATTER) -> dict[str, Verdict]:
    """Enough senders up to a payment, enough receivers from then on, and most of the money goes on."""

    def find(edges: list[Edge], limits: Limits) -> Iterator[set[str]]:
        span = limits.hours * HOUR
        into, out = grouped(edges, lambda edge: edge.payee), grouped(edges, lambda edge: edge.payer)
        for turn in edges:
            came = [e for e in into[turn.payee] if turn.at - span <= e.at <= turn.at]
            went = [e for e in out.get(turn.payee, []) if turn.at <= e.at <= turn.at + span]
            if (
                len({e.payer for e in came}) >= limits.count
                and len({e.payee for e in went}) >= limits.count
                and sum(e.usd for e in went) >= limits.forwarded * sum(e.usd for e in came)
            ):
                yield {e.id for e in came + went}

    return judged(legs, limits, find)


def tm27(legs: list[Leg], limits: Limits = CHAIN_HOP) -> dict[str, Verdict]:
    """Crypto that came on one chain, was traded more than once, and left on another one within the window."""
    done = [leg for leg in legs if leg["status_code"] == "completed" and leg["party_id"]]
    parties = grouped(done, lambda leg: leg["party_id"])

    def chain(leg: Leg) -> str:
        return leg["chain_code"] or leg["asset_code"]

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["rail_code"] != "crypto":
            return excluded("not_crypto")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["direction_code"] != "out":
            return excluded("wrong_direction")
        if not leg["party_id"]:
            return blind("no_kyc")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] < limits.min_usd:
            return below("below_minimum_amount")
        start = leg["event_at"] - limits.hours * HOUR
        seen = [other for other in parties[leg["party_id"]] if start <= other["event_at"] <= leg["event_at"]]
        came = [
            other
            for other in seen
            if other["rail_code"] == "crypto" and other["direction_code"] == "in" and chain(other) != chain(leg)
        ]
        if not came:
            return below()
        first = min(other["event_at"] for other in came)
        traded = [other for other in seen if other["transfer_type_code"] == "trade" and other["event_at"] >= first]
        enough = len(traded) >= limits.count and total(came) >= limits.forwarded * leg["amount_usd"]
        return alert(ids([*came, *traded, leg])) if enough else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}
