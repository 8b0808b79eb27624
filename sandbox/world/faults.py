"""Data faults: records a loader must reject with a reason, written into CSV files only (a typed Parquet column
cannot hold them).

Every fault is labelled in the truth folder, and the source's own control totals know it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

import pyarrow as pa

from sandbox.world.calendar import Calendar, time_of_day, to_datetime
from sandbox.world.definitions import DAY, UNIT, US
from sandbox.world.landing import Odd
from sandbox.world.people import NONE, People
from sandbox.world.streams import Streams

BAD_AMOUNTS = ("12,5O0.00", "1.2.3", "n/a")
BAD_ASSETS = ("???", "")
BAD_TIMES = ("2026-13-45 99:00:00", "yesterday")


@dataclass
class Fault:
    """One planted data fault: the record, its delivery day and whether a loader has to reject it."""

    table: str
    day: int
    record_id: str
    what: str
    rejected: bool
    account: int


@dataclass
class Faults:
    """Faulted lines by (table, delivery day), and their labels."""

    lines: dict[tuple[str, int], list[Odd]] = field(default_factory=dict)
    labels: list[Fault] = field(default_factory=list)

    def of(self, table: str, day: int) -> list[Odd]:
        return self.lines.get((table, day), [])

    def add(
        self,
        table: str,
        day: int,
        record_id: str,
        what: str,
        value: str,
        account: int,
        other: int,
        at: int,
        units: int,
        people: People,
        calendar: Calendar,
    ) -> None:
        amount = value if what == "amount" else f"{units // UNIT}.00"
        asset = value if what == "asset" else "EUR"
        event = value if what == "time" else to_datetime(at).isoformat(sep=" ")
        who = people.account_id[account]
        if table == "internal_transfers":
            values = [record_id, who, people.account_id[other], asset, amount, "completed", event]
        else:
            # cash desk corrections: fiat, no chain, no device
            middle = [None, None, None] if table == "deposits" else [None, None, None, people.bank_account[account]]
            head = [record_id, who, "fiat", asset, amount]
            values = (
                head
                + (["0.90"] if table == "withdrawals" else [None])
                + middle
                + [f"PLBM{record_id}", "completed", event, None, None]
            )
        day_code = (calendar.start_us + day * DAY) if what == "time" else at
        odd = Odd(
            _line(values),
            to_datetime(day_code).date().isoformat(),
            asset or None,
            None if what == "amount" else units,
            record_id,
        )
        self.lines.setdefault((table, day), []).append(odd)
        self.labels.append(
            Fault(
                table,
                day,
                record_id,
                what if what == "none" else f"unusable {what}: {value!r}",
                what != "none",
                account,
            )
        )

    @staticmethod
    def empty(like: pa.Table) -> pa.Table:
        """No rows, but the columns (all text) of a table: the header of a CSV of faulted lines."""
        return pa.table({name: pa.array([], pa.string()) for name in like.column_names})


def _line(values: list[object]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="").writerow(["" if v is None else v for v in values])
    return sink.getvalue()


def make_faults(people: People, calendar: Calendar, streams: Streams, dedicated: set[int]) -> Faults:
    """Two days with manual corrections, and faulted internal transfers on a few days; fewer in a short world."""
    rng = streams("faults")
    faults = Faults()
    settled = [i for i in range(people.parties) if NONE < people.opened[i] < calendar.start_us and i not in dedicated]
    kinds = (
        [("amount", value) for value in BAD_AMOUNTS]
        + [("asset", v) for v in BAD_ASSETS]
        + [("time", v) for v in BAD_TIMES]
    )
    # a good manual record beside the bad ones: the file as such is fine
    days = sorted({max(0, calendar.days // 4), max(0, calendar.days // 2)})
    number = 0
    for table, letter in (("deposits", "D"), ("withdrawals", "W"), ("internal_transfers", "I")):
        for day in days:
            chosen = [kinds[(number + k) % len(kinds)] for k in range(2)]
            if table != "internal_transfers":
                chosen.append(("none", ""))
            for what, value in chosen:
                number += 1
                account = settled[int(rng.integers(0, len(settled)))] if settled else 0
                other = settled[int(rng.integers(0, len(settled)))] if settled else 0
                at = calendar.start_us + day * DAY + int(time_of_day(rng, 1)[0]) // US * US
                units = int(rng.integers(20, 400)) * UNIT
                faults.add(
                    table, day, f"{letter}M{number:08d}", what, value, account, other, at, units, people, calendar
                )
    return faults
