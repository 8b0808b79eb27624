"""The scenarios of behaviour over time as an analyst would write them down, leg by leg; see `scenarios`.

Each function takes a `population` and returns a `Verdict` for every leg. Thresholds are the defaults of the scenario
library; nothing here reads a seed or a model.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from oracles import features_behaviour as measure
from oracles.features import DAY, Leg, counted, grouped, history, own_transfers, total
from oracles.population import AS_OF, Population
from oracles.scenarios import Verdict, alert, below, blind, excluded, ids

SECOND = timedelta(seconds=1)


def _mine(people: Population) -> dict[object, list[Leg]]:
    return grouped(counted(people.rows("int_transfer_legs")), lambda leg: leg["party_id"])


def _judged(people: Population, judge, direction: str | None = None, valued: bool = True) -> dict[str, Verdict]:
    """Verdicts of all legs: what all these scenarios exclude or cannot judge, then `judge`."""
    legs = people.rows("int_transfer_legs")
    own = own_transfers(legs)

    def verdict(leg: Leg) -> Verdict:
        if leg["transfer_type_code"] == "trade":
            return excluded("trade")
        if leg["status_code"] != "completed":
            return excluded("not_completed")
        if leg["transfer_id"] in own:
            return excluded("own_transfer")
        if direction and leg["direction_code"] != direction:
            return excluded("wrong_direction")
        if not leg["party_id"]:
            return blind("no_kyc")
        if valued and leg["amount_usd"] is None:
            return blind("no_valuation")
        return judge(leg)

    return {leg["leg_id"]: verdict(leg) for leg in legs}


def _window(mine: list[Leg], leg: Leg, span: timedelta) -> list[Leg]:
    return [one for one in mine if leg["event_at"] - span <= one["event_at"] <= leg["event_at"]]


def reaches(value: int, past: list[int], zscore: int) -> bool:
    """Whether a value is at least so many sample deviations above the mean of its past, in exact fractions."""
    mean = Fraction(sum(past), len(past))
    variance = sum((one - mean) ** 2 for one in past) / (len(past) - 1)
    return value > mean and (value - mean) ** 2 >= zscore**2 * variance


def tm11(people: Population) -> dict[str, Verdict]:
    """15 or more transfers in 24 hours, three deviations above the party's own days."""
    mine = _mine(people)

    def judge(leg: Leg) -> Verdict:
        seen = _window(mine[leg["party_id"]], leg, DAY)
        if len(seen) < 15:
            return below()
        by_day = grouped(mine[leg["party_id"]], lambda one: one["event_date"])
        past = [leg["event_date"] - timedelta(days=back) for back in range(2, 92)]
        counts = [len(by_day.get(day, ())) for day in past if day >= min(by_day)]
        if len(counts) < 30:
            return blind("insufficient_history")
        if len(set(counts)) == 1:
            return blind("no_variance")
        return alert(ids(seen)) if reaches(len(seen), counts, 3) else below()

    return _judged(people, judge, valued=False)


def tm12(people: Population) -> dict[str, Verdict]:
    """A large transfer, three deviations above the party's own or half as much again as its largest."""
    known = history(people.rows("int_transfer_legs"))

    def judge(leg: Leg) -> Verdict:
        row, amount = known[leg["leg_id"]], leg["amount_usd"]
        if amount < (25_000 if leg["segment_code"] == "retail" else 100_000):
            return below("below_minimum_amount")
        if row["history_status_code"] == "insufficient_history":
            return blind("insufficient_history")
        zscore = row["amount_zscore_90d"]
        if (zscore is not None and zscore >= 3) or amount >= Decimal("1.5") * row["history_max_usd_90d"]:
            return alert({leg["transfer_id"]})
        return blind("no_variance") if zscore is None else below()

    return _judged(people, judge)


def tm13(people: Population) -> dict[str, Verdict]:
    """A month's turnover five times that of the segment's mean and among its top hundredth."""
    mine, known = _mine(people), measure.peers(people)

    def judge(leg: Leg) -> Verdict:
        row = known[leg["leg_id"]]
        if not leg["segment_code"]:
            return blind("no_kyc")
        if row["turnover_usd_30d"] < (100_000 if leg["segment_code"] == "retail" else 250_000):
            return below("below_minimum_amount")
        if row["peer_count"] < 30:
            return blind("no_peers")
        many = row["turnover_usd_30d"] * row["peer_count"] >= 5 * row["peer_turnover_usd_30d"]
        if many and row["turnover_usd_30d"] >= row["peer_p99_usd_30d"]:
            return alert(ids(_window(mine[leg["party_id"]], leg, 30 * DAY)))
        return below()

    return _judged(people, judge)


def tm15(people: Population) -> dict[str, Verdict]:
    """A customer of less than 30 days turns over much, or sends the first money on within two days."""
    mine, known = _mine(people), measure.profile(people)

    def judge(leg: Leg) -> Verdict:
        row = known[leg["leg_id"]]
        if row["first_opened_at"] is None:
            return blind("insufficient_history")
        if leg["event_at"] - row["first_opened_at"] >= 30 * DAY:
            return below("not_new")
        seen = _window(mine[leg["party_id"]], leg, 30 * DAY)
        came = total(one for one in seen if one["direction_code"] == "in")
        went = total(one for one in seen if one["direction_code"] == "out")
        early = row["first_inflow_at"] is not None and leg["event_at"] - row["first_inflow_at"] < 2 * DAY + SECOND
        moved = leg["direction_code"] == "out" and early and came >= 5_000 and went >= Decimal("0.8") * came
        limit = 25_000 if leg["segment_code"] == "retail" else 100_000
        return alert(ids(seen)) if came + went >= limit or moved else below()

    return _judged(people, judge)


