"""TM01 structuring: fiat amounts kept just under 10,000, three or more within seven days."""

from __future__ import annotations

from sandbox.world.definitions import DAY, DEFAULTS, FAILED, HOUR, US
from sandbox.world.planted.planter import BENIGN, FIRE, LATE, NEAR_MISS, NO_FIRE, PLANTED, Case, Planter

TYPOLOGY = "structuring"
_LOW, _HIGH = DEFAULTS.tm01_low_usd * 100, DEFAULTS.tm01_high_usd * 100


def _amounts(planter: Planter, count: int) -> list[int]:
    return [planter.between(_LOW, _HIGH - 1) for _ in range(count)]


def _series(
    planter: Planter, case: Case, start: int, span: int, amounts: list[int], outward: bool, **last: object
) -> None:
    """First amount at `start`, last exactly `span` later, the others between."""
    inner = sorted(
        int(start + span * (i + planter.rng.random() * 0.6) / len(amounts)) // US * US
        for i in range(1, len(amounts) - 1)
    )
    times = [start, *inner, start + span]
    for number, (at, cents) in enumerate(zip(times, amounts, strict=True)):
        planter.fiat(case, at, cents, outward, **(last if number == len(amounts) - 1 else {}))


def plant(planter: Planter) -> None:
    _positives(planter)
    _near_misses(planter)
    for _ in range(planter.counts(4)):
        party = planter.person(TYPOLOGY, BENIGN, "", company=True)
        if party is None or not planter.fits(4 * DAY, TYPOLOGY, BENIGN, ""):
            continue
        case = planter.case(
            TYPOLOGY, BENIGN, {"TM01": FIRE}, "", "a wholesaler banks its weekly takings; invoices on file", party
        )
        span = 3 * DAY + planter.between(0, 20) * HOUR
        _series(planter, case, planter.anchor(span), span, _amounts(planter, 4), False)


def _positives(planter: Planter) -> None:
    for number in range(planter.variants(12, TYPOLOGY)):
        edge = number % 6 == 1
        span = DEFAULTS.tm01_window - US if edge else planter.between(30, 150) * HOUR
        if not planter.fits(span, TYPOLOGY, PLANTED, "edge" if edge else ""):
            continue
        party = planter.person(TYPOLOGY, PLANTED, "")
        if party is None:
            continue
        count = 3 + number % 3
        amounts = _amounts(planter, count)
        if edge:
            amounts[:2] = [_LOW, _HIGH - 1]  # 8,500.00 and 9,999.99 are inside
        start, note, kind, last = planter.anchor(span), f"{count} amounts in [8,500, 10,000) within 7 days", PLANTED, {}
        if edge:
            note += "; amounts on the edges, last one second before the window ends"
        if number % 6 == 2:
            start = planter.business_hours(start)
            planter.opens_today(party, start)
            note += "; the account opened on the day of the first"
        if number % 6 == 3:
            start = planter.anchor(
                span, last=max(planter.calendar.end_us - 11 * DAY, planter.calendar.start_us + span + DAY)
            )
            delay = planter.late_by(start + span)
            if delay is None:
                planter.skip(TYPOLOGY, LATE, "", "the world is too short for a delivery days later")
            else:
                kind, last, note = LATE, {"delay": delay}, note + f"; the last one is delivered {delay} days late"
        case = planter.case(TYPOLOGY, kind, {"TM01": FIRE}, "edge" if edge else "", note, party)
        _series(planter, case, start, span, amounts, number % 4 == 3, **last)


def _near_misses(planter: Planter) -> None:
    for parameter, note in (
        ("low", "one of three amounts is 8,499.99 or 0.849 of 10,000"),
        ("high", "one of three amounts is 10,000.00"),
        ("count", "two amounts in the band instead of three"),
        ("window", "third amount 7 days and 1 second after the first"),
        ("status", "one of three amounts failed"),
    ):
        for number in range(planter.counts(8)):
            span = DEFAULTS.tm01_window + US if parameter == "window" else planter.between(20, 120) * HOUR
            if not planter.fits(span, TYPOLOGY, NEAR_MISS, parameter):
                break
            party = planter.person(TYPOLOGY, NEAR_MISS, parameter)
            if party is None:
                break
            amounts = _amounts(planter, 2 if parameter == "count" else 3)
            if parameter == "low":
                amounts[1] = _LOW - 1 if number % 2 else 849_000
            elif parameter == "high":
                amounts[1] = _HIGH
            last = {"status": FAILED} if parameter == "status" else {}
            case = planter.case(TYPOLOGY, NEAR_MISS, {"TM01": NO_FIRE}, parameter, note, party)
            _series(planter, case, planter.anchor(span), span, amounts, number % 4 == 3, **last)
