"""When things happen by themselves.

Belongs here: the schedule, and the sensors that tell people. Not here: where messages go (resources.py). None of this
opens the warehouse: the process that evaluates it is not the one that may write.
"""

from datetime import timedelta

from dagster import (
    DagsterEventType,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    RunStatusSensorContext,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    run_status_sensor,
    schedule,
    sensor,
)

from orchestration import run_lock
from orchestration.home import home
from orchestration.jobs import refresh_warehouse
from orchestration.resources import Notifier

MOST_NAMES = 20


@schedule(
    job=refresh_warehouse,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED,
    description="Every day at 03:00 UTC, an hour after the deliveries of the day before are due.",
)
def daily_refresh(context: ScheduleEvaluationContext) -> RunRequest:
    yesterday = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
    return RunRequest(run_key=yesterday, partition_key=yesterday)


@run_status_sensor(
    run_status=DagsterRunStatus.FAILURE,
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Sends every failed run, with the checks that failed in it, to the notification channel.",
)
def failed_runs(context: RunStatusSensorContext, notifier: Notifier) -> None:
    """Tells the notification channel about a run that failed, with the checks that did."""
    run = context.dagster_run
    failed = failed_checks_of(context.instance, run.run_id)
    reason = context.dagster_event.message or "no reason was recorded"
    notifier.send(f"Plumbline: run {run.run_id[:8]} of {run.job_name} failed", "\n".join([reason, *failed]))


@run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS,
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Sends the checks that failed or warned in a run that finished to the notification channel.",
)
def failed_checks(context: RunStatusSensorContext, notifier: Notifier) -> None:
    failed = failed_checks_of(context.instance, context.dagster_run.run_id)
    if failed:
        run = context.dagster_run
        notifier.send(f"Plumbline: {len(failed)} checks failed in run {run.run_id[:8]}", "\n".join(failed))


@sensor(
    job=refresh_warehouse,
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Marks runs whose process was killed as failed, so that they do not keep the queue waiting.",
)
def dead_runs(context: SensorEvaluationContext) -> SkipReason:
    dead = run_lock.mark_dead_runs(context.instance, home())
    return SkipReason(f"marked as failed: {', '.join(dead)}" if dead else "every run in progress is alive")


def failed_checks_of(instance, run_id: str) -> list[str]:
    """One line for each failed check of the run, errors first; a long list is cut and says so."""
    evaluations = [
        record.dagster_event.event_specific_data
        for record in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    failed = sorted(
        (evaluation.severity.value != "ERROR", evaluation.asset_key.to_user_string(), evaluation.check_name)
        for evaluation in evaluations
        if not evaluation.passed
    )
    lines = [f"{'warning' if warned else 'failed'}: {asset} {name}" for warned, asset, name in failed]
    return lines[:MOST_NAMES] + ([f"... and {len(lines) - MOST_NAMES} more"] if len(lines) > MOST_NAMES else [])
