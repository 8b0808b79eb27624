"""Runs launched from the shell.

Belongs here: making a run of the main job on the persistent instance and executing it in this process, so that it is
the same run as one from the UI or the schedule. Not here: what it shows (screen.py) and what it ran on (demo.py).
"""

import time
from datetime import date
from pathlib import Path

from orchestration import accounting, run_lock
from orchestration.home import REPOSITORY, home, instance
from orchestration.screen import Screen

JOB = "refresh_warehouse"


def refresh(screen: Screen, period: tuple[date, date]) -> dict:
    """Runs the main job and returns its accounting; waits first while another run is alive.

    `period`: first and last business day of the run; whatever was delivered up to the last one is loaded.
    """
    with instance() as opened:
        _take_turn(opened, screen)
        screen.detail("reading the definitions")
        from dagster._core.definitions.job_base import InMemoryJob
        from dagster._core.execution.api import execute_run_iterator

        from orchestration import alarms
        from orchestration.definitions import defs

        job = defs.resolve_job_def(JOB)
        run = opened.create_run_for_job(
            job, tags=_tags(opened, period), remote_job_origin=_origin(), job_code_origin=None
        )
        screen.total(len(job.nodes))
        for event in execute_run_iterator(InMemoryJob(job), run, opened):
            screen.event(event)
        alarms.announce_or_say(opened, run.run_id, screen.say)
        kept = accounting.read(home(), run.run_id)
        if kept is None or kept["outcome"] == accounting.RUNNING:
            raise RuntimeError(f"Run {run.run_id} ended before it began its work; see {home() / 'dagster'}.")
        return kept


def _tags(opened, period: tuple[date, date]) -> dict[str, str]:
    from dagster import AssetKey

    from orchestration.assets.feeds import FEEDS
    from orchestration.partitions import due_tags

    tables = [AssetKey([f"raw_{feed}", "control_totals"]) for feed in FEEDS]
    done = set.intersection(*(opened.get_materialized_partitions(table) for table in tables))
    return due_tags(*period, done)


def _take_turn(opened, screen: Screen) -> None:
    from orchestration import alarms

    for run_id in run_lock.wait_for_grace(opened, home()):
        screen.say(f"Run {run_id[:8]} was killed earlier; it is marked as failed now.")
        alarms.announce_or_say(opened, run_id, screen.say)
    said = False
    while who := run_lock.holder(home()):
        if not said:
            screen.say(f"Waiting: {run_lock.describe(who)} is writing to the warehouse. This run starts when it ends.")
            said = True
        time.sleep(run_lock.POLL_SECONDS)


def _origin():
    """Where the UI finds the job of this run: the same identity that workspace.yaml gives it."""
    from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    (location,) = location_origins_from_yaml_paths([str(Path(REPOSITORY) / "workspace.yaml")])
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), JOB)
