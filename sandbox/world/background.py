"""What the ordinary population does: fiat in and out, crypto in and out, transfers between customers, trades.

Counts, assets, amounts and times only. The rules that keep the population from looking like the planted cases are
in `calm`.
"""

from __future__ import annotations

import numpy as np

from sandbox.world.calendar import Calendar
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import (
    BITCOIN,
    BTC,
    CANCELLED,
    COMPLETED,
    ETH,
    ETHEREUM,
    EUR,
    FAILED,
    GBP,
    TRON,
    UNIT,
    USD,
    USDC,
    USDT,
    category_floor_usd,
)
from sandbox.world.ledger import Movements, movements
from sandbox.world.people import People
from sandbox.world.prices import Prices
from sandbox.world.streams import Streams

# movements per customer and day; 5,000 customers over 90 days make about 250,000
RATES = {"fiat": 0.1645, "crypto": 0.0492, "internal": 0.1, "trade": 0.2445}


class Background:
    """Draws each kind of movement for the accounts that may have any."""

    def __init__(self, people: People, calendar: Calendar, prices: Prices, parties: Counterparties, streams: Streams):
        self.people, self.calendar, self.prices, self.parties, self.streams = people, calendar, prices, parties, streams
        home = np.array([{"EUR": EUR, "GBP": GBP}.get(c, USD) for c in people.income_ccy])
        self.home_asset = home[people.account_party]
        weight = people.weight[people.account_party].copy()
        weight[people.parties :] *= 0.4
        exists = np.clip((self.calendar.end_us - people.opened) / (self.calendar.days * 86_400e6), 0, 1)
        self.weight = weight * np.where(people.level[people.account_party] == 0, 0.05, 1.0) * exists

    def _accounts(self, rng: np.random.Generator, kind: str) -> np.ndarray:
        count = round(RATES[kind] * self.people.parties * self.calendar.days)
        if self.weight.sum() == 0:
            return np.empty(0, dtype=np.int64)
        edges = np.cumsum(self.weight) / self.weight.sum()
        return np.minimum(np.searchsorted(edges, rng.random(count), side="right"), self.people.accounts - 1)

    def _cents(
        self, rng: np.random.Generator, account: np.ndarray, spread: float, cap: int, scale: float
    ) -> np.ndarray:
        """Heavy-tailed USD cents around the account holder's own scale; people like round numbers."""
        base = self.people.scale[self.people.account_party[account]] * scale
        usd = np.minimum(
            base * np.exp(rng.normal(0, spread, len(account))), cap * (0.7 + 0.3 * rng.random(len(account)))
        )
        usd = np.maximum(usd, 5)
        magnitude = 10.0 ** np.floor(np.log10(usd))
        rounded = np.rint(usd / magnitude * 2) / 2 * magnitude
        return np.rint(np.where(rng.random(len(account)) < 0.55, rounded, usd) * 100).astype(np.int64)

    def _status(self, rng: np.random.Generator, count: int) -> np.ndarray:
        draw = rng.random(count)
        return np.where(draw < 0.978, COMPLETED, np.where(draw < 0.991, FAILED, CANCELLED)).astype(np.int8)

    def fiat(self) -> Movements:
        rng = self.streams("background", "fiat")
        account = self._accounts(rng, "fiat")
        count = len(account)
        event = self.calendar.times(rng, self.people.opened[account], fiat=True)
        outward = rng.random(count) < 0.36
        asset = np.where(rng.random(count) < 0.9, self.home_asset[account], EUR).astype(np.int8)
        business = self.people.segment[self.people.account_party[account]] == 2
        cents = self._cents(rng, account, 0.95, 260_000, 1.0)
        cents = np.where(business, cents, np.minimum(cents, 4_000_000))
        units = cents * (UNIT // 100)  # a fiat amount is round in its own currency, not in USD
        return movements(
            count,
            account=account,
            asset=asset,
            units=units,
            event=event,
            outward=outward,
            status=self._status(rng, count),
            bank_account=self.people.bank_account[account],
            first_pending=outward & (rng.random(count) < 0.012),
        )

    def crypto(self) -> Movements:
        rng = self.streams("background", "crypto")
        account = self._accounts(rng, "crypto")
        count = len(account)
        event = self.calendar.times(rng, self.people.opened[account], fiat=False, market=True)
        outward = rng.random(count) < 0.52
        asset = np.array([BTC, ETH, USDT, USDC], dtype=np.int8)[np.searchsorted([0.4, 0.65, 0.9], rng.random(count))]
        on_tron = (asset == USDT) & (rng.random(count) < 0.4)
        chain = np.where(asset == BTC, BITCOIN, np.where(on_tron, TRON, ETHEREUM)).astype(np.int8)
        cents = self._cents(rng, account, 1.15, 190_000, 1.3)
        units = self.prices.units(cents, asset, self.calendar.index(event))
        draw = rng.random(count)
        own = np.where(outward, draw < 0.58, draw < 0.38)
        home = ~own & np.where(outward, draw < 0.86, draw < 0.86)
        external = np.where(own, self.parties.own[chain, account], self.parties.home[chain, account])
        elsewhere = np.flatnonzero(~own & ~home)
        external[elsewhere] = self._services(rng, chain[elsewhere], cents[elsewhere], external[elsewhere])
        status = self._status(rng, count)
        return movements(
            count,
            account=account,
            crypto=np.ones(count, bool),
            asset=asset,
            units=units,
            chain=chain,
            external=external,
            event=event,
            outward=outward,
            status=status,
            first_pending=outward & (rng.random(count) < 0.015),
            indirect=np.where(rng.random(count) < 0.004, rng.choice([2, 4, 13, 16, 18], count), -1),
        )

    def _services(
        self, rng: np.random.Generator, chain: np.ndarray, cents: np.ndarray, fallback: np.ndarray
    ) -> np.ndarray:
        """A service's address for each row; where the amount would exceed the category's floor, nearly always the
        fallback.

        Customers do deal with casinos and kiosks; that the ordinary ones stay under the floors keeps the alert
        rate sane.
        """
        out = fallback.copy()
        for number in range(3):
            rows = np.flatnonzero(chain == number)
            services = [
                s for s, share in enumerate(self.parties.share) if share and (s, number) in self.parties.by_service
            ]
            shares = self.parties.share[services]
            chosen = rng.choice(len(services), len(rows), p=shares / shares.sum())
            floors = [category_floor_usd(self.parties.category[s]) for s in services]
            floor = np.array([np.iinfo(np.int64).max if f is None else f * 100 for f in floors], dtype=np.int64)[chosen]
            quiet = (cents[rows] * 10 < floor // 10 * 92) | (rng.random(len(rows)) < 0.25)
            table = np.stack([self.parties.by_service[s, number] for s in services])
            picked = table[chosen, rng.integers(0, table.shape[1], len(rows))]
            out[rows] = np.where(quiet, picked, fallback[rows])
        return out

    def internal(self) -> Movements:
        """Between customers who know each other: everyone pays the same two people, so everyone is paid by two at
        most."""
        rng = self.streams("background", "internal")
        account = self._accounts(rng, "internal")
        account = account[account < self.people.parties]
        circle = rng.permutation(self.people.parties)
        place = np.empty_like(circle)
        place[circle] = np.arange(len(circle))
        step = np.where(rng.random(len(account)) < 0.7, 1, 2)
        to = circle[(place[account] + step) % len(circle)]
        count = len(account)
        first = np.maximum(self.people.opened[account], self.people.opened[to])
        event = self.calendar.times(rng, first, fiat=False)
        asset = np.array([USDT, USDC, BTC, ETH, EUR], dtype=np.int8)[
            np.searchsorted([0.4, 0.58, 0.76, 0.9], rng.random(count))
        ]
        cents = np.minimum(self._cents(rng, account, 0.9, 2_000, 0.35), 200_000)
        units = self.prices.units(cents, asset, self.calendar.index(event))
        return movements(
            count,
            account=account,
            to_account=to,
            asset=asset,
            units=units,
            event=event,
            status=self._status(rng, count),
        )

    def trades(self) -> Movements:
        rng = self.streams("background", "trades")
        account = self._accounts(rng, "trade")
        count = len(account)
        event = self.calendar.times(rng, self.people.opened[account], fiat=False, market=True)
        day = self.calendar.index(event)
        base = np.array([BTC, ETH, USDC, USDT], dtype=np.int8)[np.searchsorted([0.5, 0.82, 0.9], rng.random(count))]
        quote = np.where(rng.random(count) < 0.25, USDT, self.home_asset[account]).astype(np.int8)
        quote[(quote == USDT) & (base == USDT)] = USDC
        units = self.prices.units(self._cents(rng, account, 1.1, 150_000, 0.8), base, day)
        value = units.astype(float) * self.prices.rate[day, base] / self.prices.rate[day, quote]
        value *= 1 + rng.normal(0, 0.006, count)
        quantum = np.where(quote <= USDC, 100, UNIT // 100)
        quote_units = np.maximum(np.rint(value / quantum).astype(np.int64), 1) * quantum
        return movements(
            count,
            account=account,
            asset=base,
            units=units,
            quote=quote,
            quote_units=quote_units,
            event=event,
            buy=rng.random(count) < 0.55,
        )
