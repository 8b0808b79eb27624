"""The days of deliveries.

Belongs here: the partitions of raw assets and the window a run was given. Not here: when a day is due (automation.py).

Only raw assets are partitioned: a partition is one business day's deliveries, and running it loads those not yet
loaded. Everything downstream is rebuilt whole from raw, as of the newest knowledge in it, so that the result never
depends on which days ran in which order.
"""

import os
from datetime import date, timedelta

from dagster import DagsterRun, DailyPartitionsDefinition

FIRST_DAY = "2026-01-01"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"

# PLUMBLINE_FIRST_DAY: the earliest business day that can be asked for by itself.
days = DailyPartitionsDefinition(start_date=os.environ.get("PLUMBLINE_FIRST_DAY", FIRST_DAY))


def window(run: DagsterRun) -> tuple[date | None, date | None]:
    """The half-open window of business days of a run: (first day, day after the last); None is without limit.

    A run without partitions takes everything, and the first day takes all that came before it as well: lists and
    attributions are older than the first day of the ledger.
    """
    first = run.tags.get(RANGE_START) or run.tags.get(PARTITION)
    last = run.tags.get(RANGE_END) or run.tags.get(PARTITION)
    if not first or not last:
        return None, None
    start = None if first == days.get_first_partition_key() else date.fromisoformat(first)
    return start, date.fromisoformat(last) + timedelta(days=1)


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of a run over the days from `first` to `last`, both included."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}
