"""Exposures, counterparties and corridors (TM29, TM31, TM33, TM35, TM36, TM37, TM43), each on customers who otherwise
go on as before.

Its own random stream. The vendor's indirect exposure is 30 % of the transfer (see `screening`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.world.definitions import DAY, ETH, ETHEREUM, HOUR, UNIT, US
from sandbox.world.ledger import NO_EXPOSURE
from sandbox.world.planted.planter import FIRE, NEAR_MISS, NO_FIRE, PLANTED, Case, Planter

MIXING, GAMBLING, SCAM = 13, 16, 18
HIGH_RISK_BANK = "IR062960000000100324200001"
WEEK = 7 * DAY


def _exposed(planter: Planter, case: Case, at: int, cents: int, direct: int = NO_EXPOSURE, **more: object) -> None:
    """A deposit from a stranger's wallet that the vendor knows as `direct`. more: columns of the ledger."""
    stranger = planter.parties.take_spare(ETHEREUM)
    named = {"category": direct, "vendor_cents": cents}
    planter.crypto(case, at, cents, False, external=stranger, chain=ETHEREUM, **named | more)


def _tm29(planter: Planter, case: Case, start: int, miss: str) -> None:
    _exposed(planter, case, start, 160_000 if miss else planter.between(340_000, 400_000), indirect=SCAM)


def _tm31(planter: Planter, case: Case, start: int, miss: str) -> None:
    if miss == "indirect":
        _exposed(planter, case, start, 300_000, indirect=MIXING)
    elif miss == "denomination":
        _exposed(planter, case, start, 100_000, indirect=MIXING, asset=ETH, units=UNIT + UNIT // 100)
    elif case.number % 2:
        _exposed(planter, case, start, 100_000, indirect=MIXING, asset=ETH, units=UNIT)
    else:
        _exposed(planter, case, start, planter.between(20_000, 60_000), MIXING)


def _tm33(planter: Planter, case: Case, start: int, miss: str) -> None:
    for number, cents in enumerate((50_000, 50_000 if miss else planter.between(50_001, 60_000))):
        _exposed(planter, case, start + number * 6 * DAY, cents, SCAM)


def _tm35(planter: Planter, case: Case, start: int, miss: str) -> None:
    for number in range(1 if miss else 2):
        _exposed(planter, case, start + number * 6 * DAY, 249_999 if miss else 500_000, GAMBLING)


def _collected(planter: Planter, case: Case, start: int, miss: str) -> None:
    """Customers who send to one stranger within a week."""
    collector = planter.parties.take_spare(ETHEREUM)
    customers = [case.account, *(planter.host() for _ in range(1 if miss == "parties" else 2))]
    span = {"window": WEEK + US}.get(miss, 6 * DAY)
    for number, account in enumerate(customers):
        cents = 33_333 if miss == "amount" else planter.between(40_000, 90_000)
        at = start + span * number // (len(customers) - 1)
        planter.crypto(case, at, cents, True, external=collector, chain=ETHEREUM, category=NO_EXPOSURE, account=account)


def _tm43(planter: Planter, case: Case, start: int, miss: str) -> None:
    cents = 99_999 if miss else planter.between(100_000, 200_000)
    planter.fiat(case, start, cents, outward=True, bank_account=HIGH_RISK_BANK)


@dataclass(frozen=True)
class Typology:
    """How to make a case, what it is in words, and its near misses by parameter: what they are and what they expect."""

    name: str
    scenarios: tuple[str, ...]
    series: Callable[[Planter, Case, int, str], None]
    span: int
    note: str
    misses: dict[str, tuple[str, dict[str, str]]]


_QUIET_36_37 = {"TM36": NO_FIRE, "TM37": NO_FIRE}
TYPOLOGIES = (
    Typology(
        "indirect_exposure", ("TM29",), _tm29, HOUR, "indirect exposure to a scam of more than 1,000",
        {"share": ("indirect exposure of 480.00", {"TM29": NO_FIRE})},
    ),
    Typology(
        "mixing", ("TM31",), _tm31, HOUR, "a small direct deposit from a mixer, or exactly 1 ETH from behind one",
        {"indirect": ("900.00 from behind a mixer", {"TM31": NO_FIRE}),
         "denomination": ("1.01 ETH from behind a mixer", {"TM31": NO_FIRE})},
    ),
    Typology(
        "cumulative_exposure", ("TM33",), _tm33, 6 * DAY, "two deposits from a scam, each within the floor of 1,000",
        {"sum": ("two deposits from a scam, together 1,000.00", {"TM33": NO_FIRE})},
    ),
    Typology(
        "high_risk_services", ("TM35",), _tm35, 6 * DAY, "two deposits of 5,000.00 from a casino",
        {"amount": ("one deposit of 2,499.99 from a casino", {"TM35": NO_FIRE})},
    ),
    Typology(
        "scam_collection", ("TM36", "TM37"), _collected, 6 * DAY, "three customers send to one stranger within a week",
        {"parties": ("two customers send to one stranger", _QUIET_36_37),
         "window": ("the third sends 7 days and a moment after the first", {"TM36": FIRE, "TM37": NO_FIRE}),
         "amount": ("three customers send 999.99 together", {"TM36": FIRE, "TM37": NO_FIRE})},
    ),
    Typology(
        "high_risk_corridor", ("TM43",), _tm43, HOUR, "a withdrawal of at least 1,000 to a bank in Iran",
        {"amount": ("a withdrawal of 999.99 to a bank in Iran", {"TM43": NO_FIRE})},
    ),
)  # fmt: skip


def _plant_one(planter: Planter, typology: Typology, miss: str) -> None:
    note, expect = typology.misses[miss] if miss else (typology.note, dict.fromkeys(typology.scenarios, FIRE))
    kind, span = NEAR_MISS if miss else PLANTED, WEEK + US if miss == "window" else typology.span
    if not planter.fits(span, typology.name, kind, miss):
        return
    case = planter.case(typology.name, kind, expect, miss, note, planter.host())
    typology.series(planter, case, planter.anchor(span), miss)


def plant(planter: Planter) -> None:
    """Positive cases of all typologies first, so that a small world has one of each before it has near misses."""
    planter.rng = planter.streams("planted", "exposures")
    for _ in range(planter.counts(6)):
        for typology in TYPOLOGIES:
            _plant_one(planter, typology, "")
    for _ in range(planter.counts(4)):
        for typology in TYPOLOGIES:
            for miss in typology.misses:
                _plant_one(planter, typology, miss)
