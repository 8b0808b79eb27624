"""Customers for the scenarios about amounts: many small legs close together, on and beside every limit.

Their own random stream, so that the legs of `population` stay as they are.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oracles.population import Population

JURISDICTIONS = ("US", "EU", "UK", "SG", "HK", "AE", "OTHER", None)
# on and beside 0.85 and 1.00 of the travel rule's levels, the low-value band, the least amounts, and halves of 10,000
BESIDE = (
    "99.99", "100.00", "109.99", "110.00", "499.99", "500.00", "750.00", "849.99", "850.00", "871.24",
    "871.25", "917.99", "918.00", "999.99", "1000.00", "1024.99", "1025.00", "1079.99", "1080.00",
    "2549.99", "2550.00", "2999.99", "3000.00", "4999.99", "5000.00", "9999.99", "10000.00",
)  # fmt: skip
IBANS = (
    "DE89370400440532013000",
    "FR1420041010050500013M02606",
    "LT121000011101001000",
    "GB33BUKB20201555555555",
    "C7",
)


def _series(population: Population, rng: random.Random, number: int, start: datetime) -> None:
    """One customer who keeps to one habit: a direction, a few amounts, a pace."""
    party, outgoing = f"S{number:03d}", rng.random() < 0.5
    amounts = rng.sample(BESIDE, rng.choice((1, 2, 3)))
    pace = rng.choice((timedelta(hours=1), timedelta(hours=2), timedelta(hours=6), timedelta(hours=24)))
    at = start + timedelta(hours=6 * rng.randrange(40))
    fiat = rng.random() < 0.5
    for step in range(rng.choice((4, 5, 8, 26))):
        turned = rng.random() < 0.15
        side = "out" if outgoing != turned else "in"
        at += pace * rng.choice((0, 1, 1, 1))
        population.leg(
            transfer_id=f"exchange:{'withdrawal' if side == 'out' else 'deposit'}:S{number:03d}-{step:02d}",
            transfer_type_code="withdrawal" if side == "out" else "deposit",
            direction_code=side,
            rail_code="fiat" if fiat else "crypto",
            asset_code=rng.choice(("USD", "USD", "EUR") if fiat else ("USDT", "USDT", "USDT", "BTC", "JUNK")),
            usd=rng.choice(amounts),
            party_id=party,
            account_id=f"A-{party}",
            segment_code="retail",
            jurisdiction_code=JURISDICTIONS[number % len(JURISDICTIONS)],
            event_at=at,
            account_opened_at=start - timedelta(days=400),
            counterparty_id=rng.choice((*IBANS, *(f"R{n}" for n in range(8)))) if rng.random() < 0.95 else None,
            counterparty_address=None if fiat else rng.choice(("0xr1", "0xr2", "0xr3")),
            status_code="completed" if rng.random() < 0.97 else "failed",
        )


def _turnaround(population: Population, rng: random.Random, number: int, start: datetime) -> None:
    """One customer whose money comes and goes: outflow and trade on and beside each limit."""
    party, at = f"R{number:03d}", start + timedelta(days=rng.randrange(20))
    common = {
        "party_id": party,
        "account_id": f"A-{party}",
        "segment_code": "retail",
        "jurisdiction_code": "EU",
        "account_opened_at": start - timedelta(days=400),
    }
    inflow = rng.choice(("4999.99", "5000.00", "8000.00"))
    shares = {"4999.99": ("4999.99",), "5000.00": ("3999.99", "4000.00", "4049.99", "4050.00", "5500.00", "5500.01")}
    hour = timedelta(hours=1)
    after = rng.choice((0 * hour, 6 * hour, 24 * hour, 24 * hour + timedelta(microseconds=1)))
    outflow = rng.choice(shares.get(inflow, ("6399.99", "6400.00", "6480.00", "8800.00")))
    legs = [("in", 0 * hour, inflow), ("out", after, outflow)]
    if rng.random() < 0.3:
        legs.append(("out", 3 * hour, "100.00"))
    if rng.random() < 0.5:
        legs.append(("none", rng.choice((0, 5, 6, 24)) * hour, "50.00"))
    for step, (side, after, usd) in enumerate(legs):
        kind = {"in": "deposit", "out": "withdrawal", "none": "trade"}[side]
        population.leg(
            transfer_id=f"exchange:{kind}:R{number:03d}-{step}",
            transfer_type_code=kind,
            direction_code=side,
            rail_code="trade" if side == "none" else "fiat",
            asset_code="BTC" if side == "none" else "USD",
            usd=usd,
            event_at=at + after,
            counterparty_id="C1",
            **common,
        )


# amounts, how far apart the first and the last are, rail, asset: a habit that just is or just is not one
_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
EDGES = tuple(
    (amounts, span, rail, asset)
    for amounts, days, rail, asset in (
        (["900.00"] * 3, 7, "crypto", "USDT"),
        (["600.00"] * 5, 7, "fiat", "USD"),
        (["500.00"] * 20, 30, "fiat", "USD"),
        (["1000.00"] * 5, 30, "fiat", "USD"),
        (["100.00"] * 5, 1, "fiat", "USD"),
        (["9000.00", "900.00", "100.00"], 1, "fiat", "USD"),
    )
    for span in (days * _DAY, days * _DAY + _MOMENT)
) + (
    ([*["500.00"] * 19, "499.99"], _DAY, "fiat", "USD"),
    (["99.99"] * 5, _DAY, "fiat", "USD"),
    (["1100.01", *["1000.00"] * 4], _DAY, "fiat", "USD"),
    (["5000.00", "5000.00"], _DAY, "fiat", "USD"),
    (["5000.00", "4999.99"], _DAY, "fiat", "USD"),
)


def _edge(population: Population, number: int, start: datetime) -> None:
    """One customer whose habit lies exactly on a limit or just beside it."""
    amounts, span, rail, asset = EDGES[number]
    for step, usd in enumerate(amounts):
        population.leg(
            transfer_id=f"exchange:deposit:E{number:03d}-{step:02d}",
            direction_code="in",
            rail_code=rail,
            asset_code=asset,
            usd=usd,
            party_id=f"E{number:03d}",
            account_id=f"A-E{number:03d}",
            segment_code="retail",
            jurisdiction_code="OTHER",
            event_at=start + timedelta(days=2) + span * step / (len(amounts) - 1),
            account_opened_at=start - timedelta(days=400),
            counterparty_id="C1",
        )


def add(population: Population, start: datetime, seed: int) -> None:
    """Appends about 800 legs of 126 parties from `start` (UTC) on."""
    rng = random.Random(f"amounts {seed}")
    for number in range(56):
        _series(population, rng, number, start)
    for number in range(54):
        _turnaround(population, rng, number, start)
    for number in range(len(EDGES)):
        _edge(population, number, start)
