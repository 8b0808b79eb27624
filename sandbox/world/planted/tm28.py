"""TM28 direct exposure: the vendor names a counterparty whose category has a floor, and the amount is above it."""

from __future__ import annotations

from sandbox.world.definitions import (
    BITCOIN,
    BTC,
    DEFAULTS,
    ETHEREUM,
    FLOOR_HIGH_CATEGORIES,
    FLOOR_MEDIUM_CATEGORIES,
    HOUR,
    TRON,
    USDC,
    USDT,
    ZERO_TOLERANCE,
)
from sandbox.world.ledger import NO_EXPOSURE
from sandbox.world.planted.planter import BENIGN, FIRE, NEAR_MISS, NO_FIRE, PLANTED, Planter

TYPOLOGY = "direct_exposure"
_HIGH, _MEDIUM = DEFAULTS.tm28_floor_high_usd * 100, DEFAULTS.tm28_floor_medium_usd * 100
_ASSET = {BITCOIN: BTC, ETHEREUM: USDC, TRON: USDT}


def _exposed(
    planter: Planter,
    kind: str,
    expected: str,
    parameter: str,
    note: str,
    named: int,
    cents: int,
    outward: bool,
    exact: bool = False,
    **more: object,
) -> None:
    """One transfer with a service of a category on some ordinary customer's account."""
    services = planter.parties
    service = services.service_with(named, ETHEREUM)
    chain = ETHEREUM if exact or (service, ETHEREUM) in services.by_service else BITCOIN
    fitting = services.by_service.get((service, chain))
    external = (
        planter.parties.take_spare(chain) if fitting is None else int(fitting[planter.between(0, len(fitting) - 1)])
    )
    # the vendor knows more of a service's addresses than we do: the category comes with the row, not from the address
    case = planter.case(TYPOLOGY, kind, {"TM28": expected}, parameter, note, planter.host())
    planter.crypto(
        case,
        planter.anchor(HOUR),
        cents,
        outward,
        asset=_ASSET[chain],
        chain=chain,
        external=external,
        **({"category": named, "vendor_cents": cents} | more),
    )


def plant(planter: Planter) -> None:
    """Plants direct exposures: zero tolerance of any amount, others above and just below their floor."""
    for number in range(planter.counts(12)):
        category = ZERO_TOLERANCE[number % 3]
        cents = 50 if number % 2 == 0 else planter.between(51, 40_000)
        _exposed(
            planter,
            PLANTED,
            FIRE,
            "zero_tolerance",
            f"{cents / 100:,.2f} USD with category {category}, which has no floor",
            category,
            cents,
            number % 4 == 3,
            exact=True,
        )
    high = [c for c in FLOOR_HIGH_CATEGORIES]
    for number in range(planter.counts(10)):
        category = high[number % len(high)]
        cents = _HIGH + 1 if number % 5 == 1 else planter.between(110_000, 450_000)
        _exposed(
            planter,
            PLANTED,
            FIRE,
            "floor_high",
            f"{cents / 100:,.2f} USD with category {category}, floor 1,000",
            category,
            cents,
            number % 2 == 1,
            exact=number % 5 == 1,
        )
    for number in range(planter.counts(8)):
        category = FLOOR_MEDIUM_CATEGORIES[number % len(FLOOR_MEDIUM_CATEGORIES)]
        _exposed(
            planter,
            PLANTED,
            FIRE,
            "floor_medium",
            f"above 5,000 USD with category {category}, floor 5,000",
            category,
            planter.between(550_000, 900_000),
            False,
        )
    for number in range(planter.counts(8)):
        at_floor = _HIGH if number % 2 else _HIGH - 1
        category = (2, 12, 18, 6, 4)[number % 5]
        _exposed(
            planter,
            NEAR_MISS,
            NO_FIRE,
            "floor_high",
            f"{at_floor / 100:,.2f} USD with category {category}, floor 1,000",
            category,
            at_floor,
            number % 4 == 3,
            exact=True,
        )
    for number in range(planter.counts(8)):
        at_floor = _MEDIUM if number % 2 else _MEDIUM - 1
        category = (16, 19, 24, 30)[number % 4]
        _exposed(
            planter,
            NEAR_MISS,
            NO_FIRE,
            "floor_medium",
            f"{at_floor / 100:,.2f} USD with category {category}, floor 5,000",
            category,
            at_floor,
            False,
            exact=True,
        )
    for number in range(planter.counts(8)):
        category = (3, 2, 12, 23)[number % 4]
        _exposed(
            planter,
            NEAR_MISS,
            NO_FIRE,
            "exposure_type",
            f"category {category}, but only indirectly",
            21,
            planter.between(120_000, 400_000),
            False,
            category=NO_EXPOSURE,
            indirect=category,
        )
    for _ in range(planter.counts(4)):
        _exposed(
            planter,
            BENIGN,
            FIRE,
            "",
            "winnings paid out by a casino licensed where the customer lives; statement on file",
            16,
            planter.between(600_000, 1_800_000),
            False,
        )
