"""Telling people about a run that failed, or finished with failed checks: once, whoever notices it.

Belongs here: what is said about a run, and that it is said once. Not here: where messages go (resources.py).

A run from the shell tells by itself when it ends, because there may be no daemon; the daemon's sensors tell about every
run, because a run that was killed cannot. Whoever comes first puts the run's name down in home/announced/.
"""

from collections.abc import Callable
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus

from orchestration.home import home
from orchestration.resources import Notifier

MOST_LINES = 20
KEPT = 2_000


def announce(instance: DagsterInstance, run_id: str, notifier: Notifier) -> bool:
    """Sends what there is to say about a run that has ended; returns whether this call sent it.

    Nothing is sent for a run without failed checks, and nothing twice. Raises what the notifier raises; the run then
    counts as not announced.
    """
    run = instance.get_run_by_id(run_id)
    failed = failed_checks_of(instance, run_id)
    if run.status is DagsterRunStatus.FAILURE:
        title = f"Plumbline: run {run_id[:8]} of {run.job_name} failed"
        body = [_reason(instance, run_id), *failed]
    elif run.status is DagsterRunStatus.SUCCESS and failed:
        title, body = f"Plumbline: {len(failed)} checks failed in run {run_id[:8]}", failed
    else:
        return False
    claim = _claim(run_id)
    if claim is None:
        return False
    try:
        notifier.send(title, "\n".join(_cut(body)))
    except BaseException:
        claim.unlink()
        raise
    return True


def announce_or_say(instance: DagsterInstance, run_id: str, say: Callable[[str], None]) -> None:
    """`announce`, for a run in a shell: a channel that is down does not change what the run is worth."""
    try:
        announce(instance, run_id, Notifier())
    except (RuntimeError, ValueError) as problem:
        say(f"Nobody was notified: {problem}")


def failed_checks_of(instance: DagsterInstance, run_id: str) -> list[str]:
    """One line for each failed check of the run, errors first."""
    evaluations = [
        record.dagster_event.event_specific_data
        for record in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    failed = sorted(
        (evaluation.severity.value != "ERROR", evaluation.asset_key.to_user_string(), evaluation.check_name)
        for evaluation in evaluations
        if not evaluation.passed
    )
    return [f"{'warning' if warned else 'failed'}: {asset} {name}" for warned, asset, name in failed]


def _cut(lines: list[str]) -> list[str]:
    """A long list is cut and says so."""
    return lines[:MOST_LINES] + ([f"... and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])


def _reason(instance: DagsterInstance, run_id: str) -> str:
    failures = instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
    return (failures[-1].dagster_event.message if failures else None) or "no reason was recorded"


def _claim(run_id: str) -> Path | None:
    """A file that only one process can make; None where another one has."""
    folder = home() / "announced"
    folder.mkdir(exist_ok=True)
    path = folder / run_id
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return None
    for old in sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path
