"""The scenarios about amounts as an analyst would write them down: structuring, repetition, pass-through, fan-out.

Same conventions as `scenarios`: rows of a `population` in, a `Verdict` for every leg out, numbers as `Limits`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from oracles.features import HOUR, Leg, counted, grouped, own_transfers, total
from oracles.features_amounts import (
    ROUND,
    in_travel_rule_band,
    is_round,
    line,
    mirrors,
    next_outflows,
    similar,
    trades_of,
    travel_rule_level,
    untraded,
    values,
)
from oracles.scenarios import Verdict, alert, below, blind, excluded, ids, not_inflow


@dataclass(frozen=True)
class Limits:
    """Amounts in USD, spans in hours."""

    travel_rule_count: int = 3
    travel_rule_hours: int = 168
    report_level: Decimal = Decimal(10_000)
    small_count: int = 20
    small_sum: Decimal = Decimal(10_000)
    small_hours: int = 720
    low_value_low: Decimal = Decimal(500)
    low_value_high: Decimal = Decimal(1_000)
    low_value_count: int = 5
    low_value_hours: int = 168
    aggregate_count: int = 2
    aggregate_hours: int = 24
    untraded_ratio: Decimal = Decimal("0.80")
    untraded_inflow: Decimal = Decimal(5_000)
    mirror_inflow: Decimal = Decimal(5_000)
    mirror_count: int = 1
    fan_out_receivers: int = 5
    fan_out_hours: int = 8
    round_share: Decimal = Decimal("0.50")
    round_count: int = 5
    round_hours: int = 720
    similar_tolerance: Decimal = Decimal("0.10")
    similar_amount: Decimal = Decimal(100)
    similar_count: int = 5
    similar_hours: int = 24


def out_of_scope(leg: Leg, own: set[str], rail: str | None = None, side: str | None = None) -> Verdict | None:
    """Why a scenario about a customer's transfers, of one rail or side or of all, does not look at this leg."""
    if leg["transfer_type_code"] == "trade":
        return excluded("trade")
    if rail and leg["rail_code"] != rail:
        return excluded(f"not_{rail}")
    if leg["status_code"] != "completed":
        return excluded("not_completed")
    if leg["transfer_id"] in own:
        return excluded("own_transfer")
    if side and leg["direction_code"] != side:
        return excluded("wrong_direction")
    return blind("no_kyc") if not leg["party_id"] else None


def look_back(legs: list[Leg], key: Callable[[Leg], object] = line) -> Callable[[Leg, int], list[Leg]]:
    """Looks up the legs that share a leg's key (party and direction) and lie within the hours up to it."""
    groups = grouped(legs, key)

    def before(leg: Leg, hours: int) -> list[Leg]:
        start, end = leg["event_at"] - hours * HOUR, leg["event_at"]
        return [other for other in groups.get(key(leg), []) if start <= other["event_at"] <= end]

    return before


