"""Behaviour over time (TM11, TM12, TM13, TM15, TM16, TM40): a burst, one large transfer, a turnover beyond the peers',
a new account emptied, large payments at a beat and then silence, an elderly newcomer paying out.

Its own random stream, and parties that the typologies before it left over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from sandbox.world.calendar import to_datetime
from sandbox.world.definitions import DAY, DEFAULTS, HOUR, US
from sandbox.world.planted.planter import FIRE, NEAR_MISS, NO_FIRE, PLANTED, Case, Planter

BURST, LARGE, PEERS, SURGE, BEAT, ELDER = (
    "velocity",
    "large_against_history",
    "peer_deviation",
    "new_account_surge",
    "staggered_payments",
    "elder_surge",
)
_PEERS_NEEDED = 200  # customers from which on every segment that is planted in has enough active peers


def plant(planter: Planter) -> None:
    planter.rng = planter.streams("planted", "over_time")
    for scenario, typology, full, near_misses, story in (
        ("TM11", BURST, 8, ("count",), _burst),
        ("TM12", LARGE, 8, ("amount", "ratio"), _large),
        ("TM13", PEERS, 4, ("turnover",), _beyond_peers),
        ("TM15", SURGE, 8, ("ratio", "inflow", "window"), _surge),
        ("TM16", BEAT, 8, ("silence", "regularity", "count"), _beat),
        ("TM40", ELDER, 8, ("age", "outflow", "tenure"), _elder),
    ):
        for parameter in ("", *near_misses):
            kind = NEAR_MISS if parameter else PLANTED
            expect = {scenario: NO_FIRE if parameter else FIRE}
            for number in range(planter.counts(full)):
                if not story(planter, typology, kind, parameter, expect, number):
                    break


def _case(
    planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], span: int, note: str
) -> Case | None:
    """A case on a retail person whom nothing was planted on yet; None (and a note) where world or people do not do."""
    if not planter.fits(span, typology, kind, parameter):
        return None
    people, used = planter.people, {case.party for case in planter.cases}
    suits: Callable[[int], bool] = lambda p: not people.is_company[p] and people.segment[p] == 0 and p not in used  # noqa: E731
    party = planter.person(typology, kind, parameter, suits=suits)
    return None if party is None else planter.case(typology, kind, expect, parameter, note, party)


def _burst(planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], number: int) -> bool:
    legs = DEFAULTS.tm11_count - 1 if parameter else DEFAULTS.tm11_count + number % 4
    span = (DEFAULTS.tm11_history_days + 6) * DAY
    case = _case(planter, typology, kind, parameter, expect, span, f"{legs} deposits in a day after a quiet month")
    if case is None:
        return False
    first = planter.anchor(span)
    for week in range(5):
        planter.fiat(case, first + week * 7 * DAY, planter.between(4_000, 20_000))
    start = first + (DEFAULTS.tm11_history_days + 4) * DAY
    for leg in range(legs):
        planter.fiat(case, start + leg * HOUR, planter.between(3_000, 15_000))
    return True


def _large(planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], number: int) -> bool:
    amount = DEFAULTS.tm12_amount_usd * 100 + (0 if number % 4 == 1 else planter.between(0, 4_000_000))
    if parameter == "amount":
        amount = DEFAULTS.tm12_amount_usd * 100 - 1
    elif parameter == "ratio":
        amount = DEFAULTS.tm12_amount_usd * 100
    note = f"{amount / 100:,.2f} after a dozen deposits of hundreds"
    if parameter == "ratio":
        note = "25,000.00 after a dozen deposits of up to 20,000"
    case = _case(planter, typology, kind, parameter, expect, 15 * DAY, note)
    if case is None:
        return False
    start = planter.anchor(14 * DAY)
    for day in range(12):
        wide = 2_000_000 if day % 2 else 200_000
        planter.fiat(case, start + day * DAY, wide if parameter == "ratio" else planter.between(20_000, 90_000))
    planter.fiat(case, start + 13 * DAY, amount)
    if parameter == "ratio":  # among months of small movements it would be many deviations above the usual
        case.quiet_from = planter.calendar.start_us - DAY
    return True


def _beyond_peers(
    planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], number: int
) -> bool:
    if planter.people.parties < _PEERS_NEEDED:
        planter.skip(typology, kind, parameter, "too few customers to be compared with")
        return False
    half = DEFAULTS.tm13_turnover_usd * 50 if parameter else planter.between(17_000_000, 25_000_000)
    note = f"{2 * half / 100:,.2f} in within a week"
    case = _case(planter, typology, kind, parameter, expect, 12 * DAY, note)
    if case is None:
        return False
    start = planter.anchor(7 * DAY, first=planter.calendar.start_us + 5 * DAY)
    planter.fiat(case, start, half)
    planter.fiat(case, start + 6 * DAY, half - (1 if parameter else 0))
    if parameter:  # the month around the case holds nothing else
        case.quiet_from, case.quiet_to = start - 31 * DAY, start + 37 * DAY
    return True


def _surge(planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], number: int) -> bool:
    inflow = DEFAULTS.tm15_inflow_usd * 100 + (0 if number % 4 == 1 else planter.between(10_000, 300_000))
    gap = planter.between(26, 47) * HOUR
    outflow = inflow * DEFAULTS.tm15_ratio_pct // 100 if number % 4 == 1 else inflow * planter.between(81, 88) // 100
    if parameter == "ratio":
        outflow = inflow * DEFAULTS.tm15_ratio_pct // 100 - 1
    elif parameter == "inflow":
        inflow, outflow = DEFAULTS.tm15_inflow_usd * 100 - 1, DEFAULTS.tm15_inflow_usd * 86
    elif parameter == "window":
        gap = DEFAULTS.tm15_window + US
    elif number % 4 == 1:
        gap = DEFAULTS.tm15_window
    note = f"{inflow / 100:,.2f} in on the day of opening, {outflow / 100:,.2f} out {gap / HOUR:.2f} hours later"
    case = _case(planter, typology, kind, parameter, expect, 5 * DAY, note)
    if case is None:
        return False
    start = planter.business_hours(planter.anchor(4 * DAY))
    planter.opens_today(case.party, start)
    planter.fiat(case, start, inflow)
    planter.crypto(case, start + gap, outflow, True)
    return True


def _beat(planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], number: int) -> bool:
    silence, gaps = DEFAULTS.tm16_silence, [3 * DAY + planter.between(-6, 6) * HOUR // 2 for _ in range(4)]
    if parameter == "regularity":
        gaps = [DAY, 6 * DAY, 2 * DAY, 4 * DAY]
    elif parameter == "count":
        gaps = gaps[:1]
    span = sum(gaps) + silence + 2 * DAY
    note = f"{len(gaps) + 1} large withdrawals three days apart, then nothing for {silence // DAY} days and more"
    if parameter == "silence":
        note = "large withdrawals three days apart, but a small deposit a day before the silence has lasted"
    case = _case(planter, typology, kind, parameter, expect, span, note)
    if case is None:
        return False
    at = planter.calendar.start_us + planter.between(10, 20) * HOUR // US * US
    for gap in (0, *gaps):
        at += gap
        planter.crypto(case, at, DEFAULTS.tm16_amount_usd * 100 + planter.between(0, 90_000), True)
    if parameter == "silence":
        planter.fiat(case, at + silence - DAY, 5_000)
    case.quiet_from, case.quiet_to = planter.calendar.start_us - DAY, planter.calendar.end_us + DAY
    return True


def _elder(planter: Planter, typology: str, kind: str, parameter: str, expect: dict[str, str], number: int) -> bool:
    outflow = DEFAULTS.tm40_outflow_usd * 100 + (0 if number % 4 == 1 else planter.between(0, 150_000))
    if parameter == "outflow":
        outflow = DEFAULTS.tm40_outflow_usd * 100 - 1
    age = DEFAULTS.tm40_age_years if number % 4 == 1 or parameter == "age" else planter.between(66, 88)
    note = f"aged {age}, {outflow / 100:,.2f} out in the first month"
    if parameter == "age":
        note = f"65 on the day after; {outflow / 100:,.2f} out in the first month"
    case = _case(planter, typology, kind, parameter, expect, 7 * DAY, note)
    if case is None:
        return False
    start, people = planter.business_hours(planter.anchor(6 * DAY)), planter.people
    at = start + 4 * DAY
    tomorrow = parameter == "age"
    people.birth[case.party] = _born(to_datetime(at + DAY if tomorrow else at).date(), age, tomorrow)
    if parameter == "tenure":
        people.opened[case.party] = min(int(people.opened[case.party]), at - 31 * DAY)
    else:
        planter.opens_today(case.party, start)
    planter.fiat(case, start, outflow + 150_000)
    planter.crypto(case, at, outflow, True)
    # on a later birthday, or with what goes out in the rest of the month, a near miss would be a case
    case.quiet_from, case.quiet_to = start - 31 * DAY, start + 31 * DAY
    return True


def _born(birthday: date, years: int, later: bool) -> np.datetime64:
    """The date of birth of whom turns so many years old on a day; 29 February moves to the day after or before."""
    if (birthday.month, birthday.day) == (2, 29):
        birthday += timedelta(days=1 if later else -1)
    return np.datetime64(birthday.replace(year=birthday.year - years))
