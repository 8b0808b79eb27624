"""A run's partitions and the window of business days they mean."""

from datetime import date

import pytest
from dagster import DagsterRun

from orchestration.partitions import days, range_tags, window


def run(tags):
    return DagsterRun(job_name="refresh_warehouse", tags=tags)


def test_one_day_is_a_half_open_window():
    assert window(run({"dagster/partition": "2026-02-03"})) == (date(2026, 2, 3), date(2026, 2, 4))


def test_a_range_includes_its_last_day():
    assert window(run(range_tags(date(2026, 2, 3), date(2026, 2, 5)))) == (date(2026, 2, 3), date(2026, 2, 6))


def test_the_first_day_takes_what_is_older_as_well():
    first = date.fromisoformat(days.get_first_partition_key())
    assert window(run(range_tags(first, date(2026, 2, 5)))) == (None, date(2026, 2, 6))


@pytest.mark.parametrize("tags", [{}, {"dagster/asset_partition_range_start": "2026-02-03"}])
def test_a_run_without_partitions_takes_everything(tags):
    assert window(run(tags)) == (None, None)
