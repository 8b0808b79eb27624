"""What the features of behaviour over time mean, as plain loops: the definition the SQL has to equal, column by column.

Input: a `population`. Output: columns by leg_id (`activity`: by party and day). Conventions as in `features`.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from oracles.features import DAY, HOUR, Leg, counted, grouped, total
from oracles.population import AS_OF, Population

LARGE = Decimal(10_000)
CHANGES = ("credential", "contact", "device", "payout")
HIGH_RISK = ("IR", "KP", "MM")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _segment(people: Population, party: str, day: date) -> str | None:
    """Segment of a party at the end of a UTC day."""
    end = _midnight(day) + DAY
    for row in people.rows("int_party_segments"):
        if row["party_id"] == party and row["effective_from_at"] < end <= row["effective_to_at"]:
            return row["segment_code"]
    return None


def activity(people: Population) -> dict[tuple[str, date], dict]:
    """One row for each party and each day from its first counted leg to the last day of all."""
    use = counted(people.rows("int_transfer_legs"))
    last = max(leg["event_date"] for leg in use)
    result = {}
    for party, mine in grouped(use, lambda leg: leg["party_id"]).items():
        by_day = grouped(mine, lambda leg: leg["event_date"])
        first = min(by_day)
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            legs = by_day.get(day, [])
            past = [day - timedelta(days=back) for back in range(2, 92) if day - timedelta(days=back) >= first]
            counts = [len(by_day.get(one, ())) for one in past]
            month = [leg for back in range(30) for leg in by_day.get(day - timedelta(days=back), ())]
            result[party, day] = {
                "segment_code": _segment(people, party, day),
                "in_count": sum(leg["direction_code"] == "in" for leg in legs),
                "out_count": sum(leg["direction_code"] == "out" for leg in legs),
                "in_amount_usd": total(leg for leg in legs if leg["direction_code"] == "in"),
                "out_amount_usd": total(leg for leg in legs if leg["direction_code"] == "out"),
                "unvalued_count": sum(leg["amount_usd"] is None for leg in legs),
                "history_days_90d": len(counts),
                "history_leg_count_90d": sum(counts),
                "history_leg_count_squares_90d": sum(count * count for count in counts),
                "turnover_usd_30d": total(month),
            }
    return result


def nearest_rank(values: list[Decimal], percent: int) -> Decimal | None:
    """The smallest value that at least so many per cent of the values do not exceed; None of no values."""
    return sorted(values)[max(math.ceil(percent * len(values) / 100), 1) - 1] if values else None


def peers(people: Population) -> dict[str, dict]:
    days = grouped(activity(people).items(), lambda item: item[0][1])
    use = counted(people.rows("int_transfer_legs"))
    parties = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        now = leg["event_at"]
        others = [
            row["turnover_usd_30d"]
            for (party, _), row in days.get(leg["event_date"] - timedelta(days=1), ())
            if party != leg["party_id"]
            and row["segment_code"] == leg["segment_code"]
            and leg["segment_code"]
            and row["turnover_usd_30d"] > 0
        ]
        result[leg["leg_id"]] = {
            "turnover_usd_30d": total(
                other for other in parties[leg["party_id"]] if now - 30 * DAY <= other["event_at"] <= now
            ),
            "peer_count": len(others),
            "peer_turnover_usd_30d": sum(others, Decimal(0)),
            "peer_mean_usd_30d": (sum(others) / len(others)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            if others
            else None,
            "peer_p95_usd_30d": nearest_rank(others, 95),
            "peer_p99_usd_30d": nearest_rank(others, 99),
        }
    return result


def profile(people: Population) -> dict[str, dict]:
    legs = people.rows("int_transfer_legs")
    use = counted(legs)
    parties = grouped(use, lambda leg: leg["party_id"])
    everything = grouped(legs, lambda leg: leg["party_id"])
    birth = {row["party_id"]: row["birth_date"] for row in people.rows("int_party_history")}
    result = {}
    for leg in use:
        now, mine = leg["event_at"], parties[leg["party_id"]]
        opened = min(
            (one["account_opened_at"] for one in everything[leg["party_id"]] if one["account_opened_at"]), default=None
        )
        ins = [one for one in mine if one["direction_code"] == "in" and one["event_at"] <= now]
        first = min((one["event_at"] for one in ins), default=None)
        born, income = birth.get(leg["party_id"]), leg["declared_annual_income_usd"]
        inflow = total(one for one in ins if one["event_at"] >= now - 90 * DAY)
        met = any(
            one["direction_code"] == leg["direction_code"]
            and one["counterparty_id"] == leg["counterparty_id"]
            and one["event_at"] < now
            for one in mine
        )
        result[leg["leg_id"]] = {
            "first_opened_at": opened,
            "account_age_days": None if opened is None else max((now - opened).days, 0),
            "first_inflow_at": first,
            "seconds_since_first_inflow": None if first is None else (now - first) // timedelta(seconds=1),
            "customer_age_years": None
            if born is None
            else now.year - born.year - ((now.month, now.day) < (born.month, born.day)),
            "is_new_counterparty": None if leg["counterparty_id"] is None else not met,
            "inflow_usd_90d": inflow,
            "inflow_to_income_ratio_90d": (inflow / income).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            if income
            else None,
        }
    return result


def is_large(leg: Leg) -> bool:
    return leg["amount_usd"] is not None and leg["amount_usd"] >= LARGE


def next_activity(people: Population, leg: Leg) -> datetime | None:
    """The party's next completed movement or trade after the instant of a leg."""
    return min(
        (
            other["event_at"]
            for other in people.rows("int_transfer_legs")
            if other["party_id"] == leg["party_id"]
            and other["status_code"] == "completed"
            and other["event_at"] > leg["event_at"]
        ),
        default=None,
    )


