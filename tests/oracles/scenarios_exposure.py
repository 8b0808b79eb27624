"""The scenarios about exposures and counterparties as an analyst would write them down, leg by leg (see `scenarios`).

Each judge takes a `population` and returns a `Verdict` for every leg. Limits are those of the scenario library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from oracles import features_exposure as features
from oracles.features import DAY, HOUR, Leg, counted, grouped, own_transfers, total
from oracles.features_exposure import FLOOR, HIGH, MEDIUM, MONTH, ZERO, things, within
from oracles.population import AS_OF
from oracles.scenarios import Verdict, alert, below, blind, excluded, ids


@dataclass(frozen=True)
class Limits:
    """Amounts in USD."""

    share: Decimal = Decimal("0.10")
    share_usd: Decimal = Decimal(500)
    days_since_designation: int = 0
    mixer_indirect: Decimal = Decimal(1_000)
    denominations: tuple[Decimal, ...] = (Decimal("0.1"), Decimal(1), Decimal(10), Decimal(100))
    small_count: int = 2
    self_hosted_share: Decimal = Decimal("0.80")
    self_hosted_usd: Decimal = Decimal(25_000)
    unproven_usd: Decimal = Decimal(1_100)
    service_share: Decimal = Decimal("0.50")
    service_share_usd: Decimal = Decimal(2_500)
    sharing_parties: int = 3
    address_parties: int = 3
    address_usd: Decimal = Decimal(1_000)
    address_window: timedelta = 7 * DAY
    corridor_count: int = 3
    corridor_usd: Decimal = Decimal(1_000)
    grace: timedelta = 24 * HOUR

    def indirect(self, category: str) -> Decimal | None:
        return FLOOR.get(category)

    def service(self, category: str) -> Decimal | None:
        limits = {"atm": 5_000, "gambling": 10_000, "p2p_exchange": 10_000, "no_kyc_exchange": 5_000}
        return Decimal(limits[category]) if category in limits else None

    def travel_rule(self, jurisdiction: str | None) -> Decimal:
        return Decimal({"US": 3_000, "HK": 1_000, "SG": 1_100, "AE": 950, "OTHER": 1_000}.get(jurisdiction, 0))


def _crypto(leg: Leg, any_status: bool = False) -> Verdict | None:
    if leg["transfer_type_code"] == "trade":
        return excluded("trade")
    if leg["rail_code"] != "crypto":
        return excluded("not_crypto")
    return excluded("not_completed") if leg["status_code"] != "completed" and not any_status else None


def _worst(reasons: Iterable[str], order: tuple[str, ...]) -> str:
    return min(reasons, key=order.index, default="no_exposure")


def _answered(people, leg: Leg) -> Verdict | None:
    """Why what the vendors said is not the last word."""
    states = [row for row in people.rows("int_transfer_screenings") if row["transfer_id"] == leg["transfer_id"]]
    if not states:
        return blind("not_screened")
    return blind("screening_pending") if any(row["screening_status_code"] != "screened" for row in states) else None


def _by_exposure(
    people,
    kind: str | None,
    weigh: Callable[[Leg, str, dict], str],
    order: tuple[str, ...],
    evidence: str | None,
    kyc: bool,
) -> dict[str, Verdict]:
    """Judges each leg by the categories named for it.

    evidence: the column whose presence makes a leg of the month evidence; None for the transfer alone.
    """
    rows = features.by_category(people)
    if kind:
        rows = {key: row for key, row in rows.items() if row[f"{kind}_vendor_count"]}
    of_leg = grouped(rows, lambda key: key[0])
    transfer = {leg["leg_id"]: leg["transfer_id"] for leg in people.rows("int_transfer_legs")}
    lines = grouped(
        ({"leg_id": leg_id, "category": category} | row for (leg_id, category), row in rows.items()),
        lambda row: (row["holder"], row["category"]),
    )

    def judge(leg: Leg) -> Verdict:
        if verdict := _crypto(leg):
            return verdict
        mine = {category: rows[leg_id, category] for leg_id, category in of_leg.get(leg["leg_id"], [])}
        reasons = {category: weigh(leg, category, row) for category, row in mine.items()}
        if "alerted" in reasons.values():
            if evidence is None:
                return alert({leg["transfer_id"]})
            found = set()
            for category in (one for one, reason in reasons.items() if reason == "alerted"):
                line = within(lines[mine[category]["holder"], category], leg["event_at"], MONTH)
                found |= {transfer[row["leg_id"]] for row in line if row[evidence] not in (None, 0)}
            return alert(found)
        verdict = _answered(people, leg)
        if verdict and not (verdict.reason == "not_screened" and reasons):
            return verdict
        if kyc and not leg["party_id"]:
            return blind("no_kyc")
        reason = _worst(reasons.values(), order)
        return blind(reason) if reason in ("unmapped_category", "no_valuation") else below(reason)

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


def tm29(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Indirect exposure of a month to a category, or the share of one transfer, reaches its limit."""

    def weigh(leg: Leg, category: str, row: dict) -> str:
        floor = limits.indirect(category)
        if floor == 0:
            return "alerted"
        if category == "unmapped":
            return "unmapped_category"
        if floor is None:
            return "low_severity_category"
        if row["indirect_usd_30d"] >= floor:
            return "alerted"
        own = row["indirect_usd"]
        if own is not None and own >= limits.share_usd:
            if leg["amount_usd"] is None:
                return "no_valuation"
            if own >= limits.share * leg["amount_usd"]:
                return "alerted"
        return "no_valuation" if row["indirect_unvalued_count_30d"] else "below_threshold"

    order = ("unmapped_category", "no_valuation", "below_threshold", "low_severity_category")
    return _by_exposure(people, "indirect", weigh, order, "indirect_vendor_count", True)


