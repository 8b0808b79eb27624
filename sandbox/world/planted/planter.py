"""The hand that plants cases: picks parties and times, appends ledger rows, and remembers what should happen to
each case.

What belongs here: the mechanics all typologies share. What a typology looks like is in its own module beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from sandbox.world.calendar import Calendar
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import (
    BTC,
    DAY,
    ETHEREUM,
    HOUR,
    QUANTUM,
    TRON,
    UNIT,
    US,
    USD,
    USDC,
    USDT,
)
from sandbox.world.people import People
from sandbox.world.prices import Prices
from sandbox.world.streams import Streams

FIRE, NO_FIRE = "fire", "no_fire"
PLANTED, NEAR_MISS, BENIGN, LATE, FAULT = "planted", "near_miss", "benign_look_alike", "late", "data_fault"
QUIET = 4 * DAY  # a dedicated party does nothing else this long before and after its case


@dataclass
class Case:
    """One labelled case. `expect` maps scenario ids to fire/no_fire; `rows` are (table, plant number)."""

    number: int
    kind: str
    typology: str
    expect: dict[str, str]
    parameter: str
    note: str
    party: int
    account: int
    dedicated: bool
    rows: list[tuple[str, int]] = field(default_factory=list)
    start: int = 0
    end: int = 0
    quiet_from: int = 0
    quiet_to: int = 0
    listed: str = ""
    companions: list[int] = field(default_factory=list)  # parties of the case that do nothing else either
    record_ids: list[str] = field(default_factory=list)  # records that are not transfers of the ledger arrays (faults)


@dataclass
class Unplanted:
    """A case that did not fit into a world of this size, and why."""

    typology: str
    kind: str
    parameter: str
    reason: str


class Planter:
    """Plants cases among the background: picks parties that are free, writes their movements, keeps the labels."""

    def __init__(self, people: People, calendar: Calendar, prices: Prices, parties: Counterparties, streams: Streams):
        self.people, self.calendar, self.prices, self.parties = people, calendar, prices, parties
        self.streams, self.rng = streams, streams("planted")
        self.rows: dict[str, list[dict]] = {"transfers": [], "internal": [], "trades": []}
        self.cases: list[Case] = []
        self.unplanted: list[Unplanted] = []
        single = np.ones(people.parties, dtype=bool)
        single[people.account_party[people.parties :]] = False
        settled = (
            (people.opened[: people.parties] < calendar.start_us) & single & (people.level >= 1) & (people.status == 0)
        )
        free = self.rng.permutation(np.flatnonzero(settled))
        self._free = free[: len(free) * 3 // 4].tolist()  # a quarter of a small world stays ordinary
        self._ordinary = free[len(free) * 3 // 4 :].tolist()
        self._hosts: list[int] = []
        self.dedicated: set[int] = set()

    # -- how many, who, when ---------------------------------------------------------------------------------------

    def counts(self, full: int) -> int:
        """Cases of a kind: `full` from 1,500 customers on, fewer in smaller worlds, never none."""
        return max(1, min(full, round(full * self.people.parties / 1_500)))

    def variants(self, full: int, typology: str) -> int:
        """Positive cases: from 100 customers on enough for each variant (edges, opening day, lateness, pending)."""
        if self.people.parties >= 100:
            return max(self.counts(full), 6)
        self.skip(typology, PLANTED, "variants", "fewer than 100 customers: only the plainest positive case is planted")
        return self.counts(full)

    def skip(self, typology: str, kind: str, parameter: str, reason: str) -> None:
        self.unplanted.append(Unplanted(typology, kind, parameter, reason))

    def fits(self, span: int, typology: str, kind: str, parameter: str) -> bool:
        """Whether a case of this span fits into the world's days; notes it when it does not."""
        if span + DAY <= self.calendar.days * DAY:
            return True
        self.skip(typology, kind, parameter, f"needs {span / DAY:.1f} days, the world has {self.calendar.days}")
        return False

    def anchor(self, span: int, first: int | None = None, last: int | None = None) -> int:
        """A whole second in waking hours from which `span` still lies inside the world (and inside [first, last])."""
        low = self.calendar.start_us + 9 * HOUR if first is None else first
        high = self.calendar.end_us - 14 * HOUR - span if last is None else last - span
        at = low + int(self.rng.random() * max(high - low, US))
        return at // US * US

    def business_hours(self, at: int) -> int:
        """The same day at a time between 09:00 and 13:00, so that what follows within hours stays on that day."""
        return at // DAY * DAY + 9 * HOUR + int(self.rng.integers(0, 4 * 3_600)) * US

    def person(
        self,
        typology: str,
        kind: str,
        parameter: str,
        company: bool = False,
        suits: Callable[[int], bool] | None = None,
    ) -> int | None:
        """A party reserved for one case. None (and a note) when the world has no more customers to spare.

        company: preferred where there is one. suits: instead of it, what the party has to be.
        """
        wanted = [p for p in self._free if suits(p)] if suits else []
        if not suits:
            wanted = [p for p in self._free if bool(self.people.is_company[p]) == company] or self._free
        if not wanted:
            self.skip(typology, kind, parameter, "no customer left to plant it on")
            return None
        party = wanted[0]
        self._free.remove(party)
        self.dedicated.add(party)
        self.people.closed[party] = -1
        return party

    def host(self) -> int:
        """A party that keeps its ordinary life and gets one planted transfer more."""
        if not self._hosts:
            self._hosts = [*self._free[::-1], *self._ordinary]
            if not self._hosts:
                self._hosts = [0]
        return self._hosts.pop(0)

    def sender(self) -> int:
        """Main account of an ordinary customer, as the sender of an internal transfer."""
        pool = self._ordinary or [p for p in range(self.people.parties) if p not in self.dedicated] or [0]
        return pool[int(self.rng.integers(0, len(pool)))]

    def persons(self, count: int, typology: str, kind: str, parameter: str) -> list[int] | None:
        """So many parties reserved for one case, on whom nothing was planted yet; None where there are too few."""
        used = {case.party for case in self.cases}
        left = [party for party in self._free if party not in used and not self.people.is_company[party]]
        if len(left) < count:
            self.skip(typology, kind, parameter, "too few customers left to plant it on")
            return None
        chosen = left[:count]
        self._free = [party for party in self._free if party not in chosen]
        self.dedicated.update(chosen)
        self.people.closed[chosen] = -1
        return chosen

    def ordinary(self, count: int, typology: str, kind: str, parameter: str) -> list[int] | None:
        """So many different customers of the calmer half, who go on as before; None where there are too few."""
        weight = self.people.weight
        calm = sorted(self._ordinary, key=lambda party: (float(weight[party]), party))[: (len(self._ordinary) + 1) // 2]
        if len(calm) < count:
            self.skip(typology, kind, parameter, "too few ordinary customers")
            return None
        return [calm[place] for place in self.rng.permutation(len(calm))[:count]]

    def opens_today(self, party: int, at: int) -> None:
        """The account opens on the UTC day of its first transfer, two hours before it."""
        self.people.opened[party] = max(at - 2 * HOUR, at // DAY * DAY)
        self.people.last_activity[party] = -1

    @contextmanager
    def own_stream(self, name: str) -> Iterator[None]:
        """Draws from a stream of this name, so that the cases of other modules stay as they are."""
        shared, self.rng = self.rng, self.streams("planted", name)
        yield
        self.rng = shared

    # -- cases and rows ------------------------------------------------------------------------------------------------

    def case(self, typology: str, kind: str, expect: dict[str, str], parameter: str, note: str, party: int) -> Case:
        made = Case(len(self.cases) + 1, kind, typology, expect, parameter, note, party, party, party in self.dedicated)
        self.cases.append(made)
        return made

    def _append(self, case: Case, table: str, row: dict) -> dict:
        # a tiny world may run out of settled customers: whoever stands in was already a customer then
        if self.people.opened[case.account] > row["event"]:
            self.people.opened[case.account] = row["event"] - DAY
        number = sum(map(len, self.rows.values()))
        row["plant"] = number
        self.rows[table].append(row)
        case.rows.append((table, number))
        case.start = row["event"] if not case.start else min(case.start, row["event"])
        case.end = max(case.end, row["event"])
        case.quiet_from, case.quiet_to = case.start - QUIET, case.end + QUIET
        return row

    def day(self, at: int) -> int:
        return int((at - self.calendar.start_us) // DAY)

    def fiat(self, case: Case, at: int, cents: int, outward: bool = False, asset: int = USD, **more: object) -> dict:
        """A fiat deposit or withdrawal of `cents` in the fiat asset's own minor units."""
        row = {"account": case.account, "asset": asset, "units": cents * (UNIT // 100), "event": at, "outward": outward}
        row["bank_account"] = self.people.bank_account[case.account]
        return self._append(case, "transfers", row | more)

    def crypto(
        self,
        case: Case,
        at: int,
        cents: int,
        outward: bool,
        asset: int = USDC,
        external: int | None = None,
        chain: int | None = None,
        **more: object,
    ) -> dict:
        """A crypto deposit or withdrawal worth `cents` USD: exactly so for USDC, to the rate of the day otherwise."""
        if chain is None:
            chain = 0 if asset == BTC else ETHEREUM if asset != USDT else TRON
        if asset == USDC:
            units = cents * (UNIT // 100)
        else:
            rate = int(self.prices.rate[self.day(at), asset])
            units = max(round(cents * UNIT * (UNIT // 100) / rate) // QUANTUM[asset], 1) * QUANTUM[asset]
        external = int(self.parties.own[chain, case.account]) if external is None else external
        row = {
            "account": case.account,
            "crypto": True,
            "asset": asset,
            "units": units,
            "chain": chain,
            "external": external,
            "event": at,
            "outward": outward,
        }
        return self._append(case, "transfers", row | more)

    def internal(self, case: Case, at: int, cents: int, sender: int, **more: object) -> dict:
        """USDC from another customer's account into the case's account."""
        row = {
            "account": sender,
            "to_account": case.account,
            "asset": USDC,
            "units": cents * (UNIT // 100),
            "event": at,
        }
        return self._append(case, "internal", row | more)

    def trade(self, case: Case, at: int, cents: int, **more: object) -> dict:
        """A purchase of bitcoin for `cents` USD at the day's rate, or what `more` says instead."""
        units = max(round(cents * UNIT * (UNIT // 100) / int(self.prices.rate[self.day(at), BTC])), 1)
        row = {"account": case.account, "asset": BTC, "units": units, "quote": USD, "event": at, "buy": True}
        return self._append(case, "trades", row | {"quote_units": cents * (UNIT // 100)} | more)

    def late_by(self, at: int) -> int | None:
        """3 to 10 days of delay that still fall inside the world, None where they do not."""
        room = min(10, self.calendar.days - 1 - self.day(at))
        return None if room < 3 else int(self.rng.integers(3, room + 1))

    def between(self, low: int, high: int) -> int:
        """A random integer in [low, high]."""
        return int(self.rng.integers(low, high + 1))
