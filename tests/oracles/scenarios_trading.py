"""The scenarios on trades and on the month as a whole as an analyst would write them down: TM32, TM42 and TM46.

Each function takes a `population` and returns a `Verdict` for every leg; nothing here reads a seed or a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from oracles.features import HOUR, Leg, grouped, own_transfers
from oracles.population import AS_OF, Population
from oracles.scenarios import Verdict, alert, below, blind, excluded, ids


@dataclass(frozen=True)
class Limits:
    """Amounts in USD, spans in hours."""

    privacy_coins: tuple[str, ...] = ("XMR", "ZEC", "DASH")
    swap_hours: int = 1
    withdrawal_hours: int = 24
    withdrawal_usd: Decimal = Decimal(500)
    swapped_ratio: Decimal = Decimal("0.80")
    trading_hours: int = 24
    trades: int = 4
    net_share: Decimal = Decimal("0.05")
    loss_usd: Decimal = Decimal(1_000)
    fee_multiple: Decimal = Decimal(5)
    top: int = 2
    score: Decimal = Decimal(6)
    peers: int = 30
    scale: Decimal = Decimal("0.6745")
    as_of: datetime = AS_OF


def tm32(people: Population, limits: Limits | None = None) -> dict[str, Verdict]:
    """A withdrawal of a privacy coin that was bought just after something transparent came in."""
    legs, limits = people.rows("int_transfer_legs"), limits or Limits()
    trades = {trade["leg_id"]: trade for trade in people.rows("int_trades")}
    parties = grouped([leg for leg in legs if leg["party_id"]], lambda leg: leg["party_id"])

    def within(leg: Leg, hours: int, end: datetime) -> bool:
        return end - hours * HOUR <= leg["event_at"] <= end

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
        if leg["asset_code"] not in limits.privacy_coins:
            return below("transparent_asset")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] < limits.withdrawal_usd:
            return below("below_minimum_amount")
        mine = parties[leg["party_id"]]
        evidence, swapped = {leg["transfer_id"]}, Decimal(0)
        for trade in mine:
            told = trades.get(trade["leg_id"])
            if not told or told["bought_asset_code"] != leg["asset_code"]:
                continue
            if not within(trade, limits.withdrawal_hours, leg["event_at"]):
                continue
            came = [
                one
                for one in mine
                if (one["transfer_type_code"], one["rail_code"], one["direction_code"]) == ("deposit", "crypto", "in")
                and one["status_code"] == "completed"
                and one["asset_code"] not in limits.privacy_coins
                and within(one, limits.swap_hours, trade["event_at"])
            ]
            if came:
                swapped += told["quote_usd"] or 0
                evidence |= {trade["transfer_id"]} | ids(came)
        return alert(evidence) if swapped >= limits.swapped_ratio * leg["amount_usd"] else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm42(people: Population, limits: Limits | None = None) -> dict[str, Verdict]:
    """A day of buying and selling the same thing that leaves nothing but a loss."""
    limits = limits or Limits()
    trades = {trade["leg_id"]: trade for trade in people.rows("int_trades")}
    valued = [t for t in trades.values() if t["party_id"] and t["quote_usd"] is not None and t["fee_usd"] is not None]

    def book(trade: dict) -> tuple:
        return trade["party_id"], trade["base_asset_code"], trade["quote_asset_code"]

    books = grouped(valued, book)

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] != "trade":
            return excluded("not_a_trade")
        if not leg["party_id"]:
            return blind("no_kyc")
        trade = trades[leg["leg_id"]]
        if trade["quote_usd"] is None or trade["fee_usd"] is None:
            return blind("no_valuation")
        start = leg["event_at"] - limits.trading_hours * HOUR
        seen = [one for one in books[book(trade)] if start <= one["event_at"] <= leg["event_at"]]
        amount, usd = {"buy": Decimal(0), "sell": Decimal(0)}, {"buy": Decimal(0), "sell": Decimal(0)}
        for one in seen:
            amount[one["side_code"]] += one["base_amount"]
            usd[one["side_code"]] += one["quote_usd"]
        loss, fees = usd["buy"] - usd["sell"], sum(one["fee_usd"] for one in seen)
        flat = min(amount.values()) > 0 and abs(amount["buy"] - amount["sell"]) <= limits.net_share * max(
            amount.values()
        )
        enough = len(seen) >= limits.trades and loss >= limits.loss_usd and loss >= limits.fee_multiple * fees
        return alert(ids(seen)) if flat and enough else below()

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


def _middle(values: list[Decimal]) -> Decimal:
    """The median, of an even number the lower one in the middle."""
    return sorted(values)[(len(values) - 1) // 2]


def tm46(people: Population, limits: Limits | None = None) -> dict[str, Verdict]:
    """Of each segment and month that is over, the few who stand out most."""
    legs, limits = people.rows("int_transfer_legs"), limits or Limits()
    own = own_transfers(legs)

    def early(leg: Leg) -> Verdict | None:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["transfer_id"] in own:
            return excluded("own_transfer")
        if not leg["party_id"] or not leg["segment_code"]:
            return blind("no_kyc")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        over = leg["event_date"].replace(day=1) < limits.as_of.date().replace(day=1)
        return None if over else blind("window_open")

    verdicts = {leg["leg_id"]: early(leg) for leg in legs}
    left = [leg for leg in legs if verdicts[leg["leg_id"]] is None]
    for group in grouped(left, lambda leg: (leg["event_date"].replace(day=1), leg["segment_code"])).values():
        months = grouped(group, lambda leg: leg["party_id"])
        measures = {
            party: (
                sum(leg["amount_usd"] for leg in mine),
                max(leg["amount_usd"] for leg in mine),
                Decimal(len(mine)),
                Decimal(len({leg["counterparty_id"] for leg in mine if leg["counterparty_id"] is not None})),
            )
            for party, mine in months.items()
        }
        scores: dict[str, Decimal] = {}
        for place in range(4):
            values = [row[place] for row in measures.values()]
            median = _middle(values)
            spread = _middle([abs(value - median) for value in values])
            for party, row in measures.items():
                if spread:
                    above = (max(row[place] - median, Decimal(0)) / spread).quantize(Decimal("0.000001"), ROUND_HALF_UP)
                    scores[party] = max(above, scores.get(party, above))
        order = sorted(months, key=lambda p: (-scores.get(p, Decimal(-1)), -measures[p][0], p))
        for place, party in enumerate(order, 1):
            mine = months[party]
            largest = min(mine, key=lambda leg: (-leg["amount_usd"], leg["event_at"], leg["leg_id"]))
            for leg in mine:
                if len(months) < limits.peers:
                    verdict = blind("no_peers")
                elif party not in scores:
                    verdict = blind("no_variance")
                elif leg is largest and place <= limits.top and limits.scale * scores[party] >= limits.score:
                    verdict = alert(ids(mine))
                else:
                    verdict = below()
                verdicts[leg["leg_id"]] = verdict
    return verdicts


JUDGES = {"TM32": tm32, "TM42": tm42, "TM46": tm46}