def large_instants(mine: list[Leg], leg: Leg) -> list[datetime]:
    """Distinct instants of large legs of the leg's direction in the 30 days up to it."""
    now = leg["event_at"]
    return sorted(
        {
            one["event_at"]
            for one in mine
            if is_large(one)
            and one["direction_code"] == leg["direction_code"]
            and now - 30 * DAY <= one["event_at"] <= now
        }
    )


def cadence(people: Population) -> dict[str, dict]:
    use = counted(people.rows("int_transfer_legs"))
    parties = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        beats = large_instants(parties[leg["party_id"]], leg) if is_large(leg) else []
        gaps = [(b - a) // timedelta(seconds=1) for a, b in zip(beats, beats[1:], strict=False)]
        after = next_activity(people, leg)
        result[leg["leg_id"]] = {
            "is_large": is_large(leg),
            "large_count_30d": len(beats),
            "first_large_at_30d": beats[0] if beats else None,
            "gap_count_30d": len(gaps),
            "gap_seconds_30d": sum(gaps),
            "gap_squares_30d": sum(gap * gap for gap in gaps),
            "next_activity_at": after,
            "silent_days_next": ((after or max(AS_OF, leg["event_at"])) - leg["event_at"]).days,
        }
    return result


def first_digit(leg: Leg) -> str | None:
    amount = leg["amount"]
    return f"{amount:E}"[0] if amount else None


def chi_square(digits: list[str | None]) -> float:
    """Of first digits against Benford's law."""
    known = [digit for digit in digits if digit]
    if not known:
        return 0.0
    expected = {str(digit): len(known) * math.log10(1 + 1 / digit) for digit in range(1, 10)}
    return sum((known.count(digit) - share) ** 2 / share for digit, share in expected.items())


def benford(people: Population) -> dict[str, dict]:
    use = counted(people.rows("int_transfer_legs"))
    parties = grouped(use, lambda leg: leg["party_id"])
    result = {}
    for leg in use:
        now = leg["event_at"]
        seen = [first_digit(one) for one in parties[leg["party_id"]] if now - 30 * DAY <= one["event_at"] <= now]
        result[leg["leg_id"]] = {
            "first_digit": first_digit(leg),
            "digit_count_30d": sum(digit is not None for digit in seen),
            "benford_chi_square_30d": chi_square(seen),
        } | {f"digit_{digit}_count_30d": seen.count(str(digit)) for digit in range(1, 10)}
    return result


def succeeded(people: Population, leg: Leg, hours: float) -> list[dict]:
    """Events of the leg's party that succeeded within so many hours up to it."""
    return [
        event
        for event in people.rows("int_party_behaviour_events")
        if event["party_id"] == leg["party_id"]
        and event["outcome_code"] == "success"
        and leg["event_at"] - hours * HOUR <= event["event_at"] <= leg["event_at"]
    ]


def logins(events: list[dict]) -> list[dict]:
    return [event for event in events if event["event_type_code"] == "login" and event["country_code"]]


def behaviour(people: Population) -> dict[str, dict]:
    result = {}
    for leg in counted(people.rows("int_transfer_legs")):
        row = {"behaviour_event_count_90d": len(succeeded(people, leg, 90 * 24))}
        for hours in (24, 48):
            made = [one for one in succeeded(people, leg, hours) if one["event_class_code"] in CHANGES]
            row[f"change_count_{hours}h"] = len(made)
            row[f"changed_class_count_{hours}h"] = len({one["event_class_code"] for one in made})
            row[f"first_change_at_{hours}h"] = min((one["event_at"] for one in made), default=None)
        entries = logins(succeeded(people, leg, 24))
        last = max(entries, key=lambda one: (one["event_at"], one["event_id"]), default=None)
        country = last and last["country_code"]
        ever = [one["event_at"] for one in logins(succeeded(people, leg, 24 * 900)) if one["country_code"] == country]
        lives = leg["residence_country_code"]
        row |= {
            "login_count_24h": len(entries),
            "last_login_at_24h": last and last["event_at"],
            "last_login_country_code_24h": country,
            "is_login_abroad_24h": country != lives if country and lives else None,
            "is_login_high_risk_24h": country in HIGH_RISK if country else None,
            "login_country_known_days": (leg["event_at"] - min(ever)).days if country else None,
            "login_country_count_6h": len({one["country_code"] for one in logins(succeeded(people, leg, 6))}),
            "behaviour_known_at_48h": max((one["known_at"] for one in succeeded(people, leg, 48)), default=None),
        }
        result[leg["leg_id"]] = row
    return result


FAMILIES = {"peers": peers, "profile": profile, "cadence": cadence, "benford": benford, "behaviour": behaviour}
