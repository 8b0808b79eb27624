"""Daily reference rates: 1 unit of an asset in USD, as int64 of 1e-8 USD, and the days on which one is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.world.calendar import Calendar
from sandbox.world.definitions import ASSETS, GBP, QUANTUM, UNIT, USD, USDC, USDT
from sandbox.world.streams import Streams

_START = {"BTC": 87_250.0, "ETH": 3_120.0, "EUR": 1.0842, "GBP": 1.2671}
_DAILY_VOLATILITY = {"BTC": 0.022, "ETH": 0.031, "EUR": 0.0035, "GBP": 0.004}


@dataclass
class Prices:
    """`rate[day, asset]` in 1e-8 USD; `missing` lists (day, asset) with no published rate, `broken` those
    published as n/a."""

    rate: np.ndarray
    missing: list[tuple[int, int]]
    broken: list[tuple[int, int]]

    def units(self, usd_cents: np.ndarray, asset: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Amount in 1e-8 of the asset that is worth these cents on that day, rounded to the asset's quantum."""
        raw = usd_cents.astype(float) * (UNIT * 1e6) / self.rate[day, asset]
        quantum = np.asarray(QUANTUM, dtype=np.int64)[asset]
        return np.maximum(np.rint(raw / quantum).astype(np.int64), 1) * quantum

    def cents(self, units: np.ndarray, asset: np.ndarray, day: np.ndarray) -> np.ndarray:
        """USD cents these amounts are worth. Rounded through float: for steering the world, never for a total."""
        return np.rint(units.astype(float) * self.rate[day, asset] / (UNIT * 1e6)).astype(np.int64)


def make_prices(calendar: Calendar, streams: Streams) -> Prices:
    """Draws a daily price path in USD for each asset; stablecoins and fiat stay near their peg or rate."""
    rate = np.empty((calendar.days, len(ASSETS)), dtype=np.int64)
    for column, asset in enumerate(ASSETS):
        rng = streams("prices", asset)
        if column in (USD, USDC):
            rate[:, column] = UNIT
        elif column == USDT:
            rate[:, column] = np.rint((1 + rng.normal(0, 0.0003, calendar.days)) * UNIT).astype(np.int64)
        else:
            steps = rng.standard_t(5, calendar.days) * _DAILY_VOLATILITY[asset] * 0.77
            path = _START[asset] * np.exp(np.cumsum(steps) - steps[0])
            decimals = 100 if asset in ("BTC", "ETH") else 1_000_000
            rate[:, column] = np.rint(path * decimals).astype(np.int64) * (UNIT // decimals)
    weekend = next((d for d in range(2, calendar.days) if calendar.is_weekend(d)), None)
    missing = [] if weekend is None else [(d, GBP) for d in (weekend, weekend + 1) if d < calendar.days]
    broken_day = min(calendar.days - 1, 5 + calendar.days // 2)
    broken = [(broken_day, GBP)] if calendar.days >= 4 and (broken_day, GBP) not in missing else []
    return Prices(rate, missing, broken)
