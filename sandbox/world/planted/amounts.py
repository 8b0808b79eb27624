"""The typologies about amounts: TM02-TM05, TM07, TM08, TM10, TM17, TM18, each a short series of movements.

What belongs here: what the series look like, and which one step takes them out of their scenario. Customers are silent
beside their case, because windows reach up to 30 days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.world.definitions import DAY, ETHEREUM, HOUR, US
from sandbox.world.people import COUNTRY_CODES
from sandbox.world.planted.planter import FIRE, NEAR_MISS, NO_FIRE, PLANTED, Planter

FIAT, COIN, TRADE = "fiat", "coin", "trade"
LONGEST = 8 * DAY  # of all series
_EU = ("DE", "FR", "NL", "ES", "IT", "AT", "IE", "LT")
_TRAVEL_RULE_USD = {"US": 3_000, "GB": 1_080, "AE": 953, "SG": 1_110, **dict.fromkeys(_EU, 1_080)}
_TRAVEL_RULE_ELSEWHERE_USD = 1_000


@dataclass(frozen=True)
class Step:
    """One movement `after` the start (us): cents in USD, rail, direction; `stranger` numbers an unknown wallet."""

    after: int
    cents: int
    rail: str = FIAT
    outward: bool = False
    stranger: int | None = None


def _evenly(amounts: list[int], span: int, **more: object) -> list[Step]:
    """Amounts from the start on, the last one exactly `span` later."""
    steps = max(len(amounts) - 1, 1)
    return [Step(span * number // steps // US * US, cents, **more) for number, cents in enumerate(amounts)]


def _between(planter: Planter, count: int, low: int, high: int) -> list[int]:
    return [planter.between(low, high) for _ in range(count)]


def _tm02(planter: Planter, party: int, miss: str) -> list[Step]:
    level = _TRAVEL_RULE_USD.get(COUNTRY_CODES[planter.people.country[party]], _TRAVEL_RULE_ELSEWHERE_USD) * 100
    amounts = _between(planter, 3, level * 86 // 100, level - 1)
    if miss == "high":
        amounts[1] = level
    return _evenly(amounts, 7 * DAY + US if miss == "window" else 5 * DAY, rail=COIN, outward=True)


def _tm03(planter: Planter, party: int, miss: str) -> list[Step]:
    count = 19 if miss == "count" else 20
    amounts = [49_999] * count if miss == "sum" else _between(planter, count, 110_000, 180_000)
    return _evenly(amounts, 8 * DAY)


def _tm04(planter: Planter, party: int, miss: str) -> list[Step]:
    amounts = _between(planter, 4 if miss == "count" else 5, 50_000, 99_999)
    if miss == "high":
        amounts[1] = 100_000
    return _evenly(amounts, 5 * DAY)


def _tm05(planter: Planter, party: int, miss: str) -> list[Step]:
    amounts = {"sum": [333_333] * 3, "single": [50_000, 1_000_000, 50_000]}.get(miss)
    return _evenly(amounts or _between(planter, 3, 350_000, 450_000), 10 * HOUR)


def _tm07(planter: Planter, party: int, miss: str) -> list[Step]:
    inflow = planter.between(6_000, 9_000) * 100
    half = inflow * 42 // 100
    rest = inflow * 80 // 100 - 1 - half if miss == "ratio" else half
    trade = [Step(3 * HOUR, inflow // 2, TRADE)] if miss == "trade" else []
    return [Step(0, inflow), *trade, Step(5 * HOUR, half, COIN, True), Step(9 * HOUR, rest, COIN, True)]


def _tm08(planter: Planter, party: int, miss: str) -> list[Step]:
    inflow = planter.between(6_000, 9_000) * 100
    outflow = inflow * 81 // 100 - 1 if miss == "commission" else inflow * planter.between(85, 89) // 100
    return [Step(0, inflow), Step(DAY + US if miss == "window" else 11 * HOUR, outflow, COIN, True)]


def _tm10(planter: Planter, party: int, miss: str) -> list[Step]:
    count = 6 if miss == "distinct" else 5
    steps = _evenly(_between(planter, count, 10_000, 40_000), 8 * HOUR + US if miss == "window" else 6 * HOUR)
    return [
        Step(step.after, step.cents, COIN, True, number % 4 if miss == "distinct" else number)
        for number, step in enumerate(steps)
    ]


def _tm17(planter: Planter, party: int, miss: str) -> list[Step]:
    others = [] if miss == "count" else _between(planter, 4 if miss == "share" else 2, 20_001, 39_999)
    thousands = [planter.between(1, 3) * 100_000 for _ in range(4 if miss == "count" else 3)]
    return _evenly(others + thousands, 8 * DAY)


def _tm18(planter: Planter, party: int, miss: str) -> list[Step]:
    amounts = _between(planter, 4 if miss == "count" else 5, 150_000, 155_000)
    if miss == "tolerance":
        amounts[2] = 134_999
    return _evenly(amounts, 20 * HOUR, rail=COIN)


@dataclass(frozen=True)
class Typology:
    """A scenario's series: how to make it, what it is in words, and the near misses by parameter."""

    name: str
    series: Callable[[Planter, int, str], list[Step]]
    note: str
    misses: dict[str, str]