def tm16(people: Population) -> dict[str, Verdict]:
    """Three or more large transfers at regular intervals of days, then 60 days of silence."""
    mine = _mine(people)

    def judge(leg: Leg) -> Verdict:
        if not measure.is_large(leg):
            return below("below_minimum_amount")
        beats = measure.large_instants(mine[leg["party_id"]], leg)
        gaps = [(b - a) // SECOND for a, b in zip(beats, beats[1:], strict=False)]
        if len(beats) < 3:
            return below()
        mean = Fraction(sum(gaps), len(gaps))
        variance = sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1)
        if mean < 86_400 or variance >= Fraction(1, 25) * mean**2:
            return below()
        after = measure.next_activity(people, leg)
        if (after or max(AS_OF, leg["event_at"])) - leg["event_at"] < 60 * DAY:
            return below("not_silent") if after else blind("window_open")
        series = [one for one in mine[leg["party_id"]] if one["direction_code"] == leg["direction_code"]]
        return alert(ids([one for one in _window(series, leg, 30 * DAY) if measure.is_large(one)]))

    return _judged(people, judge)


def tm19(people: Population) -> dict[str, Verdict]:
    """Fifty or more amounts of a month whose first digits are not Benford's."""
    mine = _mine(people)

    def judge(leg: Leg) -> Verdict:
        seen = _window(mine[leg["party_id"]], leg, 30 * DAY)
        digits = [digit for digit in map(measure.first_digit, seen) if digit]
        if len(digits) < 50:
            return blind("insufficient_history")
        return alert(ids(seen)) if measure.chi_square(digits) >= 15.507 else below()

    return _judged(people, judge, valued=False)


def tm38(people: Population) -> dict[str, Verdict]:
    """Value leaves after a login from abroad that is high risk, new, or too far from another one."""

    def judge(leg: Leg) -> Verdict:
        if leg["amount_usd"] < 2_500:
            return below("below_minimum_amount")
        if not leg["residence_country_code"]:
            return blind("no_kyc")
        recent = measure.logins(measure.succeeded(people, leg, 24))
        if not recent:
            return blind("no_behaviour")
        country = max(recent, key=lambda one: (one["event_at"], one["event_id"]))["country_code"]
        if country == leg["residence_country_code"]:
            return below()
        before = measure.logins(measure.succeeded(people, leg, 900 * 24))
        is_new = all(leg["event_at"] - one["event_at"] < DAY for one in before if one["country_code"] == country)
        places = {one["country_code"] for one in measure.logins(measure.succeeded(people, leg, 6))}
        suspicious = country in measure.HIGH_RISK or is_new or len(places) >= 2
        return alert({leg["transfer_id"]}) if suspicious else below()

    return _judged(people, judge, "out")


def tm39(people: Population) -> dict[str, Verdict]:
    """Value leaves within a day of two kinds of change to the profile."""

    def judge(leg: Leg) -> Verdict:
        if leg["amount_usd"] < 1_000:
            return below("below_minimum_amount")
        if not measure.succeeded(people, leg, 90 * 24):
            return blind("no_behaviour")
        kinds = {one["event_class_code"] for one in measure.succeeded(people, leg, 24)} & set(measure.CHANGES)
        return alert({leg["transfer_id"]}) if len(kinds) >= 2 else below()

    return _judged(people, judge, "out")


def tm40(people: Population) -> dict[str, Verdict]:
    """An elderly customer sends much in the first month, to somebody not paid before."""
    mine, known = _mine(people), measure.profile(people)

    def judge(leg: Leg) -> Verdict:
        if not leg["party_type_code"]:
            return blind("no_kyc")
        if leg["party_type_code"] != "person":
            return excluded("not_a_person")
        if not leg["counterparty_id"]:
            return blind("no_counterparty")
        if leg["amount_usd"] is None:
            return blind("no_valuation")
        row = known[leg["leg_id"]]
        if row["first_opened_at"] is None:
            return blind("insufficient_history")
        if leg["event_at"] - row["first_opened_at"] >= 30 * DAY:
            return below("not_new")
        if row["customer_age_years"] is None:
            return blind("no_birth_date")
        sent = [one for one in _window(mine[leg["party_id"]], leg, 30 * DAY) if one["direction_code"] == "out"]
        if row["customer_age_years"] >= 65 and total(sent) >= 10_000 and row["is_new_counterparty"]:
            return alert(ids(sent))
        return below()

    return _judged(people, judge, "out", valued=False)


def tm41(people: Population) -> dict[str, Verdict]:
    """Three months of inflow above the declared annual income (twice of it for companies)."""
    mine = _mine(people)

    def judge(leg: Leg) -> Verdict:
        came = [one for one in _window(mine[leg["party_id"]], leg, 90 * DAY) if one["direction_code"] == "in"]
        if total(came) < 10_000:
            return below("below_minimum_amount")
        income = leg["declared_annual_income_usd"]
        if not income:
            return blind("no_declared_income")
        return alert(ids(came)) if total(came) > (2 if leg["segment_code"] == "business" else 1) * income else below()

    return _judged(people, judge, "in")


JUDGES = {
    "TM11": tm11,
    "TM12": tm12,
    "TM13": tm13,
    "TM15": tm15,
    "TM16": tm16,
    "TM19": tm19,
    "TM38": tm38,
    "TM39": tm39,
    "TM40": tm40,
    "TM41": tm41,
}
