"""The queue of runs on the persistent instance.

Belongs here: what keeps a second writer waiting. Not here: how many may run at once (home.py, dagster.yaml).
"""

from dagster import DagsterRun
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext

from orchestration.home import LOOK_BACK_TAG, WRITER_TAG


class OneWriterQueue(QueuedRunCoordinator):
    """Dagster's queue, in which every run that is no look-back counts as a writer, also one of assets chosen by hand: a
    second one is queued, and does not start to wait at the lock."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        if LOOK_BACK_TAG not in context.dagster_run.tags:
            self._instance.add_run_tags(context.dagster_run.run_id, {WRITER_TAG: "true"})
        return super().submit_run(context)