TYPOLOGIES = {
    "TM02": Typology(
        "travel_rule_structuring", _tm02, "three crypto withdrawals just under the travel rule's level within 5 days",
        {"high": "one of three is worth the level itself", "window": "the third comes 7 days and 1 second later"},
    ),
    "TM03": Typology(
        "many_small", _tm03, "20 deposits of 1,100 to 1,800 within 8 days",
        {"count": "19 deposits", "sum": "20 deposits of 499.99, together 9,999.80"},
    ),
    "TM04": Typology(
        "low_value_band", _tm04, "five deposits of 500 to 999.99 within 5 days",
        {"count": "four deposits", "high": "one of five is 1,000.00"},
    ),
    "TM05": Typology(
        "aggregation", _tm05, "three deposits within 10 hours, together over 10,000",
        {"sum": "together 9,999.99", "single": "one of three is 10,000.00 by itself"},
    ),
    "TM07": Typology(
        "deposit_withdraw_no_trade", _tm07, "0.84 of a deposit leaves within 9 hours, and no trade",
        {"ratio": "a cent less than 0.80 leaves", "trade": "a trade between"},
    ),
    "TM08": Typology(
        "mirroring", _tm08, "a deposit leaves again in one amount, 0.85 to 0.89 of it",
        {"commission": "a cent less than 0.81 of it leaves", "window": "it leaves 24 hours and 1 second later"},
    ),
    "TM10": Typology(
        "fan_out", _tm10, "five receivers within 6 hours",
        {"distinct": "six payments, but to four receivers", "window": "the fifth is paid 8 hours and 1 second later"},
    ),
    "TM17": Typology(
        "round_amounts", _tm17, "three of five deposits are whole thousands",
        {"share": "three of seven", "count": "four deposits, all of them"},
    ),
    "TM18": Typology(
        "same_amount", _tm18, "five crypto deposits of 1,500 to 1,550 within 20 hours",
        {"count": "four deposits", "tolerance": "one of five is 1,349.99"},
    ),
}  # fmt: skip


def _plant_one(planter: Planter, scenario: str, miss: str) -> None:
    """One case on one customer, unless no customer is left or the world is too short."""
    typology = TYPOLOGIES[scenario]
    kind, expected = (NEAR_MISS, NO_FIRE) if miss else (PLANTED, FIRE)
    if not planter.fits(LONGEST, typology.name, kind, miss):
        return
    party = planter.person(typology.name, kind, miss)
    if party is None:
        return
    steps = typology.series(planter, party, miss)
    note = typology.misses[miss] if miss else typology.note
    case = planter.case(typology.name, kind, {scenario: expected}, miss, note, party)
    start, wallets = planter.anchor(steps[-1].after), {}
    for step in steps:
        at = start + step.after
        if step.rail == FIAT:
            planter.fiat(case, at, step.cents, step.outward)
        elif step.rail == TRADE:
            planter.trade(case, at, step.cents)
        elif step.stranger is None:
            planter.crypto(case, at, step.cents, step.outward)
        else:
            if step.stranger not in wallets:
                wallets[step.stranger] = planter.parties.take_spare(ETHEREUM)
            planter.crypto(case, at, step.cents, step.outward, external=wallets[step.stranger])
    case.quiet_from, case.quiet_to = planter.calendar.start_us - DAY, planter.calendar.end_us + DAY


def plant(planter: Planter) -> None:
    """Positive cases of all scenarios first, so that a small world has one of each before it has near misses."""
    with planter.own_stream("amounts"):
        for _ in range(planter.counts(6)):
            for scenario in TYPOLOGIES:
                _plant_one(planter, scenario, "")
        for _ in range(planter.counts(4)):
            for scenario, typology in TYPOLOGIES.items():
                for miss in typology.misses:
                    _plant_one(planter, scenario, miss)
