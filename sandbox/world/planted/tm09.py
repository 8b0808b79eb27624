"""TM09 fan-in: five or more distinct senders into one account within two days, and 80 % or more of it sent on.

Totals stay under 5,000 USD, so that a fan-in is never a pass-through (TM06) as well.
"""

from __future__ import annotations

from sandbox.world.definitions import DAY, DEFAULTS, ETHEREUM, HOUR, US
from sandbox.world.planted.planter import BENIGN, FIRE, LATE, NEAR_MISS, NO_FIRE, PLANTED, Case, Planter

TYPOLOGY = "fan_in"


def _collect(planter: Planter, case: Case, times: list[int], amounts: list[int], internal: bool, distinct: int) -> None:
    """One inflow at each time; from `distinct` different senders in turn."""
    wallets = [planter.parties.take_spare(ETHEREUM) for _ in range(distinct)]
    customers: list[int] = []
    while internal and len(customers) < distinct:
        sender = planter.sender()
        if sender not in customers:
            customers.append(sender)
        elif len(planter.people.account_party) < 40 * distinct:
            internal = False  # a tiny world has too few other customers to collect from
    for number, (at, cents) in enumerate(zip(times, amounts, strict=True)):
        if internal and number % 2:
            planter.internal(case, at, cents, customers[number % distinct])
        else:
            planter.crypto(case, at, cents, False, external=wallets[number % distinct])


def _forward(planter: Planter, case: Case, at: int, cents: int, **more: object) -> None:
    planter.crypto(case, at, cents, True, external=planter.parties.take_spare(ETHEREUM), **more)


def _spread(planter: Planter, start: int, span: int, count: int) -> list[int]:
    inner = sorted(start + int(planter.rng.integers(1, max(span // US, 2))) * US for _ in range(count - 2))
    return [start, *inner, start + span]


def plant(planter: Planter) -> None:
    _positives(planter)
    _near_misses(planter)
    for _ in range(planter.counts(4)):
        party = planter.person(TYPOLOGY, BENIGN, "", company=True)
        if party is None or not planter.fits(2 * DAY, TYPOLOGY, BENIGN, ""):
            continue
        case = planter.case(
            TYPOLOGY, BENIGN, {"TM09": FIRE}, "", "a shop collects from its customers and settles the same day", party
        )
        start, count = planter.anchor(DAY), planter.between(6, 9)
        amounts = [planter.between(9_000, 42_000) for _ in range(count)]
        _collect(planter, case, _spread(planter, start, 10 * HOUR, count), amounts, False, count)
        _forward(planter, case, start + 12 * HOUR, sum(amounts) * 95 // 100)


def _positives(planter: Planter) -> None:
    for number in range(planter.variants(12, TYPOLOGY)):
        if not planter.fits(2 * DAY, TYPOLOGY, PLANTED, ""):
            return
        party = planter.person(TYPOLOGY, PLANTED, "")
        if party is None:
            return
        count = 5 if number % 6 == 1 else planter.between(5, 9)
        amounts = [planter.between(200, 500) * 100 for _ in range(count)]
        total, start, kind, late, parameter = sum(amounts), planter.anchor(DAY), PLANTED, {}, ""
        note = f"{count} senders within a day, most of it sent on"
        if number % 6 == 2:
            start = planter.business_hours(start)
            planter.opens_today(party, start)
            note += "; the account opened that day"
        elif number % 6 == 3:
            start = planter.anchor(
                DAY, last=max(planter.calendar.end_us - 11 * DAY, planter.calendar.start_us + 3 * DAY)
            )
            delay = planter.late_by(start + DAY)
            if delay is None:
                planter.skip(TYPOLOGY, LATE, "", "the world is too short for a delivery days later")
            else:
                kind, late, note = LATE, {"delay": delay}, note + f"; what is sent on is delivered {delay} days late"
        out = total * planter.between(83, 98) // 100
        if number % 6 == 1:
            parameter, note, out = "edge", "5 senders, exactly 0.80 sent on", total * 80 // 100
        case = planter.case(TYPOLOGY, kind, {"TM09": FIRE}, parameter, note, party)
        # every amount is a multiple of 1.00, so 80 % is a whole number of cents
        _collect(
            planter,
            case,
            _spread(planter, start, 14 * HOUR, count),
            amounts,
            number % 2 == 0 and number % 6 != 2,
            count,
        )
        _forward(planter, case, start + 14 * HOUR + planter.between(1, 8) * HOUR, out, **late)


def _near_misses(planter: Planter) -> None:
    for parameter, note in (
        ("senders", "four senders"),
        ("distinct", "six inflows, but from four senders"),
        ("window", "the fifth sender pays 48 hours and 1 second after the first"),
        ("share", "0.799 of it is sent on"),
    ):
        for number in range(planter.counts(8)):
            span = DEFAULTS.tm09_window + US if parameter == "window" else planter.between(8, 16) * HOUR
            if not planter.fits(span + 8 * HOUR, TYPOLOGY, NEAR_MISS, parameter):
                break
            party = planter.person(TYPOLOGY, NEAR_MISS, parameter)
            if party is None:
                break
            count = {"senders": 4, "distinct": 6}.get(parameter, 5)
            amounts = [planter.between(20, 50) * 1_000 for _ in range(count)]
            total, start = sum(amounts), planter.anchor(span + 8 * HOUR)
            out = total * 799 // 1_000 if parameter == "share" else total * 95 // 100
            case = planter.case(TYPOLOGY, NEAR_MISS, {"TM09": NO_FIRE}, parameter, note, party)
            times = _spread(planter, start, span, count)
            _collect(planter, case, times, amounts, number % 2 == 1 and parameter != "distinct", 4 if count != 5 else 5)
            _forward(planter, case, start + span + planter.between(1, 6) * HOUR, out)
