"""Customers whose behaviour over time reaches every outcome of the scenarios that judge it, with values on and beside
the limits; added to the population of `population`, whose own random numbers stay as they are.

What belongs here: rows only, by the name of what they show. Not here: any rule (see `features_behaviour` and
`scenarios_behaviour`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
START = datetime(2026, 1, 1)
AS_OF = datetime(2026, 2, 11, 2)
CLASSES = {
    "login": "session",
    "password_changed": "credential",
    "two_factor_changed": "credential",
    "email_changed": "contact",
    "withdrawal_address_added": "payout",
}
# Legs a day whose mean is 3 and whose sample deviation is 4, so that 15 is exactly three deviations above
EXACT_DAYS = (15,) * 3 + (2,) + (1,) * 13 + (0,) * 3 + (3,) * 13
# Amounts whose mean is 30,000 and whose sample deviation is 200, so that 30,600 is exactly three deviations above
EXACT_AMOUNTS = ("30400", "29600", "30100", "29900", "30100", "29900", "30000", "30000", "30000", "30000")
BENFORD = (15, 9, 6, 5, 4, 3, 3, 3, 2)


class _Teller:
    """Appends legs, events and profiles of customers to a population."""

    def __init__(self, population) -> None:
        self.population, self.serial = population, 0

    def leg(self, party: str, at: datetime, usd: str, direction: str = "in", **more: object) -> None:
        """One completed USD leg of a retail customer of old standing who lives in France."""
        self.serial += 1
        name = "deposit" if direction == "in" else "withdrawal"
        given = {
            "transfer_id": f"exchange:{name}:B{self.serial:05d}",
            "transfer_type_code": name,
            "rail_code": "fiat",
            "asset_code": "USD",
            "account_id": f"A-{party}",
            "counterparty_id": "C1",
            "segment_code": "retail",
            "jurisdiction_code": "EU",
            "residence_country_code": "FR",
            "party_type_code": "person",
            "account_opened_at": START - 900 * DAY,
        } | more
        self.population.leg(party_id=party, event_at=at, usd=usd, direction_code=direction, **given)

    def event(self, party: str | None, at: datetime, kind: str = "login", country: str | None = "FR", **more: object):
        """One event of behaviour that succeeded and became known two hours after its day."""
        rows = self.population.rows("int_party_behaviour_events")
        rows.append(
            {
                "event_id": f"E{len(rows):04d}",
                "party_id": party,
                "event_type_code": kind,
                "event_class_code": CLASSES[kind],
                "outcome_code": "success",
                "country_code": country,
                "event_at": at,
                "event_date": at.date(),
                "known_at": datetime.combine(at.date(), datetime.min.time()) + 26 * HOUR,
            }
            | more
        )


def _velocity(tell: _Teller) -> None:
    end = START + 35 * DAY

    def burst(party: str, legs: int) -> None:
        for number in range(legs):
            tell.leg(party, end + DAY * number / (legs - 1), "10")

    for party, legs in (("PV0", 15), ("PV1", 14)):
        for day in range(3, 60, 2):
            tell.leg(party, end - day * DAY, "10")
        burst(party, legs)
    for day in range(3, 30, 2):
        tell.leg("PV2", end - day * DAY + HOUR, "10")
    burst("PV2", 15)
    for day in range(40):
        tell.leg("PV3", end - day * DAY, "10")
    burst("PV3", 15)
    # the last leg alone counts: its day is `last`, its history ends two days before
    last = end + 4 * HOUR
    for day, legs in enumerate(EXACT_DAYS[::-1]):
        for number in range(legs):
            tell.leg("PV4", last - (2 + len(EXACT_DAYS) - 1 - day) * DAY + number * SECOND, "10")
    for number in range(15):
        tell.leg("PV4", last + number * SECOND, "10")


def _own_history(tell: _Teller) -> None:
    stories = {
        "PH0": (EXACT_AMOUNTS, "30600"),
        "PH1": (EXACT_AMOUNTS, "30599"),
        "PH2": (("20000",) * 5 + ("2000",) * 5, "30000"),
        "PH3": (("20000",) * 5 + ("2000",) * 5, "29999.99"),
        "PH4": (("25000",) * 10, "26000"),
        "PH5": (("25000",) * 10, "37500"),
        "PH6": (EXACT_AMOUNTS[:9], "99999"),
        "PH7": (("100", "200") * 5, "24999.99"),
    }
    for party, (past, last) in stories.items():
        for number, usd in enumerate(past):
            tell.leg(party, START + number * DAY, usd, "out" if number % 2 else "in")
        tell.leg(party, START + 20 * DAY, last)
        tell.leg(party, START + 20 * DAY, last, "out")


def _peers(tell: _Teller) -> None:
    day = START + 20 * DAY
    for segment, peers in (("institutional", 30), ("trust", 29)):
        more = {"segment_code": segment, "party_type_code": "company"}
        for number in range(peers):
            tell.leg(f"PP-{segment}-{number:02d}", day - DAY - number * HOUR, "60000", **more)
        tell.leg(f"PX-{segment}", day, "300000", **more)
        tell.leg(f"PY-{segment}", day + HOUR, "299999.99", **more)
    more = {"segment_code": "institutional", "party_type_code": "company"}
    tell.leg("PX-institutional", day + DAY, "500000", "out", **more)
    tell.leg("PP-institutional-00", day + DAY, "900000", **more)
    tell.leg("PZ", day + 2 * DAY, "9000000", **more)
    tell.leg("PP-institutional-01", day + 3 * DAY, "3000000", **more)
    tell.leg("PZ", day + 33 * DAY, "300000", **more)


def _newcomers(tell: _Teller) -> None:
    first = START + 10 * DAY
    for party, inflow, outflow, after in (
        ("PN0", "5000", "4000", 2 * DAY),
        ("PN1", "5000", "3999.99", 2 * DAY),
        ("PN2", "5000", "4000", 2 * DAY + SECOND),
        ("PN3", "4999.99", "4999.99", HOUR),
    ):
        tell.leg(party, first, inflow, account_opened_at=first - DAY)
        tell.leg(party, first + after, outflow, "out", account_opened_at=first - DAY)
    for party, usd, age in (
        ("PN4", "25000", 30 * DAY - SECOND),
        ("PN5", "25000", 30 * DAY),
        ("PN6", "24999.99", 29 * DAY),
        ("PN7", "25000", -HOUR),
    ):
        tell.leg(party, first, usd, account_opened_at=first - age)
    tell.leg("PN8", first, "25000", account_opened_at=None)


def _staggered(tell: _Teller) -> None:
    due = AS_OF - 60 * DAY
    even = (5 * DAY,) * 3
    stories = {
        "PS0": (due, even, None),
        "PS1": (due + SECOND, even, None),
        "PS2": (due - 10 * DAY, even, 60 * DAY - SECOND),
        "PS3": (due - 10 * DAY, even, 60 * DAY),
        "PS4": (due - DAY, (4 * DAY, 5 * DAY, 6 * DAY), None),
        "PS5": (due - DAY, (4 * DAY + HOUR, 5 * DAY, 6 * DAY - HOUR), None),
        "PS6": (due - DAY, (DAY,) * 2, None),
        "PS7": (due - DAY, (DAY - SECOND,) * 2, None),
        "PS8": (due - DAY, (15 * DAY,) * 2, None),
        "PS9": (due - DAY, (15 * DAY + SECOND,) * 2, None),
    }
    for party, (last, gaps, silence) in stories.items():
        at = last
        tell.leg(party, at, "10000", "out")
        for gap in gaps:
            at -= gap
            tell.leg(party, at, "10000", "out")
        tell.leg(party, at, "10000", "out")
        tell.leg(party, last - 30 * HOUR, "9999.99", "out")
        if silence:
            tell.leg(party, last + silence, "5")


def _digits(tell: _Teller) -> None:
    for party, digits in (
        ("PB0", (1,) * 25 + (9,) * 25),
        ("PB1", (9,) * 49),
        ("PB2", [digit for digit, count in enumerate(BENFORD, 1) for _ in range(count)]),
    ):
        for number, digit in enumerate(digits):
            tell.leg(party, START + number * 14 * HOUR, f"0.0{digit}" if number % 7 == 3 else f"{digit}5")


def _logins(tell: _Teller) -> None:
    at = START + 30 * DAY
    minute = timedelta(minutes=1)
    # by party: what is sent, and the logins before it as (how long before, country)
    stories = {
        "PL0": ("2500", ((DAY, "RO"),)),
        "PL1": ("2499.99", ((HOUR, "RO"),)),
        "PL2": ("2500", ((DAY + SECOND, "RO"),)),
        "PL3": ("2500", ((DAY, "RO"), (HOUR, "RO"))),
        "PL4": ("2500", ((DAY - SECOND, "RO"), (HOUR, "RO"))),
        "PL5": ("2500", ((9 * DAY, "IR"), (HOUR, "IR"))),
        "PL6": ("2500", ((9 * DAY, "RO"), (6 * HOUR, "FR"), (HOUR, "RO"))),
        "PL7": ("2500", ((9 * DAY, "RO"), (6 * HOUR + SECOND, "FR"), (HOUR, "RO"))),
        "PL8": ("2500", ((HOUR, "RO"), (minute, "FR"))),
        "PL9": ("2500", ((0 * DAY, "RO"), (-SECOND, "FR"))),
        "PLA": ("2500", ((HOUR, None),)),
        "PLB": ("2500", ((HOUR, "FR"), (HOUR, "RO"))),
    }
    for party, (usd, logins) in stories.items():
        tell.leg(party, at, usd, "out")
        tell.leg(party, at, usd)
        for before, country in logins:
            tell.event(party, at - before, country=country)
    tell.leg("PLC", at, "2500", "out")
    tell.event("PLC", at - HOUR, country="RO", outcome_code="failure")
    tell.leg("PLD", at, "2500", "out", residence_country_code=None)
    tell.event("PLD", at - HOUR, country="RO")
    tell.event("PL0", at - HOUR, country="RO", party_id=None)


def _changes(tell: _Teller) -> None:
    at = START + 25 * DAY
    stories = {
        "PC0": ("1000", ((DAY, "password_changed"), (HOUR, "withdrawal_address_added"))),
        "PC1": ("999.99", ((DAY, "password_changed"), (HOUR, "withdrawal_address_added"))),
        "PC2": ("1000", ((DAY + SECOND, "password_changed"), (HOUR, "withdrawal_address_added"))),
        "PC3": ("1000", ((DAY, "password_changed"), (HOUR, "two_factor_changed"))),
        "PC4": ("1000", ((HOUR, "email_changed"), (0 * DAY, "password_changed"), (0 * DAY, "login"))),
        "PC5": ("1000", ((HOUR, "email_changed"), (-SECOND, "password_changed"))),
        "PC6": ("1000", ((90 * DAY, "login"),)),
        "PC7": ("1000", ((90 * DAY + SECOND, "login"),)),
    }
    for party, (usd, changes) in stories.items():
        tell.leg(party, at, usd, "out")
        for before, kind in changes:
            tell.event(party, at - before, kind)
    tell.leg("PC8", at, "1000", "out")
    tell.event("PC8", at - HOUR, "email_changed")
    tell.event("PC8", at - HOUR, "password_changed", outcome_code="blocked")
    late = {"known_at": at + 9 * DAY}
    tell.leg("PC9", at, "1000", "out")
    tell.event("PC9", at - HOUR, "email_changed", **late)
    tell.event("PC9", at - HOUR, "password_changed")


def _elders(tell: _Teller) -> dict[str, date | None]:
    """Returns the dates of birth."""
    at = START + 30 * DAY
    birth = {}

    def customer(party: str, usd: str, born: date | None, opened: timedelta = 30 * DAY - SECOND, **more: object):
        birth[party] = born
        tell.leg(party, at - DAY, usd, account_opened_at=at - opened)
        tell.leg(party, at, usd, "out", account_opened_at=at - opened, **more)

    of_65, of_64 = date(1961, 1, 31), date(1961, 2, 1)
    customer("PE0", "10000", of_65)
    customer("PE1", "10000", of_64)
    customer("PE2", "9999.99", of_65)
    customer("PE3", "10000", of_65, opened=30 * DAY)
    customer("PE4", "10000", None)
    customer("PE5", "10000", None, party_type_code="company")
    customer("PE6", "10000", of_65, counterparty_id=None)
    customer("PE7", "10000", date(1940, 12, 31), opened=20 * DAY)
    tell.leg("PE7", at + HOUR, "20000", "out", account_opened_at=at - 20 * DAY)
    tell.leg("PE7", at + 2 * HOUR, "1", "out", account_opened_at=at - 20 * DAY, counterparty_id="C2")
    return birth


def _incomes(tell: _Teller) -> None:
    at = START + 30 * DAY
    for party, income, usd, segment in (
        ("PI0", "12000", "12000.01", "retail"),
        ("PI1", "12000", "12000", "retail"),
        ("PI2", "9000", "9999.99", "retail"),
        ("PI3", None, "20000", "retail"),
        ("PI4", "0", "20000", "retail"),
        ("PI5", "12000", "24000", "business"),
        ("PI6", "12000", "24000.01", "business"),
    ):
        more = {"declared_annual_income_usd": income and Decimal(income), "segment_code": segment}
        tell.leg(party, at, usd, **more)
    more = {"declared_annual_income_usd": Decimal(12000)}
    for party, before in (("PI7", 90 * DAY), ("PI8", 90 * DAY + SECOND)):
        tell.leg(party, at - before, "6000", **more)
        tell.leg(party, at, "6000.01", **more)
        tell.leg(party, at, "4000", **more)


def _profiles(population, birth: dict[str, date | None]) -> None:
    """One profile that always held for each party of the population; two parties change their segment on a day."""
    seen: dict[str, dict] = {}
    for leg in population.rows("int_transfer_legs"):
        if leg["party_id"]:
            seen.setdefault(leg["party_id"], leg)
    changed = START + 21 * DAY
    for party, leg in sorted(seen.items()):
        spans = [(datetime(1900, 1, 1), datetime(9999, 12, 31), leg["segment_code"])]
        if party in ("PP-institutional-02", "PP-institutional-03"):
            at = changed if party.endswith("2") else changed + HOUR
            spans = [(spans[0][0], at, "institutional"), (at, spans[0][1], "trust")]
        for since, until, segment in spans:
            span = {"party_id": party, "effective_from_at": since, "effective_to_at": until}
            population.rows("int_party_segments").append({**span, "segment_code": segment})
        always = {"party_id": party, "effective_from_at": spans[0][0], "effective_to_at": spans[-1][1]}
        population.rows("int_party_history").append({**always, "birth_date": birth.get(party)})


def add(population) -> None:
    """Adds all of them, and a profile for every party that the population has by now."""
    tell = _Teller(population)
    for story in (_velocity, _own_history, _peers, _newcomers, _staggered, _digits, _logins, _changes, _incomes):
        story(tell)
    _profiles(population, _elders(tell))
