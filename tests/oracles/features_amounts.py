"""What the families about amounts mean: bands, repetition, turnaround, breadth; and the rest of velocity.

Same conventions as `features`, which it completes: legs as dicts, columns by leg_id, windows closed at both ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from oracles.features import DAY, HOUR, Leg, counted, grouped, total

SPANS = {"1h": HOUR, "8h": 8 * HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
FIVE = ("1h", "24h", "7d", "30d", "90d")
TRAVEL_RULE = {"US": 3000, "EU": 1080, "UK": 1080, "SG": 1110, "HK": 1025, "AE": 953}
TRAVEL_RULE_ELSEWHERE = 1000
ROUND = dict.fromkeys(("USD", "EUR", "GBP", "CHF", "USDT", "USDC"), Decimal(1000)) | {
    "BTC": Decimal("0.1"),
    "ETH": Decimal(1),
}
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def windows(legs: list[Leg], key: Callable[[Leg], object]) -> Callable[[Leg, str], list[Leg]]:
    """Looks up the legs of a leg's own group in the named window that ends with it."""
    groups = grouped(legs, key)

    def seen(leg: Leg, name: str) -> list[Leg]:
        now = leg["event_at"]
        return [other for other in groups[key(leg)] if now - SPANS[name] <= other["event_at"] <= now]

    return seen


def line(leg: Leg) -> tuple:
    return leg["party_id"], leg["direction_code"]


def values(legs: list[Leg]) -> list[Decimal]:
    return [leg["amount_usd"] for leg in legs if leg["amount_usd"] is not None]


def of_side(legs: list[Leg], side: str) -> list[Leg]:
    return [leg for leg in legs if leg["direction_code"] == side]


def velocity_more(legs: list[Leg]) -> dict[str, dict]:
    use = counted(legs)
    party, account = windows(use, lambda leg: leg["party_id"]), windows(use, lambda leg: leg["account_id"])
    result = {}
    for leg in use:
        row = {}
        for name in FIVE:
            for side in ("in", "out"):
                mine = of_side(party(leg, name), side)
                known = values(mine)
                row[f"{side}_count_{name}"], row[f"{side}_amount_usd_{name}"] = len(mine), total(mine)
                row[f"{side}_max_usd_{name}"] = max(known, default=None)
                mean = (sum(known) / len(known)).quantize(Decimal("0.000001"), ROUND_HALF_UP) if known else None
                row[f"{side}_mean_usd_{name}"] = mean
        paid = of_side(account(leg, "8h"), "out")
        row["receiver_count_8h"] = len({other["counterparty_id"] for other in paid} - {None})
        result[leg["leg_id"]] = row
    return result


def country(leg: Leg) -> str | None:
    known = leg["rail_code"] == "fiat" and leg["counterparty_id"] and IBAN.fullmatch(leg["counterparty_id"])
    return leg["counterparty_id"][:2] if known else None


def breadth(legs: list[Leg]) -> dict[str, dict]:
    use = counted(legs)
    party = windows(use, lambda leg: leg["party_id"])
    kinds = {
        "counterparty": lambda leg: leg["counterparty_id"],
        "address": lambda leg: leg["counterparty_address"],
        "asset": lambda leg: leg["asset_code"],
        "country": country,
    }
    result = {}
    for leg in use:
        row = {"counterparty_country_code": country(leg)}
        for name in FIVE:
            for side in ("in", "out"):
                mine = of_side(party(leg, name), side)
                for kind, read in kinds.items():
                    row[f"{side}_{kind}_count_{name}"] = len({read(other) for other in mine} - {None})
        result[leg["leg_id"]] = row
    return result


def travel_rule_level(leg: Leg) -> Decimal:
    return Decimal(TRAVEL_RULE.get(leg["jurisdiction_code"], TRAVEL_RULE_ELSEWHERE))


def in_travel_rule_band(leg: Leg, low: Decimal = Decimal("0.85"), high: Decimal = Decimal(1)) -> bool:
    if leg["rail_code"] != "crypto" or leg["amount_usd"] is None:
        return False
    return low * travel_rule_level(leg) <= leg["amount_usd"] < high * travel_rule_level(leg)