def tm30(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Somebody designated stands on the other side or behind it, on or after the day of the designation."""
    listed = people.rows("int_sanctioned_addresses")
    addresses = grouped(people.rows("int_transfer_addresses"), lambda row: row["transfer_id"])
    exposures = grouped(people.rows("int_exposures"), lambda row: row["transfer_id"])

    def judge(leg: Leg) -> Verdict:
        if verdict := _crypto(leg, any_status=True):
            return verdict
        theirs = [row for row in addresses.get(leg["transfer_id"], []) if row["role_code"] == "counterparty"]
        links = [row for one in theirs for row in listed if row["address"] == one["address"]]
        undated = False
        for one in exposures.get(leg["transfer_id"], []):
            if one["exposure_type_code"] == "ATTRIBUTED":
                continue
            if one["category_code"] in ("sanctioned_entity", "terrorist_financing"):
                name = re.sub(r"^[A-Z -]+: ", "", one["entity_name"] or "").strip().upper()
                named = [row for row in listed if name and row["name"].upper() == name]
                links += named
                undated = undated or not named
        since = timedelta(days=limits.days_since_designation)
        if any(
            features.listed_on(row, leg["event_date"]) and leg["event_date"] - row["listed_from_date"] >= since
            for row in links
        ):
            return alert({leg["transfer_id"]})
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if undated:
            return blind("no_designation_date")
        if verdict := _answered(people, leg):
            return verdict
        if not all(row["is_valid"] for row in theirs):
            return blind("invalid_address")
        return below("not_designated_then" if links else "no_exposure")

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


def tm31(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """A mixer deals with us directly, or behind others in size, or in the amount of a denomination."""

    def weigh(leg: Leg, category: str, row: dict) -> str:
        if category == "unmapped":
            return "unmapped_category"
        if category not in ("mixing", "privacy_protocol"):
            return "no_exposure"
        if row["direct_vendor_count"]:
            return "alerted"
        if row["indirect_usd"] is not None and row["indirect_usd"] >= limits.mixer_indirect:
            return "alerted"
        if leg["asset_code"] == "ETH" and leg["amount"] in limits.denominations:
            return "alerted"
        return "no_valuation" if row["indirect_vendor_count"] and row["indirect_usd"] is None else "below_threshold"

    order = ("unmapped_category", "no_valuation", "below_threshold", "no_exposure")
    return _by_exposure(people, None, weigh, order, None, False)


def tm33(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Direct exposures that are each within the floor of the category are together above it in a month."""

    def weigh(leg: Leg, category: str, row: dict) -> str:
        if category == "unmapped":
            return "unmapped_category"
        if category not in (*ZERO, *HIGH, *MEDIUM):
            return "low_severity_category"
        floor = FLOOR[category]
        if floor == 0 or (row["direct_usd"] or 0) > floor:
            return "outside_band"
        many = row["small_direct_count_30d"] >= limits.small_count
        if row["small_direct_usd"] is not None and many and row["small_direct_usd_30d"] > floor:
            return "alerted"
        return "no_valuation" if row["direct_unvalued_count_30d"] else "below_threshold"

    order = ("unmapped_category", "no_valuation", "below_threshold", "outside_band", "low_severity_category")
    return _by_exposure(people, "direct", weigh, order, "small_direct_usd", True)


def tm34(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Most of a month's outflow goes to self-hosted addresses, or much at once without the proof asked for."""
    rows, rule = features.counterparty(people), features.travel_rule(people)
    use = [leg for leg in counted(people.rows("int_transfer_legs")) if leg["direction_code"] == "out"]
    mine = grouped(
        (leg for leg in use if rows[leg["leg_id"]]["hosting_code"] == "self_hosted"), lambda leg: leg["party_id"]
    )

    def judge(leg: Leg) -> Verdict:
        if verdict := _crypto(leg):
            return verdict
        if leg["direction_code"] != "out":
            return excluded("wrong_direction")
        if not leg["party_id"]:
            return blind("no_kyc")
        row = rows[leg["leg_id"]]
        if row["hosting_code"] != "self_hosted":
            return below("known_service") if row["hosting_code"] == "hosted" else blind("not_screened")
        hidden, usd = row["self_hosted_out_usd_30d"], leg["amount_usd"]
        heavy = hidden >= limits.self_hosted_usd and hidden >= limits.self_hosted_share * row["out_usd_30d"]
        asked = leg["jurisdiction_code"] == "EU" and usd is not None and usd > limits.unproven_usd
        if heavy or (asked and rule[leg["leg_id"]]["travel_rule_status_code"] != "present"):
            return alert(ids(within(mine[leg["party_id"]], leg["event_at"], MONTH)))
        return blind("no_valuation") if usd is None else below()

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


def tm35(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """A month's volume with one kind of high-risk service reaches its limit, or most of everything moved."""
    mine = grouped(counted(people.rows("int_transfer_legs")), lambda leg: leg["party_id"])

    def weigh(leg: Leg, category: str, row: dict) -> str:
        limit, usd = limits.service(category), row["direct_usd_30d"]
        if category == "unmapped":
            return "unmapped_category"
        if limit is None:
            return "no_exposure"
        moved = total(within(mine[leg["party_id"]], leg["event_at"], MONTH)) if leg["party_id"] else None
        most = moved is not None and usd >= limits.service_share_usd and usd >= limits.service_share * moved
        if usd >= limit or most:
            return "alerted"
        return "no_valuation" if row["direct_unvalued_count_30d"] else "below_threshold"

    order = ("unmapped_category", "no_valuation", "below_threshold", "no_exposure")
    return _by_exposure(people, "direct", weigh, order, "direct_vendor_count", True)


def tm36(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Several customers use one device, IP address, bank account or payout address within a month."""
    legs = people.rows("int_transfer_legs")
    own, state, rows = own_transfers(legs), features.hosting(people), features.shared(people)
    users: dict[tuple[str, str], list[Leg]] = {}
    for leg in counted(legs):
        for kind, value in things(leg, state).items():
            if value is not None:
                users.setdefault((kind, value), []).append(leg)

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["transfer_id"] in own:
            return excluded("own_transfer")
        if leg["rail_code"] == "internal":
            return excluded("internal")
        if not leg["party_id"]:
            return blind("no_kyc")
        row = rows[leg["leg_id"]]
        if row["shared_party_count_30d"] is None:
            return blind("no_identifier")
        found: set[str] = set()
        for kind, value in things(leg, state).items():
            if value is not None and row[f"{kind}_party_count_30d"] >= limits.sharing_parties:
                found |= ids(within(users[kind, value], leg["event_at"], MONTH))
        return alert(found) if found else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm37(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Several customers send to one address that no known service holds within a week."""
    rows = features.counterparty(people)
    paid = grouped(
        (
            leg
            for leg in counted(people.rows("int_transfer_legs"))
            if leg["rail_code"] == "crypto" and leg["direction_code"] == "out"
        ),
        lambda leg: leg["counterparty_id"],
    )

    def judge(leg: Leg) -> Verdict:
        if verdict := _crypto(leg):
            return verdict
        if leg["direction_code"] != "out":
            return excluded("wrong_direction")
        if not leg["party_id"]:
            return blind("no_kyc")
        if not leg["counterparty_id"]:
            return blind("no_address")
        if rows[leg["leg_id"]]["hosting_code"] == "hosted":
            return below("known_service")
        seen = within(paid[leg["counterparty_id"]], leg["event_at"], limits.address_window)
        if len({one["party_id"] for one in seen}) < limits.address_parties:
            return below()
        if total(seen) >= limits.address_usd:
            return alert(ids(seen))
        return blind("no_valuation") if leg["amount_usd"] is None else below("below_minimum_amount")

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


def tm43(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """Transfers over a high-risk jurisdiction within a month, by number or by value."""
    rows = features.corridor(people)
    risky = grouped(
        (leg for leg in people.rows("int_transfer_legs") if rows.get(leg["leg_id"], {}).get("is_high_risk")),
        lambda leg: leg["party_id"],
    )

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["rail_code"] == "internal":
            return excluded("internal")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if not leg["party_id"]:
            return blind("no_kyc")
        row = rows[leg["leg_id"]]
        if not row["is_located"]:
            return blind("no_country")
        if not row["is_high_risk"]:
            return below("not_high_risk")
        seen = within(risky[leg["party_id"]], leg["event_at"], MONTH)
        if len(seen) >= limits.corridor_count or total(seen) >= limits.corridor_usd:
            return alert(ids(seen))
        return blind("no_valuation") if leg["amount_usd"] is None else below()

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


def tm44(people, limits: Limits = Limits()) -> dict[str, Verdict]:
    """No complete message stands for a transfer that needs one, a day after it."""
    rows = features.travel_rule(people)

    def judge(leg: Leg) -> Verdict:
        if verdict := _crypto(leg):
            return verdict
        if not leg["party_id"]:
            return blind("no_kyc")
        if rows[leg["leg_id"]]["travel_rule_status_code"] == "present":
            return below("message_complete")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        if leg["amount_usd"] < limits.travel_rule(leg["jurisdiction_code"]):
            return below()
        return alert({leg["transfer_id"]}) if leg["event_at"] + limits.grace <= AS_OF else blind("window_open")

    return {leg["leg_id"]: judge(leg) for leg in people.rows("int_transfer_legs")}


JUDGES: dict[str, Callable] = {
    "TM29": tm29,
    "TM30": tm30,
    "TM31": tm31,
    "TM33": tm33,
    "TM34": tm34,
    "TM35": tm35,
    "TM36": tm36,
    "TM37": tm37,
    "TM43": tm43,
    "TM44": tm44,
}
