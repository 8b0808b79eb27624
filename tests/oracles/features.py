"""What each feature family means, as plain loops over legs: the definition the SQL has to equal, column by column.

Input everywhere: legs as dicts keyed by the columns of `intermediate.int_transfer_legs`. Output: columns by leg_id.
Windows are closed at both ends in event time, so legs at the same instant see each other; money is Decimal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

Leg = dict
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIN_HISTORY = 10


def own_transfers(legs: Iterable[Leg]) -> set[str]:
    """Transfers between two accounts of the same party."""
    sides: dict[str, list] = {}
    for leg in legs:
        if leg["transfer_type_code"] == "internal_transfer" and leg["party_id"]:
            sides.setdefault(leg["transfer_id"], []).append(leg["party_id"])
    return {transfer for transfer, parties in sides.items() if len(parties) == 2 and parties[0] == parties[1]}


def counted(legs: list[Leg]) -> list[Leg]:
    own = own_transfers(legs)
    return [
        leg
        for leg in legs
        if leg["status_code"] == "completed"
        and leg["direction_code"] in ("in", "out")
        and leg["party_id"]
        and leg["transfer_id"] not in own
    ]


def ratio(numerator: Decimal | None, denominator: Decimal | None) -> Decimal | None:
    if numerator is None or not denominator:
        return None
    return (numerator / denominator).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def total(legs: Iterable[Leg], column: str = "amount_usd") -> Decimal:
    return sum((leg[column] for leg in legs if leg[column] is not None), Decimal(0))


def grouped(legs: Iterable[Leg], key: Callable[[Leg], object]) -> dict[object, list[Leg]]:
    groups: dict[object, list[Leg]] = {}
    for leg in legs:
        groups.setdefault(key(leg), []).append(leg)
    return groups


def velocity(legs: list[Leg]) -> dict[str, dict]:
    use = counted(legs)
    parties, accounts = grouped(use, lambda leg: leg["party_id"]), grouped(use, lambda leg: leg["account_id"])
    result = {}
    for leg in use:
        now, row = leg["event_at"], {}
        for name, span in (("1h", HOUR), ("24h", DAY), ("7d", 7 * DAY), ("30d", 30 * DAY)):
            seen = [other for other in parties[leg["party_id"]] if now - span <= other["event_at"] <= now]
            for side in ("in", "out"):
                of_side = [other for other in seen if other["direction_code"] == side]
                row[f"{side}_count_{name}"] = len(of_side)
                row[f"{side}_amount_usd_{name}"] = total(of_side)
        row["unvalued_count_30d"] = sum(other["amount_usd"] is None for other in seen)
        for role, side, spans in (("sender", "in", (24, 48, 720)), ("receiver", "out", (24, 720))):
            for hours in spans:
                row[f"{role}_count_{'30d' if hours == 720 else f'{hours}h'}"] = len(
                    {
                        other["counterparty_id"]
                        for other in accounts[leg["account_id"]]
                        if other["direction_code"] == side
                        and other["counterparty_id"]
                        and now - hours * HOUR <= other["event_at"] <= now
                    }
                )
        result[leg["leg_id"]] = row
    return result


def structuring(legs: list[Leg], threshold: dict[str, Decimal], low: Decimal, high: Decimal) -> dict[str, dict]:
    """threshold: reporting level by currency; low (inside), high (outside): edges of the band as shares of it."""
    use = [leg for leg in counted(legs) if leg["rail_code"] == "fiat"]

    def in_band(leg: Leg) -> bool:
        level = threshold.get(leg["asset_code"])
        return level is not None and low * level <= leg["amount"] < high * level

    lines = grouped(use, lambda leg: (leg["party_id"], leg["asset_code"], leg["direction_code"]))
    result = {}
    for leg in use:
        row = {"is_in_band": in_band(leg)}
        line = lines[leg["party_id"], leg["asset_code"], leg["direction_code"]]
        for name, span in (("24h", DAY), ("7d", 7 * DAY)):
            seen = [
                other
                for other in line
                if in_band(other) and leg["event_at"] - span <= other["event_at"] <= leg["event_at"]
            ]
            row[f"band_count_{name}"], row[f"band_amount_{name}"] = len(seen), total(seen, "amount")
        result[leg["leg_id"]] = row
    return result


def flow(legs: list[Leg]) -> dict[str, dict]:
    use = counted(legs)
    parties = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        now, mine = leg["event_at"], parties[leg["party_id"]]
        ins = [other for other in mine if other["direction_code"] == "in"]
        outs = [other for other in mine if other["direction_code"] == "out"]
        before_in = [other for other in ins if now - DAY <= other["event_at"] <= now]
        after_out = [other for other in outs if now <= other["event_at"] <= now + DAY]
        row = {
            "inflow_usd": total(other for other in ins if other["event_at"] == now),
            "inflow_usd_24h": total(before_in),
            "outflow_usd_24h": total(other for other in outs if now - DAY <= other["event_at"] <= now),
            "outflow_usd_next_24h": total(after_out),
        }
        row["out_in_ratio_24h"] = ratio(row["outflow_usd_24h"], row["inflow_usd_24h"])
        is_in = leg["direction_code"] == "in"
        row["out_in_ratio_next_24h"] = ratio(row["outflow_usd_next_24h"], row["inflow_usd"]) if is_in else None
        since = max((other["event_at"] for other in before_in), default=None)
        until = min((other["event_at"] for other in after_out), default=None)
        row["holding_seconds_24h"] = None if is_in or since is None else (now - since) // timedelta(seconds=1)
        row["holding_seconds_next_24h"] = (until - now) // timedelta(seconds=1) if is_in and until else None
        result[leg["leg_id"]] = row
    return result


def previous_activity(legs: list[Leg], leg: Leg) -> object:
    """The party's last activity strictly before the leg: in the ledger, else by its accounts; None when unknown."""
    mine = [other for other in legs if other["party_id"] == leg["party_id"]]
    done = [
        other["event_at"]
        for other in mine
        if other["status_code"] == "completed" and other["event_at"] < leg["event_at"]
    ]
    if done:
        return max(done)
    stated = max((other["last_activity_at"] for other in mine if other["last_activity_at"]), default=None)
    return stated if stated is not None and stated < leg["event_at"] else None


