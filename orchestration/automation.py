"""When things happen by themselves.

Belongs here: the schedule, and the sensors that tell people. Not here: what they are told (alarms.py) and where
messages go (resources.py). None of this opens the warehouse: the process that evaluates it is not the one that may
write.

All of it is on as soon as the daemon is up: a schedule that waits to be switched on is a day nobody monitored.
"""

from datetime import timedelta

from dagster import (
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

from orchestration import alarms, run_lock
from orchestration.home import home
from orchestration.jobs import refresh_warehouse
from orchestration.resources import Notifier


@schedule(
    job=refresh_warehouse,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
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
    alarms.announce(context.instance, context.dagster_run.run_id, notifier)


@run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS,
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Sends the checks that failed or warned in a run that finished to the notification channel.",
)
def failed_checks(context: RunStatusSensorContext, notifier: Notifier) -> None:
    alarms.announce(context.instance, context.dagster_run.run_id, notifier)


@sensor(
    job=refresh_warehouse,
    default_status=DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Marks runs whose process was killed as failed, so that they do not keep the queue waiting.",
)
def dead_runs(context: SensorEvaluationContext) -> SkipReason:
    dead = run_lock.mark_dead_runs(context.instance, home())
    return SkipReason(f"marked as failed: {', '.join(dead)}" if dead else "every run in progress is alive")
