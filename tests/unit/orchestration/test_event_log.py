"""The event log behaves as Dagster's own, also where it writes in batches."""

import time
from datetime import date

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.home import instance, prepare_home
from orchestration.partitions import due_tags

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")


@dg.multi_asset(
    specs=[dg.AssetSpec(["raw_bank", name]) for name in ("entries", "statements")],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def bank():
    for name in ("entries", "statements"):
        yield dg.MaterializeResult(asset_key=["raw_bank", name], metadata={"rows": 7})


@dg.asset_check(asset=["raw_bank", "entries"])
def entries_are_there():
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@pytest.fixture
def job():
    refresh = dg.define_asset_job("refresh", selection="*", executor_def=dg.in_process_executor)
    return dg.Definitions(assets=[bank], asset_checks=[entries_are_there], jobs=[refresh]).resolve_job_def("refresh")


@pytest.fixture(params=["0", "1000"], ids=["one by one", "in batches"])
def result(request, home, job, monkeypatch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", request.param)
    prepare_home()
    with instance() as opened:
        tags = due_tags(date(2026, 1, 1), date(2026, 1, 20), ())
        yield opened, job.execute_in_process(instance=opened, tags=tags)


def test_every_partition_check_and_asset_is_there(result):
    opened, run = result
    assert run.success
    for name in ("entries", "statements"):
        key = dg.AssetKey(["raw_bank", name])
        assert len(opened.get_materialized_partitions(key)) == 20
        latest = opened.get_latest_materialization_event(key)
        assert latest.run_id == run.run_id
        assert latest.asset_materialization.metadata["rows"].value == 7
        assert opened.get_asset_records([key])[0].asset_entry.last_run_id == run.run_id
    (check,) = opened.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert not check.asset_check_evaluation.passed
    assert opened.get_run_stats(run.run_id).steps_succeeded == 2


def test_the_stock_class_reads_the_same_files(result, home):
    opened, run = result
    stock = SqliteEventLogStorage(str(home / "dagster" / "history" / "runs"))
    stock.register_instance(opened)
    ours = opened.all_logs(run.run_id)
    assert [event.message for event in stock.get_logs_for_run(run.run_id)] == [event.message for event in ours]


def test_who_follows_a_run_sees_its_file_change(home, job):
    prepare_home()
    with instance() as opened:
        run = job.execute_in_process(instance=opened, partition_key="2026-01-03")
        path = home / "dagster" / "history" / "runs" / f"{run.run_id}.db"
        before = path.stat().st_mtime_ns
        time.sleep(0.01)
        opened.report_engine_event("noted", opened.get_run_by_id(run.run_id))
        assert path.stat().st_mtime_ns > before


def test_a_deleted_run_is_forgotten(home, job):
    prepare_home()
    with instance() as opened:
        run = job.execute_in_process(instance=opened, partition_key="2026-01-03")
        opened.delete_run(run.run_id)
        assert opened.all_logs(run.run_id) == []
