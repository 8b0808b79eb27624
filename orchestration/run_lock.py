"""Who may write to the warehouse now, and which runs are dead.

Belongs here: the lock that every run holds while it works, however it was launched, and what to do about runs whose
process is gone. Not here: the order of queued runs, which is Dagster's (home.py sets one at a time).

The lock is a file lock of the operating system: the kernel drops it when the process ends, also by `kill -9`, so a
free lock proves that no run is alive.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration import accounting
from orchestration.home import LOOK_BACK_TAG

# A run reports that it started a moment before it takes the lock, and that it is starting before its process has
# read the definitions.
GRACE_SECONDS = 15.0
STARTING_GRACE_SECONDS = 180.0
POLL_SECONDS = 0.5


WRITING, LOOKING_BACK = "run", "look_back"
"""The two locks: of whoever writes to the warehouse, and of the look-back that works on a copy of it meanwhile."""


def _path(root: Path, lock: str) -> Path:
    return root / f"{lock}.lock"


def holder(root: Path, lock: str = WRITING) -> dict | None:
    """What the live run wrote about itself (`run_id`, `pid`), or None when no run is alive."""
    path = _path(root, lock)
    if not path.exists():
        return None
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                return json.loads(file.read() or "{}")
            except ValueError:  # read while it was being written
                return {}
    return None


@contextmanager
def hold(root: Path, run_id: str, say: Callable[[str], None], lock: str = WRITING) -> Iterator[None]:
    """Holds the lock for `run_id`; waits for another run to end, and says so once through `say`."""
    root.mkdir(parents=True, exist_ok=True)  # the first run of a data directory may be what makes it
    with _path(root, lock).open("a+") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    waiting = True
                    say(f"Waiting for another run to finish: {describe(holder(root, lock))}.")
                time.sleep(POLL_SECONDS)
        file.truncate(0)
        file.write(json.dumps({"run_id": run_id, "pid": os.getpid()}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file, fcntl.LOCK_UN)


def describe(who: dict | None) -> str:
    """A phrase for a message: the run and the process of a lock's holder."""
    if not who:
        return "it has just started"
    return f"run {who.get('run_id', '?')[:8]} in process {who.get('pid', '?')}"


def mark_dead_runs(instance, root: Path) -> list[str]:
    """Marks runs that were killed as failed; returns their ids.

    Dead is a run that is in progress for the instance while nobody holds its lock. Without this, one `kill -9` would
    keep every later run in the queue. Runs younger than the grace period are left alone.
    """
    from dagster import DagsterRunStatus, RunsFilter

    in_progress = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING, DagsterRunStatus.STARTING]
    records = instance.get_run_records(RunsFilter(statuses=in_progress))
    dead = []
    for record in records:
        lock = LOOKING_BACK if LOOK_BACK_TAG in record.dagster_run.tags else WRITING
        if holder(root, lock) is not None:
            continue
        starting = record.dagster_run.status is DagsterRunStatus.STARTING
        # A run may have waited in the queue for hours before it started: its creation says nothing.
        age = time.time() - record.update_timestamp.timestamp()
        if age < (STARTING_GRACE_SECONDS if starting else GRACE_SECONDS):
            continue
        instance.report_run_failed(record.dagster_run, "The process of this run ended before the run did.")
        dead.append(record.dagster_run.run_id)
    accounting.mark_killed(root, dead)
    return dead


def wait_for_grace(instance, root: Path) -> list[str]:
    """`mark_dead_runs`, waiting out the grace period of a run that was killed just after it started."""
    from dagster import DagsterRunStatus, RunsFilter

    dead = mark_dead_runs(instance, root)
    deadline = time.time() + GRACE_SECONDS
    while time.time() < deadline and holder(root) is None:
        if not instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
            break
        time.sleep(POLL_SECONDS)
        dead += mark_dead_runs(instance, root)
    return dead
