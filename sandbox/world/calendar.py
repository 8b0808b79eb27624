"""The world's clock: its first day, its length, the publication days of its lists, and its rhythm over days and
hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from sandbox.world.definitions import DAY, US

# share of a day's activity by hour (UTC), people in Europe mostly; crypto markets sleep less than banks
_HOURS_PEOPLE = np.array([2, 1, 1, 1, 1, 2, 4, 7, 10, 11, 11, 10, 10, 11, 10, 10, 10, 11, 12, 12, 11, 9, 6, 4], float)
_HOURS_MARKET = np.array([5, 4, 4, 4, 4, 4, 5, 6, 7, 8, 8, 8, 8, 10, 11, 11, 10, 9, 9, 9, 9, 8, 7, 6], float)
_WEEK_PEOPLE = np.array([1.15, 1.1, 1.08, 1.05, 1.1, 0.75, 0.7])
_WEEK_FIAT = np.array([1.3, 1.15, 1.1, 1.1, 1.25, 0.35, 0.25])


@dataclass(frozen=True)
class Calendar:
    """`start` is the first day of the ledger; times are int64 microseconds UTC."""

    start: date
    days: int

    @property
    def start_us(self) -> int:
        return int(datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC).timestamp()) * US

    @property
    def end_us(self) -> int:
        return self.start_us + self.days * DAY

    @property
    def publications(self) -> list[date]:
        """Days on which the sanctions list is published: before the world, and at one and two thirds of it."""
        later = {max(1, self.days // 3), max(2, 2 * self.days // 3)} if self.days >= 3 else set()
        return [self.start - timedelta(days=1), *(self.start + timedelta(days=d) for d in sorted(later))]

    def day(self, index: int) -> date:
        return self.start + timedelta(days=int(index))

    def index(self, event: np.ndarray) -> np.ndarray:
        """Day number of event times (0 is the first day)."""
        return (event - self.start_us) // DAY

    def is_weekend(self, index: int) -> bool:
        return self.day(index).weekday() >= 5

    def day_weights(self, fiat: bool, rng: np.random.Generator) -> np.ndarray:
        """Relative activity of each day: the week, slow growth, and days that are simply busier."""
        week = _WEEK_FIAT if fiat else _WEEK_PEOPLE
        weekday = (np.arange(self.days) + self.start.weekday()) % 7
        growth = 1 + 0.15 * np.arange(self.days) / max(self.days, 90)
        return week[weekday] * growth * np.exp(rng.normal(0, 0.12, self.days))

    def times(self, rng: np.random.Generator, first: np.ndarray, fiat: bool, market: bool = False) -> np.ndarray:
        """One event time for each element, at or after `first` (us), following the rhythm of days and hours.

        `first` may lie before the world; an event on the very day of `first` falls after it on that day.
        """
        cumulative = np.concatenate([[0.0], np.cumsum(self.day_weights(fiat, rng))])
        lower = cumulative[np.clip(self.index(first), 0, self.days - 1)]
        position = lower + rng.random(len(first)) * (cumulative[-1] - lower)
        day = np.clip(np.searchsorted(cumulative, position, side="right") - 1, 0, self.days - 1)
        event = self.start_us + day * DAY + time_of_day(rng, len(first), market)
        too_early = event < first
        if too_early.any():
            rest = self.start_us + (day[too_early] + 1) * DAY - first[too_early]
            event[too_early] = first[too_early] + (rng.random(int(too_early.sum())) * (rest - US)).astype(np.int64)
        return event // 1_000 * 1_000  # the ledger keeps milliseconds


def time_of_day(rng: np.random.Generator, count: int, market: bool = False) -> np.ndarray:
    """Microseconds since midnight, following the hours in which people (or markets) are awake."""
    weights = _HOURS_MARKET if market else _HOURS_PEOPLE
    hour = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(count), side="right").astype(np.int64)
    return np.minimum(hour, 23) * 3_600 * US + (rng.random(count) * 3_600 * US).astype(np.int64)


def to_datetime(us: int) -> datetime:
    """Naive UTC datetime of an event time."""
    return datetime(1970, 1, 1) + timedelta(microseconds=int(us))


def iso_z(us: int) -> str:
    return to_datetime(us).isoformat() + "Z"
