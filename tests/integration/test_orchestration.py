"""The asset graph, the run as Dagster keeps it, and what happens by itself."""

import os
from collections import deque
from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration.home import instance


@pytest.fixture(scope="module")
def environment_kept():
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def defs(finished_home, environment_kept):
    os.environ["PLUMBLINE_HOME"] = str(finished_home)
    from orchestration.definitions import defs

    return defs


@pytest.fixture(scope="module")
def graph(defs):
    return defs.resolve_asset_graph()


@pytest.fixture(scope="module")
def opened(defs):
    with instance() as opened:
        yield opened


@pytest.fixture(scope="module")
def run(opened):
    (record,) = opened.get_run_records()
    return record


def is_raw(key: dg.AssetKey) -> bool:
    return key.path[0].startswith("raw_")


def test_every_table_is_an_asset_that_explains_itself(graph):
    assert {len(key.path) for key in graph.get_all_asset_keys()} == {2}
    assert not graph.external_asset_keys
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert len(node.description or "") > 20, key
        assert node.owners, key
        assert node.kinds & {"dlt", "dbt", "duckdb", "postgres", "html"}, key
        assert node.group_name == key.path[0], key


def test_deliveries_are_daily_partitions_and_everything_after_is_rebuilt_whole(graph):
    for key in graph.get_all_asset_keys():
        assert isinstance(graph.get(key).partitions_def, dg.DailyPartitionsDefinition if is_raw(key) else type(None)), (
            key
        )


def test_the_vendor_is_asked_after_the_ledger_is_loaded(graph):
    assert (
        dg.AssetKey(["raw_exchange", "deposits"])
        in graph.get(dg.AssetKey(["raw_chainalysis", "transfers"])).parent_keys
    )


def test_nothing_is_published_before_every_mart(graph):
    parents = graph.get(dg.AssetKey(["published", "marts"])).parent_keys
    assert parents >= {key for key in graph.get_all_asset_keys() if key.path[0] == "marts"}


def test_raw_tables_and_marts_have_contracts_that_block(graph):
    by_asset: dict[dg.AssetKey, list[str]] = {}
    for check in graph.asset_check_keys:
        if check.name.startswith("soda_"):
            by_asset.setdefault(check.asset_key, []).append(check.name)
            assert graph.get(check).blocking, check
    uncovered = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if (is_raw(key) or key.path[0] == "marts") and key.path[1] != "_dlt_loads" and key not in by_asset
    }
    assert uncovered == set()


def test_the_job_is_everything_in_one_process(defs, graph):
    job = defs.resolve_job_def("refresh_warehouse")
    assert job.executor_def.name == "in_process"
    assert set(job.asset_layer.executable_asset_keys) == set(graph.get_all_asset_keys())
    assert job.asset_layer.asset_graph.asset_check_keys == graph.asset_check_keys


def test_the_schedule_asks_for_the_day_before(defs):
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("daily_refresh")
    assert schedule.cron_schedule == "0 3 * * *"
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 3, 2, 3, tzinfo=UTC), repository_def=repository
    )
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2026-03-01"


def test_a_run_from_the_shell_is_a_run_like_any_other(run, opened):
    kept = run.dagster_run
    assert kept.status is dg.DagsterRunStatus.SUCCESS
    assert kept.job_name == "refresh_warehouse"
    assert kept.remote_job_origin.repository_origin.code_location_origin.location_name == "orchestration.definitions"
    assert kept.tags["dagster/asset_partition_range_end"] == "2026-01-20"
    materialized = opened.get_materialized_partitions(dg.AssetKey(["raw_exchange", "deposits"]))
    assert len(materialized) == 20
    (captured,) = opened.all_logs(kept.run_id, of_type=dg.DagsterEventType.LOGS_CAPTURED)
    key = opened.compute_log_manager.build_log_key_for_run(
        kept.run_id, captured.dagster_event.logs_captured_data.file_key
    )
    log = opened.compute_log_manager.get_log_data(key)
    assert b"dbt" in log.stdout