def each(legs: list[Leg], judge: Callable[[Leg], Verdict]) -> dict[str, Verdict]:
    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm02(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """Crypto just under the level from which the travel rule applies in the customer's jurisdiction, n times."""
    own, before = own_transfers(legs), look_back(counted(legs))

    def judge(leg: Leg) -> Verdict:
        if verdict := out_of_scope(leg, own, "crypto"):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if not in_travel_rule_band(leg):
            return below("outside_band")
        seen = [other for other in before(leg, limits.travel_rule_hours) if in_travel_rule_band(other)]
        enough = len(seen) >= limits.travel_rule_count and total(seen) >= travel_rule_level(leg)
        return alert(ids(seen)) if enough else below()

    return each(legs, judge)


def tm03(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """n transfers, every one under the reporting level, together at least the sum."""
    own, before = own_transfers(legs), look_back(counted(legs))

    def judge(leg: Leg) -> Verdict:
        if verdict := out_of_scope(leg, own):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] >= limits.report_level:
            return below("outside_band")
        seen = [other for other in before(leg, limits.small_hours) if other["amount_usd"] is not None]
        if max(values(seen)) >= limits.report_level:
            return below()
        enough = len(seen) >= limits.small_count and total(seen) >= limits.small_sum
        return alert(ids(seen)) if enough else below()

    return each(legs, judge)


def tm04(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """n deposits in the low-value band."""
    own, before = own_transfers(legs), look_back(counted(legs))

    def banded(leg: Leg) -> bool:
        return leg["amount_usd"] is not None and limits.low_value_low <= leg["amount_usd"] < limits.low_value_high

    def judge(leg: Leg) -> Verdict:
        if verdict := not_inflow(leg, own):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if not banded(leg):
            return below("outside_band")
        seen = [other for other in before(leg, limits.low_value_hours) if banded(other)]
        return alert(ids(seen)) if len(seen) >= limits.low_value_count else below()

    return each(legs, judge)


def tm05(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """The fiat of a day reaches the reporting level and no part of it does."""
    own, before = own_transfers(legs), look_back(counted(legs))

    def judge(leg: Leg) -> Verdict:
        if verdict := out_of_scope(leg, own, "fiat"):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] >= limits.report_level:
            return below("outside_band")
        seen = [
            other
            for other in before(leg, limits.aggregate_hours)
            if other["rail_code"] == "fiat" and other["amount_usd"] is not None
        ]
        if max(values(seen)) >= limits.report_level or len(seen) < limits.aggregate_count:
            return below()
        return alert(ids(seen)) if total(seen) >= limits.report_level else below()

    return each(legs, judge)


def tm07(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """Most of what came in at t left within a day, with no trade between."""
    use, own, trades = counted(legs), own_transfers(legs), trades_of(legs)
    before, parties = look_back(use), grouped(use, lambda leg: leg["party_id"])

    def judge(leg: Leg) -> Verdict:
        if verdict := not_inflow(leg, own):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        came = before(leg, 0)
        if total(came) < limits.untraded_inflow:
            return below("below_minimum_amount")
        went = untraded(leg, next_outflows(leg, parties[leg["party_id"]]), trades.get(leg["party_id"], []))
        return alert(ids(came + went)) if total(went) >= limits.untraded_ratio * total(came) else below()

    return each(legs, judge)


def tm08(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """An inflow that goes out again as one amount, less a commission."""
    own, parties = own_transfers(legs), grouped(counted(legs), lambda leg: leg["party_id"])

    def judge(leg: Leg) -> Verdict:
        if verdict := not_inflow(leg, own):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] < limits.mirror_inflow:
            return below("below_minimum_amount")
        went = mirrors(leg, next_outflows(leg, parties[leg["party_id"]]))
        return alert(ids([leg, *went])) if len(went) >= limits.mirror_count else below()

    return each(legs, judge)


def tm10(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """One account pays n distinct receivers within hours."""
    own, before = own_transfers(legs), look_back(counted(legs), lambda leg: (leg["account_id"], leg["direction_code"]))

    def judge(leg: Leg) -> Verdict:
        if verdict := out_of_scope(leg, own, side="out"):
            return verdict
        if not leg["counterparty_id"]:
            return blind("no_counterparty")
        paid = [other for other in before(leg, limits.fan_out_hours) if other["counterparty_id"]]
        receivers = {other["counterparty_id"] for other in paid}
        return alert(ids(paid)) if len(receivers) >= limits.fan_out_receivers else below()

    return each(legs, judge)


def tm17(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """Half or more of at least n transfers are round."""
    own, before = own_transfers(legs), look_back(counted(legs))

    def judge(leg: Leg) -> Verdict:
        if verdict := out_of_scope(leg, own):
            return verdict
        if leg["asset_code"] not in ROUND:
            return blind("no_threshold_for_currency")
        if not is_round(leg):
            return below("not_round")
        seen = [other for other in before(leg, limits.round_hours) if is_round(other) is not None]
        rounds = [other for other in seen if is_round(other)]
        enough = len(seen) >= limits.round_count and len(rounds) >= limits.round_share * len(seen)
        return alert(ids(rounds)) if enough else below()

    return each(legs, judge)


def tm18(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """n transfers of nearly the same value within a day."""
    own, before = own_transfers(legs), look_back(counted(legs))

    def judge(leg: Leg) -> Verdict:
        if verdict := out_of_scope(leg, own):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] < limits.similar_amount:
            return below("below_minimum_amount")
        alike = similar(leg, before(leg, limits.similar_hours), limits.similar_tolerance)
        return alert(ids(alike)) if len(alike) >= limits.similar_count else below()

    return each(legs, judge)


JUDGES = {
    "TM02": tm02,
    "TM03": tm03,
    "TM04": tm04,
    "TM05": tm05,
    "TM07": tm07,
    "TM08": tm08,
    "TM10": tm10,
    "TM17": tm17,
    "TM18": tm18,
}