def bands(
    legs: list[Leg], report: Decimal = Decimal(10_000), low_value: tuple[int, int] = (500, 1000)
) -> dict[str, dict]:
    use = counted(legs)
    seen = windows(use, line)
    tests = {
        "travel_rule": in_travel_rule_band,
        "low_value": lambda leg: leg["amount_usd"] is not None and low_value[0] <= leg["amount_usd"] < low_value[1],
        "subthreshold": lambda leg: leg["amount_usd"] is not None and leg["amount_usd"] < report,
        "fiat": lambda leg: leg["rail_code"] == "fiat" and leg["amount_usd"] is not None,
    }
    names = {"travel_rule": ("24h", "7d"), "low_value": ("24h", "7d"), "subthreshold": ("7d", "30d"), "fiat": ("24h",)}
    result = {}
    for leg in use:
        row = {
            "travel_rule_low_usd": Decimal("0.85") * travel_rule_level(leg),
            "travel_rule_high_usd": travel_rule_level(leg),
            "is_in_travel_rule_band": tests["travel_rule"](leg),
            "is_subthreshold": tests["subthreshold"](leg),
            "is_in_low_value_band": tests["low_value"](leg),
        }
        for band, belongs in tests.items():
            for name in names[band]:
                mine = [other for other in seen(leg, name) if belongs(other)]
                row[f"{band}_count_{name}"], row[f"{band}_amount_usd_{name}"] = len(mine), total(mine)
        for name in ("7d", "30d"):
            row[f"largest_usd_{name}"] = max(values(seen(leg, name)), default=None)
        fiat = [other for other in seen(leg, "24h") if other["rail_code"] == "fiat"]
        row["fiat_largest_usd_24h"] = max(values(fiat), default=None)
        result[leg["leg_id"]] = row
    return result


def is_round(leg: Leg) -> bool | None:
    multiple = ROUND.get(leg["asset_code"])
    return None if multiple is None else leg["amount"] > 0 and leg["amount"] % multiple == 0


def similar(leg: Leg, others: list[Leg], tolerance: Decimal = Decimal("0.10")) -> list[Leg]:
    if leg["amount_usd"] is None:
        return []
    return [
        other
        for other in others
        if other["amount_usd"] is not None
        and abs(other["amount_usd"] - leg["amount_usd"]) <= tolerance * leg["amount_usd"]
    ]


def repetition(legs: list[Leg]) -> dict[str, dict]:
    use = counted(legs)
    seen = windows(use, line)
    result = {}
    for leg in use:
        alike = similar(leg, seen(leg, "24h"))
        row = {"is_round": is_round(leg), "round_multiple_amount": ROUND.get(leg["asset_code"])}
        for name in ("7d", "30d"):
            marks = [is_round(other) for other in seen(leg, name)]
            row[f"roundable_count_{name}"] = len(marks) - marks.count(None)
            row[f"round_count_{name}"] = marks.count(True)
        row |= {"similar_count_24h": len(alike), "similar_amount_usd_24h": total(alike)}
        result[leg["leg_id"]] = row
    return result


def trades_of(legs: list[Leg]) -> dict[object, list[Leg]]:
    done = [leg for leg in legs if leg["transfer_type_code"] == "trade" and leg["status_code"] == "completed"]
    return grouped((leg for leg in done if leg["party_id"]), lambda leg: leg["party_id"])


def next_outflows(leg: Leg, legs: list[Leg], hours: int = 24) -> list[Leg]:
    """What leaves the leg's party from the leg on."""
    until = leg["event_at"] + hours * HOUR
    return [
        other
        for other in legs
        if other["party_id"] == leg["party_id"]
        and other["direction_code"] == "out"
        and leg["event_at"] <= other["event_at"] <= until
    ]


def untraded(leg: Leg, outflows: list[Leg], trades: list[Leg]) -> list[Leg]:
    """The outflows with no trade between the leg and them, instants of both included."""
    return [
        other
        for other in outflows
        if not any(leg["event_at"] <= trade["event_at"] <= other["event_at"] for trade in trades)
    ]


def mirrors(
    leg: Leg, outflows: list[Leg], commission: Decimal = Decimal("0.10"), tolerance: Decimal = Decimal("0.10")
) -> list[Leg]:
    """The outflows worth the incoming leg less a commission, give or take the tolerance."""
    if leg["direction_code"] != "in" or leg["amount_usd"] is None:
        return []
    least, most = leg["amount_usd"] * (1 - commission) * (1 - tolerance), leg["amount_usd"] * (1 + tolerance)
    return [other for other in outflows if other["amount_usd"] is not None and least <= other["amount_usd"] <= most]


def turnaround(legs: list[Leg]) -> dict[str, dict]:
    use, trades = counted(legs), trades_of(legs)
    parties = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        left = next_outflows(leg, parties[leg["party_id"]])
        ahead = [
            trade["event_at"]
            for trade in trades.get(leg["party_id"], [])
            if leg["event_at"] <= trade["event_at"] <= leg["event_at"] + DAY
        ]
        alike = mirrors(leg, left)
        result[leg["leg_id"]] = {
            "next_trade_at": min(ahead, default=None),
            "trade_count_next_24h": len(ahead),
            "untraded_outflow_usd_next_24h": total(untraded(leg, left, trades.get(leg["party_id"], []))),
            "mirror_count_next_24h": len(alike),
            "mirror_amount_usd_next_24h": total(alike),
        }
    return result


# by feature model, after feat_transfer__
FAMILIES = {
    "bands": bands,
    "breadth": breadth,
    "repetition": repetition,
    "turnaround": turnaround,
}