def test_every_check_of_the_run_is_in_the_instance(run, opened, graph):
    evaluated = {
        event.asset_check_evaluation.asset_check_key
        for event in opened.all_logs(run.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    }
    assert evaluated == set(graph.asset_check_keys)


def test_alert_and_kri_columns_reach_their_sources(opened):
    """Walks the column lineage that the run recorded, from the mart down to raw tables."""
    for table, column, source in (
        ("fct_alerts", "amount_usd", ("raw_exchange/deposits", "amount")),
        ("fct_alerts", "amount_usd", ("raw_prices/rates", "rate_usd")),
        ("fct_alerts", "triggered_at", ("raw_exchange/deposits", "event_at")),
        ("fct_kris", "value", ("raw_cases/outcomes", "outcome_code")),
        ("fct_transfers", "amount", ("raw_bank/entries", "amount")),
    ):
        assert source in upstream(opened, ["marts", table], column), (table, column)


def upstream(opened, path: list[str], column: str) -> set[tuple[str, str]]:
    seen, waiting = set(), deque([(dg.AssetKey(path), column)])
    while waiting:
        key, name = waiting.popleft()
        if (key.to_user_string(), name) in seen:
            continue
        seen.add((key.to_user_string(), name))
        event = opened.get_latest_materialization_event(key)
        lineage = event.asset_materialization.metadata.get("dagster/column_lineage") if event else None
        if lineage is not None:
            waiting += [(dep.asset_key, dep.column_name) for dep in lineage.value.deps_by_column.get(name, [])]
    return seen


def test_most_columns_have_a_known_origin(opened, graph):
    known = unknown = 0
    for key in graph.get_all_asset_keys():
        event = opened.get_latest_materialization_event(key)
        lineage = event.asset_materialization.metadata.get("dagster/column_lineage")
        if lineage is not None:
            empty = sum(not deps for deps in lineage.value.deps_by_column.values())
            unknown += empty
            known += len(lineage.value.deps_by_column) - empty
    assert known > 500
    assert unknown < 0.1 * known


class Mailbox:
    """Stands in for the notifier."""

    def __init__(self):
        self.sent = []

    def send(self, title, body):
        self.sent.append((title, body))


@dg.asset
def table():
    return None


@dg.asset_check(asset=table)
def rows_are_there():
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset(deps=[table])
def broken():
    raise ZeroDivisionError


@pytest.fixture
def toy_run(defs, home):
    """Runs toy assets on an instance of their own: toy_run(assets) -> (instance, result)."""

    def run(assets):
        job = dg.define_asset_job("toy", selection="*", executor_def=dg.in_process_executor)
        toy = dg.Definitions(assets=assets, asset_checks=[rows_are_there], jobs=[job]).resolve_job_def("toy")
        return opened, toy.execute_in_process(instance=opened, raise_on_error=False)

    home.mkdir()
    with dg.instance_for_test() as opened:
        yield run


def context_of(opened, result, kind):
    event = result.get_run_failure_event() if kind == "failure" else result.get_run_success_event()
    return dg.build_run_status_sensor_context(
        sensor_name=kind, dagster_instance=opened, dagster_run=result.dagster_run, dagster_event=event
    )


def test_a_failed_run_is_announced_with_its_failed_checks(toy_run):
    from orchestration import automation

    opened, result = toy_run([table, broken])
    mailbox = Mailbox()
    automation.failed_runs(context_of(opened, result, "failure"), notifier=mailbox)
    ((title, body),) = mailbox.sent
    assert result.run_id[:8] in title
    assert "Steps failed" in body
    assert "warning: table rows_are_there" in body


def test_failed_checks_of_a_finished_run_are_announced(toy_run):
    from orchestration import automation

    opened, result = toy_run([table])
    mailbox = Mailbox()
    automation.failed_checks(context_of(opened, result, "success"), notifier=mailbox)
    ((title, body),) = mailbox.sent
    assert title.startswith("Plumbline: 1 checks failed")
    assert body == "warning: table rows_are_there"


def test_a_run_is_announced_once_whoever_comes_first(toy_run):
    from orchestration import alarms, automation

    opened, result = toy_run([table, broken])
    mailbox = Mailbox()
    assert alarms.announce(opened, result.run_id, mailbox)  # as a run from the shell does when it ends
    automation.failed_runs(context_of(opened, result, "failure"), notifier=mailbox)
    assert not alarms.announce(opened, result.run_id, mailbox)
    assert len(mailbox.sent) == 1


def test_a_message_that_did_not_go_out_is_sent_by_the_next_one(toy_run):
    from orchestration import alarms

    class Down(Mailbox):
        def send(self, title, body):
            raise RuntimeError("down")

    opened, result = toy_run([table, broken])
    with pytest.raises(RuntimeError):
        alarms.announce(opened, result.run_id, Down())
    mailbox = Mailbox()
    assert alarms.announce(opened, result.run_id, mailbox)
    assert len(mailbox.sent) == 1
