"""The six scenarios as an analyst would write them down, leg by leg: what the SQL models have to agree with.

Each function takes the rows of a `population` and returns a `Verdict` for every leg. Thresholds are `Limits`, whose
defaults are those of the scenario library; nothing here reads a seed or a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from oracles.features import DAY, HOUR, Leg, counted, own_transfers, previous_activity, screening_states, total

ZERO_FLOOR = ("child_abuse_material", "sanctioned_entity", "terrorist_financing")
HIGH_FLOOR = (
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
MEDIUM_FLOOR = ("mixing", "gambling", "p2p_exchange", "atm", "infrastructure_service", "privacy_protocol")


@dataclass(frozen=True)
class Limits:
    """Amounts in the unit of the scenario (TM01 the currency itself, else USD), spans in hours or days."""

    report_level: Decimal = Decimal(10_000)
    report_currencies: tuple[str, ...] = ("USD", "EUR", "GBP")
    band_low: Decimal = Decimal("0.85")
    band_high: Decimal = Decimal("1.00")
    structuring_count: int = 3
    structuring_hours: int = 168
    pass_through_ratio: Decimal = Decimal("0.90")
    pass_through_inflow: Decimal = Decimal(5_000)
    pass_through_hours: int = 24
    fan_in_senders: int = 5
    fan_in_hours: int = 48
    forwarded_ratio: Decimal = Decimal("0.80")
    forward_hours: int = 48
    dormant_days: int = 180
    dormant_amount: Decimal = Decimal(5_000)

    def floor(self, category: str) -> Decimal | None:
        for names, value in ((ZERO_FLOOR, 0), (HIGH_FLOOR, 1_000), (MEDIUM_FLOOR, 5_000)):
            if category in names:
                return Decimal(value)
        return None


@dataclass(frozen=True)
class Verdict:
    outcome: str
    reason: str
    evidence: frozenset[str] = frozenset()


def excluded(reason: str) -> Verdict:
    return Verdict("excluded", reason)


def blind(reason: str) -> Verdict:
    return Verdict("not_evaluable", reason)


def below(reason: str = "below_threshold") -> Verdict:
    return Verdict("below_threshold", reason)


def alert(evidence: list[str] | set[str]) -> Verdict:
    return Verdict("alerted", "alerted", frozenset(evidence))


def ids(legs: list[Leg]) -> set[str]:
    return {leg["transfer_id"] for leg in legs}


def not_inflow(leg: Leg, own: set[str]) -> Verdict | None:
    """Why a scenario that follows incoming money does not start at this leg; None where it does."""
    if leg["transfer_type_code"] == "trade":
        return excluded("trade")
    if leg["status_code"] != "completed":
        return excluded("not_completed")
    if leg["transfer_id"] in own:
        return excluded("own_transfer")
    if leg["direction_code"] != "in":
        return excluded("wrong_direction")
    return blind("no_kyc") if not leg["party_id"] else None


def tm01(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """n or more fiat transfers of one currency and direction just under the reporting level within the window."""
    low, high = limits.band_low * limits.report_level, limits.band_high * limits.report_level
    use = [leg for leg in counted(legs) if leg["rail_code"] == "fiat" and leg["asset_code"] in limits.report_currencies]
    banded = [leg for leg in use if low <= leg["amount"] < high]

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["rail_code"] != "fiat":
            return excluded("not_fiat")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if not leg["party_id"]:
            return blind("no_kyc")
        if leg["asset_code"] not in limits.report_currencies:
            return blind("no_threshold_for_currency")
        if leg not in banded:
            return below("outside_band")
        line = ("party_id", "asset_code", "direction_code")
        seen = [
            other
            for other in banded
            if all(other[column] == leg[column] for column in line)
            and leg["event_at"] - limits.structuring_hours * HOUR <= other["event_at"] <= leg["event_at"]
        ]
        enough = len(seen) >= limits.structuring_count and total(seen, "amount") >= limits.report_level
        return alert(ids(seen)) if enough else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm06(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """Of what came in at t, at least the ratio went out until t + window."""
    use, own = counted(legs), own_transfers(legs)

    def judge(leg: Leg) -> Verdict:
        if verdict := not_inflow(leg, own):
            return verdict
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        mine = [other for other in use if other["party_id"] == leg["party_id"]]
        came = [other for other in mine if other["direction_code"] == "in" and other["event_at"] == leg["event_at"]]
        until = leg["event_at"] + limits.pass_through_hours * HOUR
        went = [
            other
            for other in mine
            if other["direction_code"] == "out" and leg["event_at"] <= other["event_at"] <= until
        ]
        if total(came) < limits.pass_through_inflow:
            return below("below_minimum_amount")
        return alert(ids(came + went)) if total(went) >= limits.pass_through_ratio * total(came) else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm09(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """n distinct senders paid the account within the window, and most of it left until the forward window closed."""
    use, own = counted(legs), own_transfers(legs)

    def judge(leg: Leg) -> Verdict:
        if verdict := not_inflow(leg, own):
            return verdict
        if not leg["counterparty_id"]:
            return blind("no_counterparty")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        now = leg["event_at"]
        mine = [other for other in use if other["account_id"] == leg["account_id"]]
        came = [
            other
            for other in mine
            if other["direction_code"] == "in" and now - limits.fan_in_hours * HOUR <= other["event_at"] <= now
        ]
        if len({other["counterparty_id"] for other in came} - {None}) < limits.fan_in_senders:
            return below()
        first = min(other["event_at"] for other in came)
        until = now + limits.forward_hours * HOUR
        went = [other for other in mine if other["direction_code"] == "out" and first <= other["event_at"] <= until]
        return alert(ids(came + went)) if total(went) >= limits.forwarded_ratio * total(came) else below()

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm14(legs: list[Leg], limits: Limits = Limits()) -> dict[str, Verdict]:
    """The first movement after the dormancy, if it is large."""
    own = own_transfers(legs)

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["transfer_id"] in own:
            return excluded("own_transfer")
        if not leg["party_id"]:
            return blind("no_kyc")
        last = previous_activity(legs, leg)
        if last is None:
            opened = [other["account_opened_at"] for other in legs if other["party_id"] == leg["party_id"]]
            opened = min((at for at in opened if at), default=None)
            young = opened is not None and leg["event_at"] - opened < limits.dormant_days * DAY
            return below("not_dormant") if young else blind("insufficient_history")
        if leg["event_at"] - last < limits.dormant_days * DAY:
            return below("not_dormant")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        return (
            alert({leg["transfer_id"]}) if leg["amount_usd"] >= limits.dormant_amount else below("below_minimum_amount")
        )

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm28(
    legs: list[Leg], screenings: list[dict], exposures: list[dict], limits: Limits = Limits()
) -> dict[str, Verdict]:
    """Direct exposure above the floor of its category; a floor of zero has no size at all."""
    status = screening_states(screenings)

    def weigh(row: dict) -> tuple[int, str]:
        floor = limits.floor(row["category_code"])
        if floor == 0:
            return 0, "alerted"
        if row["category_code"] == "unmapped":
            return 1, "unmapped_category"
        if floor is None:
            return 4, "low_severity_category"
        if row["exposure_usd"] is None:
            return 2, "no_valuation"
        return (0, "alerted") if row["exposure_usd"] > floor else (3, "below_threshold")

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["rail_code"] != "crypto":
            return excluded("not_crypto")
        mine = [
            row
            for row in exposures
            if row["transfer_id"] == leg["transfer_id"] and row["exposure_type_code"] == "DIRECT"
        ]
        _, reason = min(map(weigh, mine), default=(9, "no_exposure"))
        if reason == "alerted":
            return alert({leg["transfer_id"]})
        if leg["transfer_id"] not in status:
            return blind("not_screened") if leg["status_code"] == "completed" else excluded("not_completed")
        if status[leg["transfer_id"]] != "screened":
            return blind("screening_pending")
        return blind(reason) if reason in ("unmapped_category", "no_valuation") else below(reason)

    return {leg["leg_id"]: judge(leg) for leg in legs}


def tm45(legs: list[Leg], addresses: list[dict], listed: list[dict]) -> dict[str, Verdict]:
    """A counterparty address that was on the list on the day of the transfer."""

    def on_list(address: str, leg: Leg) -> bool:
        return any(
            row["address"] == address
            and row["listed_from_date"] <= leg["event_date"]
            and (row["delisted_on"] is None or leg["event_date"] < row["delisted_on"])
            for row in listed
        )

    def judge(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["rail_code"] != "crypto":
            return excluded("not_crypto")
        mine = [
            row for row in addresses if row["transfer_id"] == leg["transfer_id"] and row["role_code"] == "counterparty"
        ]
        if any(on_list(row["address"], leg) for row in mine):
            return alert({leg["transfer_id"]})
        if not mine:
            return blind("no_address")
        return below("no_hit") if all(row["is_valid"] for row in mine) else blind("invalid_address")

    return {leg["leg_id"]: judge(leg) for leg in legs}
