"""The days of deliveries.

Belongs here: the partitions of raw assets, and what a run of some of them loads. Not here: when a day is due
(automation.py).

Only raw assets are partitioned, by business day. A run of a day loads whatever was delivered up to that day and is not
loaded yet, so that a file which arrives late is not lost because its own day has passed. Everything downstream is
rebuilt whole from raw, as of the newest knowledge in it, so that the result never depends on which days ran in which
order.
"""

import os
from collections.abc import Collection
from datetime import date, timedelta

from dagster import DagsterRun, DailyPartitionsDefinition

FIRST_DAY = "2026-01-01"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"

# PLUMBLINE_FIRST_DAY: the earliest business day that can be asked for by itself.
# Today can be asked for as well: what has been delivered so far is loaded, the rest with a later run.
days = DailyPartitionsDefinition(start_date=os.environ.get("PLUMBLINE_FIRST_DAY", FIRST_DAY), end_offset=1)


def window(run: DagsterRun) -> tuple[None, date | None]:
    """The half-open window of business days that a run loads: no first day, and the day after its last partition (None
    for a run without partitions, which loads everything)."""
    last = run.tags.get(RANGE_END) or run.tags.get(PARTITION)
    return None, date.fromisoformat(last) + timedelta(days=1) if last else None


def due_tags(first: date, last: date, done: Collection[str]) -> dict[str, str]:
    """The tags of a run that is to bring the days from `first` to `last`, both included, up to date.

    It is recorded for the days from the first one that is not among the `done` on, and for the last day in any case.
    """
    day = first
    while day < last and day.isoformat() in done:
        day += timedelta(days=1)
    return {RANGE_START: day.isoformat(), RANGE_END: last.isoformat()}