def history(legs: list[Leg]) -> dict[str, dict]:
    use = counted(legs)
    parties = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        now, amount = leg["event_at"], leg["amount_usd"]
        past = [
            other["amount_usd"]
            for other in parties[leg["party_id"]]
            if now - 90 * DAY <= other["event_at"] < now and other["amount_usd"] is not None
        ]
        last = previous_activity(legs, leg)
        row = {
            "previous_activity_at": last,
            "dormant_days": None if last is None else (now - last).days,
            "history_count_90d": len(past),
            "history_amount_usd_90d": sum(past, Decimal(0)),
            "history_max_usd_90d": max(past, default=None),
            "amount_zscore_90d": None,
            "amount_to_max_ratio_90d": None,
        }
        if amount is None:
            row["history_status_code"] = "no_valuation"
        elif len(past) < MIN_HISTORY:
            row["history_status_code"] = "insufficient_history"
        else:
            mean = sum(past) / len(past)
            deviation = math.sqrt(sum((value - mean) ** 2 for value in past) / (len(past) - 1))
            row["history_status_code"] = "ok" if deviation else "no_variance"
            row["amount_to_max_ratio_90d"] = ratio(amount, max(past))
            if deviation:
                row["amount_zscore_90d"] = round(float(amount - mean) / deviation, 4)
        result[leg["leg_id"]] = row
    return result


def screening_states(screenings: list[dict]) -> dict[str, str]:
    """By transfer: pending while one of the vendors that were asked has not answered."""
    asked = grouped(screenings, lambda row: row["transfer_id"])
    return {
        transfer: "screened" if {row["screening_status_code"] for row in rows} == {"screened"} else "pending"
        for transfer, rows in asked.items()
    }


def exposure(legs: list[Leg], screenings: list[dict], exposures: list[dict]) -> dict[str, dict]:
    """Several vendors that name one category speak of the same value: the largest counts, once."""
    use = [leg for leg in counted(legs) if leg["rail_code"] == "crypto"]
    status = screening_states(screenings)
    direct = grouped(
        (row for row in exposures if row["exposure_type_code"] == "DIRECT"), lambda row: row["transfer_id"]
    )
    result = {}
    for leg in use:
        mine = grouped(direct.get(leg["transfer_id"], []), lambda row: row["category_code"])
        largest = {
            category: max((row["exposure_usd"] for row in rows if row["exposure_usd"] is not None), default=None)
            for category, rows in mine.items()
        }
        row = {
            "screening_status_code": status.get(leg["transfer_id"], "not_screened"),
            "direct_exposure_count": len(mine),
            "direct_zero_tolerance_count": sum(rows[0]["is_zero_tolerance"] for rows in mine.values()),
            "direct_unvalued_count": sum(value is None for value in largest.values()),
        }
        for category in ("sanctioned_entity", "terrorist_financing", "ransomware", "scam", "mixing", "unmapped"):
            row[f"direct_{category}_usd"] = largest.get(category)
        result[leg["leg_id"]] = row
    return result
