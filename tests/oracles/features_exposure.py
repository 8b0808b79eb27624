"""What the feature families about exposures and counterparties mean, as plain loops over legs (see `features`).

Input: a `population`. Output: columns by leg_id; of `by_category` by (leg_id, category).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from oracles.features import DAY, Leg, counted, grouped, ratio, total

ZERO = ("child_abuse_material", "sanctioned_entity", "terrorist_financing")
MEDIUM = ("mixing", "gambling", "p2p_exchange", "atm", "infrastructure_service", "privacy_protocol")
HIGH = (
    "ransomware",
    "sanctioned_jurisdiction",
    "special_measures",
    "darknet_market",
    "no_kyc_exchange",
    "stolen_funds",
    "scam",
    "fraud_shop",
    "illicit_actor",
    "malware",
    "online_pharmacy",
)
FLOOR = dict.fromkeys(ZERO, Decimal(0)) | dict.fromkeys(HIGH, Decimal(1_000)) | dict.fromkeys(MEDIUM, Decimal(5_000))
SERVICES = {
    "exchange", "no_kyc_exchange", "p2p_exchange", "hosted_wallet", "merchant_services", "gambling", "lending",
    "bridge", "decentralised_exchange", "mining", "atm", "nft_platform", "unnamed_service", "smart_contract",
    "token_contract",
}  # fmt: skip
HIGH_RISK = {"IR", "KP", "MM"}
MONTH, WEEK = 30 * DAY, 7 * DAY
VENDORS = ("chainalysis", "trm", "elliptic")


def largest(rows: list[dict]) -> Decimal | None:
    return max((row["exposure_usd"] for row in rows if row["exposure_usd"] is not None), default=None)


def within(legs: list, now, span: timedelta) -> list:
    return [other for other in legs if now - span <= other["event_at"] <= now]


def by_category(people) -> dict[tuple[str, str], dict]:
    """Of completed crypto legs: what is named for each category, and the 30 days of the same party and category."""
    said = grouped(people.rows("int_exposures"), lambda row: row["transfer_id"])
    found: dict[tuple[str, str], dict] = {}
    for leg in people.rows("int_transfer_legs"):
        if leg["status_code"] != "completed" or leg["rail_code"] != "crypto" or leg["direction_code"] == "none":
            continue
        for category, rows in grouped(said.get(leg["transfer_id"], []), lambda row: row["category_code"]).items():
            kinds = {
                kind: [row for row in rows if row["exposure_type_code"] == kind]
                for kind in ("DIRECT", "INDIRECT", "ATTRIBUTED")
            }
            direct, indirect = largest(kinds["DIRECT"]), largest(kinds["INDIRECT"])
            floor = FLOOR.get(category)
            found[leg["leg_id"], category] = {
                "event_at": leg["event_at"],
                "holder": leg["party_id"] or leg["leg_id"],
                "direct_vendor_count": len(kinds["DIRECT"]),
                "indirect_vendor_count": len(kinds["INDIRECT"]),
                "attributed_vendor_count": len(kinds["ATTRIBUTED"]),
                "direct_usd": direct,
                "indirect_usd": indirect,
                "direct_floor_usd": floor,
                "small_direct_usd": direct if direct and floor is not None and direct <= floor else None,
                "exposure_known_at": max(row["known_at"] for row in rows),
            }
            for vendor in VENDORS:
                for kind, name in (("DIRECT", "direct"), ("INDIRECT", "indirect")):
                    own = [row for row in kinds[kind] if row["vendor_code"] == vendor]
                    found[leg["leg_id"], category][f"{vendor}_{name}_usd"] = largest(own)
    lines = grouped(found.items(), lambda item: (item[1]["holder"], item[0][1]))
    for (_, category), row in found.items():
        seen = within([other for _, other in lines[row["holder"], category]], row["event_at"], MONTH)
        for name in ("direct", "indirect"):
            named = [other for other in seen if other[f"{name}_vendor_count"]]
            row[f"{name}_count_30d"] = len(named)
            row[f"{name}_usd_30d"] = total(named, f"{name}_usd")
            row[f"{name}_unvalued_count_30d"] = sum(other[f"{name}_usd"] is None for other in named)
        small = [other for other in seen if other["small_direct_usd"] is not None]
        row["small_direct_count_30d"], row["small_direct_usd_30d"] = len(small), total(small, "small_direct_usd")
    return found


def hosting(people) -> dict[str, str]:
    """By transfer: hosted, self_hosted or unknown."""
    state = {row["transfer_id"]: "unknown" for row in people.rows("int_transfer_legs")}
    for row in people.rows("int_transfer_screenings"):
        if row["screening_status_code"] == "screened":
            state[row["transfer_id"]] = "self_hosted"
    for row in people.rows("int_exposures"):
        if row["exposure_type_code"] in ("DIRECT", "ATTRIBUTED") and row["category_code"] in SERVICES:
            state[row["transfer_id"]] = "hosted"
    return state


def counterparty(people) -> dict[str, dict]:
    use, state = counted(people.rows("int_transfer_legs")), hosting(people)
    kind = {leg["leg_id"]: state[leg["transfer_id"]] if leg["rail_code"] == "crypto" else None for leg in use}
    same = grouped(use, lambda leg: (leg["counterparty_id"], leg["rail_code"], leg["direction_code"]))
    mine = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        now, other_side = leg["event_at"], leg["counterparty_id"]
        row: dict = {"counterparty_id": other_side, "hosting_code": kind[leg["leg_id"]]}
        for name, span in (("7d", WEEK), ("30d", MONTH)):
            seen = within(same[other_side, leg["rail_code"], leg["direction_code"]], now, span)
            row[f"counterparty_party_count_{name}"] = len({one["party_id"] for one in seen}) if other_side else None
            row[f"counterparty_amount_usd_{name}"] = total(seen) if other_side else None
        row["is_first_with_party"] = (
            not any(one["event_at"] < now for one in mine[leg["party_id"]] if one["counterparty_id"] == other_side)
            if other_side
            else None
        )
        out = [one for one in within(mine[leg["party_id"]], now, MONTH) if one["direction_code"] == "out"]
        row["out_usd_30d"] = total(out)
        row["self_hosted_out_usd_30d"] = total(one for one in out if kind[one["leg_id"]] == "self_hosted")
        row["unknown_hosting_out_usd_30d"] = total(one for one in out if kind[one["leg_id"]] == "unknown")
        row["self_hosted_out_share_30d"] = ratio(row["self_hosted_out_usd_30d"], row["out_usd_30d"])
        result[leg["leg_id"]] = row
    return result


def things(leg: Leg, state: dict[str, str]) -> dict[str, str | None]:
    """What the leg may share with others."""
    fiat, crypto = leg["rail_code"] == "fiat", leg["rail_code"] == "crypto"
    pays = crypto and leg["direction_code"] == "out" and state[leg["transfer_id"]] != "hosted"
    return {
        "device": leg["device_id"],
        "ip": leg["ip_address"],
        "bank_account": leg["counterparty_id"] if fiat else None,
        "payout_address": leg["counterparty_id"] if pays else None,
    }


def shared(people) -> dict[str, dict]:
    use, state = counted(people.rows("int_transfer_legs")), hosting(people)
    users: dict[tuple[str, str], list[Leg]] = {}
    for leg in use:
        for kind, value in things(leg, state).items():
            if value is not None:
                users.setdefault((kind, value), []).append(leg)
    result = {}
    for leg in use:
        row: dict = {}
        for kind, value in things(leg, state).items():
            seen = within(users[kind, value], leg["event_at"], MONTH) if value is not None else []
            row[kind] = value
            row[f"{kind}_party_count_30d"] = len({one["party_id"] for one in seen}) or None
        counts = [row[name] for name in row if name.endswith("_30d") and row[name] is not None]
        row["shared_party_count_30d"] = max(counts, default=None)
        result[leg["leg_id"]] = row
    return result


def corridor(people) -> dict[str, dict]:
    message = {row["transfer_id"]: row for row in people.rows("int_transfer_travel_rule")}
    seen_at = grouped(people.rows("int_party_behaviour_events"), lambda row: row["party_id"])
    use = [leg for leg in counted(people.rows("int_transfer_legs")) if leg["rail_code"] in ("fiat", "crypto")]
    result = {}
    for leg in use:
        told = message.get(leg["transfer_id"], {})
        places = [
            row
            for row in within(seen_at.get(leg["party_id"], []), leg["event_at"], DAY)
            if row["outcome_code"] == "success" and row["country_code"]
        ]
        last = max((row["event_at"] for row in places), default=None)
        place = min((row for row in places if row["event_at"] == last), key=lambda row: row["country_code"], default={})
        iban = re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", leg["counterparty_id"] or "")
        row = {
            "bank_country_code": leg["counterparty_id"][:2] if iban and leg["rail_code"] == "fiat" else None,
            "vasp_country_code": told.get("counterparty_vasp_country_code"),
            "counterparty_country_code": told.get("counterparty_country_code"),
            "ip_country_code": place.get("country_code"),
        }
        countries = {value for value in row.values() if value}
        row |= {"is_located": bool(countries), "is_high_risk": bool(countries & HIGH_RISK)}
        known = [one["known_at"] for one in (told, place) if one]
        row["corridor_known_at"] = max(known, default=None)
        result[leg["leg_id"]] = row
    mine = grouped(use, lambda leg: leg["party_id"])
    for leg in use:
        risky = [
            one
            for one in within(mine[leg["party_id"]], leg["event_at"], MONTH)
            if result[one["leg_id"]]["is_high_risk"]
        ]
        result[leg["leg_id"]] |= {"high_risk_count_30d": len(risky), "high_risk_usd_30d": total(risky)}
    return result


def travel_rule(people) -> dict[str, dict]:
    message = {row["transfer_id"]: row for row in people.rows("int_transfer_travel_rule")}
    use = [
        leg
        for leg in counted(people.rows("int_transfer_legs"))
        if leg["rail_code"] == "crypto" and leg["transfer_type_code"] in ("deposit", "withdrawal")
    ]

    def state(leg: Leg) -> str:
        told = message.get(leg["transfer_id"])
        if told is None or not told["is_standing"]:
            return "missing"
        return "incomplete" if told["missing_fields"] else "present"

    mine = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        told, seen = message.get(leg["transfer_id"], {}), within(mine[leg["party_id"]], leg["event_at"], MONTH)
        gaps = [one for one in seen if state(one) != "present"]
        result[leg["leg_id"]] = {
            "travel_rule_status_code": state(leg),
            "missing_fields": told.get("missing_fields") if told.get("is_standing") else None,
            "message_id": told.get("message_id"),
            "message_known_at": told.get("known_at"),
            "crypto_count_30d": len(seen),
            "gap_count_30d": len(gaps),
            "gap_usd_30d": total(gaps),
        }
    return result


FAMILIES: dict[str, Callable] = {
    "counterparty": counterparty,
    "shared": shared,
    "corridor": corridor,
    "travel_rule": travel_rule,
}


def listed_on(row: dict, day: date) -> bool:
    return row["listed_from_date"] <= day and (row["delisted_on"] is None or day < row["delisted_on"])
