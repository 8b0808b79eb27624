"""A run's partitions, what they load and which days a run from the shell is recorded for."""

from datetime import date

from dagster import DagsterRun

from orchestration.partitions import due_tags, window

FIRST, LAST = date(2026, 2, 1), date(2026, 2, 4)
ALL = {"2026-02-01", "2026-02-02", "2026-02-03", "2026-02-04"}


def run(tags):
    return DagsterRun(job_name="refresh_warehouse", tags=tags)


def test_a_day_loads_everything_delivered_up_to_it():
    assert window(run({"dagster/partition": "2026-02-03"})) == (None, date(2026, 2, 4))


def test_a_range_includes_its_last_day():
    assert window(run(due_tags(FIRST, LAST, ()))) == (None, date(2026, 2, 5))


def test_a_run_without_partitions_loads_everything():
    assert window(run({})) == (None, None)


def test_a_run_is_recorded_for_the_days_that_were_never_run():
    assert list(due_tags(FIRST, LAST, ()).values()) == ["2026-02-01", "2026-02-04"]
    assert list(due_tags(FIRST, LAST, {"2026-02-01", "2026-02-02"}).values()) == ["2026-02-03", "2026-02-04"]
    assert list(due_tags(FIRST, LAST, ALL - {"2026-02-02"}).values()) == ["2026-02-02", "2026-02-04"]


def test_and_for_the_last_day_when_there_is_nothing_new():
    assert list(due_tags(FIRST, LAST, ALL).values()) == ["2026-02-04", "2026-02-04"]
