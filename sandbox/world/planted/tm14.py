"""TM14 dormant reactivation: nothing for 180 days or more, then at least 5,000."""

from __future__ import annotations

from sandbox.world.definitions import BTC, DAY, DEFAULTS, HOUR, US
from sandbox.world.planted.planter import BENIGN, FIRE, NEAR_MISS, NO_FIRE, PLANTED, Case, Planter

TYPOLOGY = "dormant_reactivation"
_AMOUNT = DEFAULTS.tm14_amount_usd * 100


def _wake(planter: Planter, case: Case, gap: int, cents: int, crypto: bool) -> None:
    """One transfer `gap` after the last activity the exchange knows of; the account is some years old."""
    # the last activity lies before the first delivered day, so a long world wakes its sleepers early
    latest = min(planter.calendar.end_us, planter.calendar.start_us + gap - DAY)
    at = planter.anchor(HOUR, last=max(latest, planter.calendar.start_us + DAY))
    people, party = planter.people, case.party
    people.last_activity[party] = at - gap
    people.opened[party] = min(int(people.opened[party]), at - gap - planter.between(60, 900) * DAY)
    if crypto:
        planter.crypto(case, at, cents, False, asset=BTC)
    else:
        planter.fiat(case, at, cents)
    case.quiet_from = planter.calendar.start_us - DAY


def plant(planter: Planter) -> None:
    for number in range(planter.counts(12)):
        party = planter.person(TYPOLOGY, PLANTED, "")
        if party is None:
            return
        edge = number % 4 == 1
        gap = DEFAULTS.tm14_dormancy + (0 if edge else planter.between(1, 400) * DAY + planter.between(0, 80_000) * US)
        note = "silent for exactly 180 days" if edge else f"silent for {gap // DAY} days"
        case = planter.case(TYPOLOGY, PLANTED, {"TM14": FIRE}, "edge" if edge else "", note, party)
        _wake(planter, case, gap, planter.between(1_050_000, 6_000_000), number % 3 == 2)
    for parameter, note in (
        ("dormancy", "silent for 180 days less 1 second"),
        ("amount", "long silent, but only 4,999.99"),
    ):
        for _ in range(planter.counts(8)):
            party = planter.person(TYPOLOGY, NEAR_MISS, parameter)
            if party is None:
                break
            case = planter.case(TYPOLOGY, NEAR_MISS, {"TM14": NO_FIRE}, parameter, note, party)
            if parameter == "dormancy":
                _wake(planter, case, DEFAULTS.tm14_dormancy - US, planter.between(1_050_000, 4_000_000), False)
            else:
                _wake(planter, case, DEFAULTS.tm14_dormancy + planter.between(10, 300) * DAY, _AMOUNT - 1, False)
    for _ in range(planter.counts(4)):
        party = planter.person(TYPOLOGY, BENIGN, "")
        if party is None:
            return
        case = planter.case(
            TYPOLOGY, BENIGN, {"TM14": FIRE}, "", "a long-term holder returns after selling a flat; deed on file", party
        )
        _wake(
            planter,
            case,
            DEFAULTS.tm14_dormancy + planter.between(100, 500) * DAY,
            planter.between(2_000_000, 7_500_000),
            False,
        )
