"""TM06 pass-through: at least 5,000 comes in and 90 % or more of it leaves within 24 hours."""

from __future__ import annotations

from sandbox.world.definitions import BTC, DAY, DEFAULTS, ETH, HOUR, US, USDC
from sandbox.world.planted.planter import BENIGN, FIRE, LATE, NEAR_MISS, NO_FIRE, PLANTED, Planter

TYPOLOGY = "pass_through"
_MINIMUM = DEFAULTS.tm06_inflow_usd * 100


def plant(planter: Planter) -> None:
    _positives(planter)
    _near_misses(planter)
    for _ in range(planter.counts(4)):
        party = planter.person(TYPOLOGY, BENIGN, "", company=True)
        if party is None or not planter.fits(2 * DAY, TYPOLOGY, BENIGN, ""):
            continue
        case = planter.case(
            TYPOLOGY, BENIGN, {"TM06": FIRE}, "", "a treasury converts client invoices for a known supplier", party
        )
        start, inflow = planter.anchor(DAY), planter.between(1_200_000, 6_000_000)
        planter.fiat(case, start, inflow)
        planter.crypto(case, start + planter.between(2, 10) * HOUR, inflow * 97 // 100, True)


def _positives(planter: Planter) -> None:
    for number in range(planter.variants(12, TYPOLOGY)):
        if not planter.fits(2 * DAY, TYPOLOGY, PLANTED, ""):
            return
        party = planter.person(TYPOLOGY, PLANTED, "")
        if party is None:
            return
        inflow = _MINIMUM if number % 6 == 1 else planter.between(620_000, 4_400_000)
        start, kind, parameter, late = planter.anchor(DAY), PLANTED, "", {}
        note = f"{inflow / 100:,.2f} in, 0.92 to 0.99 of it out within hours"
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
                kind, late, note = LATE, {"delay": delay}, note + f"; the outflow is delivered {delay} days late"
        elif number % 6 == 5:
            late, note = {"first_pending": True}, note + "; the last outflow is pending first and completed a day later"
        elif number % 6 == 4:
            start = planter.business_hours(
                planter.anchor(DAY, last=max(planter.calendar.end_us - 7 * DAY, planter.calendar.start_us + 2 * DAY))
            )
            planter.opens_today(party, start)
            if planter.late_by(start) is not None:
                planter.people.kyc_delay[party] = planter.late_by(start)
                kind, note = (
                    LATE,
                    note + f"; KYC and account rows are delivered {planter.people.kyc_delay[party]} days late",
                )
        case = planter.case(TYPOLOGY, kind, {"TM06": FIRE}, parameter, note, party)
        planter.fiat(case, start, inflow)
        if number % 6 == 1:  # on the edges: exactly 5,000.00 in, exactly 90 % out, one second inside the window
            case.parameter, case.note = "edge", "5,000.00 in, 4,500.00 out 23:59:59 later"
            planter.crypto(case, start + DAY - US, inflow * 9 // 10, True)
        elif number % 2:
            planter.crypto(
                case, start + planter.between(1, 6) * HOUR, inflow * 60 // 100, True, asset=(BTC, ETH)[number % 3 == 0]
            )
            planter.crypto(
                case, start + planter.between(7, 20) * HOUR, inflow * planter.between(34, 38) // 100, True, **late
            )
        else:
            planter.crypto(
                case,
                start + planter.between(1, 20) * HOUR,
                inflow * planter.between(93, 99) // 100,
                True,
                asset=BTC,
                **late,
            )


def _near_misses(planter: Planter) -> None:
    for parameter, note in (
        ("ratio", "0.899 or 0.8999 of the inflow leaves"),
        ("inflow", "the inflow is 4,999.99"),
        ("window", "the outflow is 24 hours and 1 second after the inflow"),
        ("order", "the money leaves before the money comes"),
    ):
        for number in range(planter.counts(8)):
            if not planter.fits(2 * DAY, TYPOLOGY, NEAR_MISS, parameter):
                break
            party = planter.person(TYPOLOGY, NEAR_MISS, parameter)
            if party is None:
                break
            start, inflow = planter.anchor(DAY + HOUR), planter.between(600, 2_400) * 1_000
            gap, outflow = planter.between(1, 20) * HOUR, inflow * 97 // 100
            if parameter == "ratio":
                outflow = inflow * (8_999 if number % 2 else 8_990) // 10_000
            elif parameter == "inflow":
                inflow = outflow = _MINIMUM - 1
            elif parameter == "window":
                gap = DAY + US
            case = planter.case(TYPOLOGY, NEAR_MISS, {"TM06": NO_FIRE}, parameter, note, party)
            if parameter == "order":
                planter.crypto(case, start, outflow, True)
                planter.fiat(case, start + gap, inflow)
            elif number % 2:
                planter.fiat(case, start, inflow)
                planter.fiat(case, start + gap, outflow, outward=True)
            else:
                planter.crypto(case, start, inflow, False, asset=USDC)
                planter.crypto(case, start + gap, outflow, True, asset=USDC)
