"""One run at a time, and killed runs do not keep others waiting."""

import os
import signal
import subprocess
import sys
import time

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRunStatus, job, op
from dagster._core.events.log import EventLogEntry

from orchestration import accounting, run_lock
from orchestration.home import LOOK_BACK_TAG, instance

HOLD = """
import sys, time
from pathlib import Path
from orchestration import run_lock
with run_lock.hold(Path(sys.argv[1]), "run-of-another-process", print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holding_process(home):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_holder_is_known_and_the_lock_free_afterwards(home):
    assert run_lock.holder(home) is None
    with run_lock.hold(home, "abc", pytest.fail):
        assert run_lock.holder(home) == {"run_id": "abc", "pid": os.getpid()}
    assert run_lock.holder(home) is None


def test_the_lock_is_free_after_its_run_raised(home):
    with pytest.raises(ZeroDivisionError), run_lock.hold(home, "abc", pytest.fail):
        raise ZeroDivisionError
    assert run_lock.holder(home) is None


def test_a_second_run_waits_until_the_first_is_killed(home, holding_process, monkeypatch):
    monkeypatch.setattr(run_lock, "POLL_SECONDS", 0.05)
    said = []

    def say(message):
        said.append(message)
        holding_process.send_signal(signal.SIGKILL)

    with run_lock.hold(home, "second", say):
        assert run_lock.holder(home)["run_id"] == "second"
    assert len(said) == 1
    assert f"run run-of-a in process {holding_process.pid}" in said[0]


@op
def nothing():
    pass


@job
def refresh_warehouse():
    nothing()


def run_in(opened: DagsterInstance, state: DagsterEventType, age_seconds: float, tags: dict[str, str] | None = None):
    """A run that reported `state` so many seconds ago, and nothing since."""
    run = opened.create_run_for_job(refresh_warehouse, tags=tags)
    opened.handle_new_event(
        EventLogEntry(
            error_info=None,
            level=20,
            user_message="",
            run_id=run.run_id,
            timestamp=time.time() - age_seconds,
            step_key=None,
            job_name=run.job_name,
            dagster_event=DagsterEvent(state.value, job_name=run.job_name),
        )
    )
    return run


def started_run(opened: DagsterInstance, age_seconds: float, tags: dict[str, str] | None = None):
    return run_in(opened, DagsterEventType.RUN_START, age_seconds, tags)


def status(opened, run) -> DagsterRunStatus:
    return opened.get_run_by_id(run.run_id).status


def test_a_killed_run_is_marked_as_failed(home):
    with instance() as opened:
        run = started_run(opened, age_seconds=60)
        accounting.begin(run)
        assert run_lock.mark_dead_runs(opened, home) == [run.run_id]
        assert status(opened, run) is DagsterRunStatus.FAILURE
        kept = accounting.last(home)
        assert kept["outcome"] == accounting.FAILED
        assert accounting.exit_code(kept) == 2


def test_a_run_that_has_just_started_is_left_alone_and_then_waited_out(home, monkeypatch):
    monkeypatch.setattr(run_lock, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(run_lock, "POLL_SECONDS", 0.1)
    with instance() as opened:
        run = started_run(opened, age_seconds=0)
        assert run_lock.mark_dead_runs(opened, home) == []
        assert run_lock.wait_for_grace(opened, home) == [run.run_id]


def test_a_live_run_is_never_marked(home, holding_process):
    with instance() as opened:
        run = started_run(opened, age_seconds=600)
        assert run_lock.mark_dead_runs(opened, home) == []
        assert status(opened, run) is DagsterRunStatus.STARTED


@pytest.mark.parametrize(("seconds", "is_dead"), [(60, False), (600, True)])
def test_a_run_may_take_its_time_to_start(home, seconds, is_dead):
    with instance() as opened:
        run = run_in(opened, DagsterEventType.RUN_STARTING, age_seconds=seconds)
        assert run_lock.mark_dead_runs(opened, home) == ([run.run_id] if is_dead else [])


def test_a_look_back_lives_by_its_own_lock(home):
    """It works while nobody writes, and a run that writes does not keep one that was killed alive."""
    with instance() as opened:
        run = started_run(opened, age_seconds=60, tags={LOOK_BACK_TAG: "true"})
        with run_lock.hold(home, "look-back", pytest.fail, run_lock.LOOKING_BACK):
            assert run_lock.mark_dead_runs(opened, home) == []
            assert run_lock.holder(home) is None
        with run_lock.hold(home, "writer", pytest.fail):
            assert run_lock.mark_dead_runs(opened, home) == [run.run_id]
