"""The accounting of a run: what came in, what was monitored, what was checked, and whether to trust it.

Belongs here: collecting the numbers when a run ends, keeping them, reading them back. Not here: where they come from
(figures.py) and how they look (summary.py).

Kept as home/accounting/<run_id>.json, so that `plumbline status` needs neither the warehouse nor Dagster, and works
while a run is writing. The file is there from the start of a run: one that says "running" while nobody holds the run
lock belongs to a run that was killed.
"""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration import figures
from orchestration.home import home, target

NOTHING = {
    "trusted": False,
    "run": {"id": None, "started_at": None, "finished_at": None, "target": None},
    "feeds": [],
    "scenarios": [],
    "checks": {"passed": 0, "warned": 0, "failed": 0, "not_run": 0, "failed_names": [], "warned_names": []},
    "kris": [],
}
"""What `plumbline status --json` prints where there is nothing to tell."""
KEPT_RUNS = 500

RUNNING, FINISHED, FAILED = "running", "finished", "did not finish"


def begin(run) -> None:
    """Notes that the run (a DagsterRun) has started, and how many alerts there were before it."""
    _write(
        {
            "outcome": RUNNING,
            "trusted": False,
            "reasons": ["The run has not ended yet."],
            "whole": is_whole(run),
            "run": {"id": run.run_id, "started_at": _now(), "finished_at": None, "target": target()},
            "ledger_before": figures.ledger(),
        }
    )


def is_whole(run) -> bool:
    """Whether the run is the main job in full; only such a run can vouch for the warehouse."""
    return run.job_name == "refresh_warehouse" and not run.asset_selection and not run.asset_check_selection


def keep(instance, run_id: str) -> None:
    """Collects and writes the accounting of a run that is ending, also of one that failed."""
    from dagster import DagsterEventType

    run = instance.get_run_by_id(run_id)
    kept = read(home(), run_id) or {}
    events = instance.all_logs(
        run_id,
        of_type={
            DagsterEventType.STEP_FAILURE, DagsterEventType.STEP_OUTPUT, DagsterEventType.STEP_SUCCESS,
            DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        },
    )  # fmt: skip
    by_type: dict[str, list] = {}
    for event in events:
        by_type.setdefault(event.dagster_event.event_type_value, []).append(event.dagster_event)
    built = {event.event_specific_data.step_output_handle.output_name for event in by_type.get("STEP_OUTPUT", [])}
    checks = _checks(by_type)
    crashes = _crashes(by_type.get("STEP_FAILURE", []))
    evaluations = by_type.get("ASSET_CHECK_EVALUATION", [])
    stale = _stale(evaluations)
    ledger_before = kept.get("ledger_before", [])
    numbers = figures.of_run(built, ledger_before)
    accounting = {
        "outcome": FAILED if crashes else FINISHED,
        "whole": is_whole(run),
        "run": {
            "id": run_id,
            "started_at": kept.get("run", {}).get("started_at") or _now(),
            "finished_at": _now(),
            "target": target(),
        },
        "ledger_before": ledger_before,
        "feeds": _with_configuration(numbers["feeds"], stale),
        "scenarios": numbers["scenarios"],
        "jurisdictions": numbers["jurisdictions"],
        "checks": checks,
        "kris": numbers["kris"],
        "crashes": crashes,
        "stale": stale,
        "late": _late(evaluations),
        "missing": numbers["missing"],
        "published": any(event.step_key == "published__marts" for event in by_type.get("STEP_SUCCESS", [])),
    }
    accounting["reasons"] = reasons(accounting)
    accounting["trusted"] = not accounting["reasons"]
    _write(accounting)


def reasons(accounting: dict) -> list[str]:
    """Why the run cannot be trusted, in sentences; empty for a run that can."""
    found = [f"The step {step} failed: {error}" for step, error in accounting["crashes"].items()]
    found += [f"Feed {feed} is stale: {reason}" for feed, reason in accounting["stale"].items()]
    found += accounting.get("late", [])
    checks = accounting["checks"]
    if checks["failed"]:
        names = checks["failed_names"]
        found.append(f"{checks['failed']} checks failed: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}.")
    if checks["not_run"]:
        found.append(f"{checks['not_run']} checks did not run, because something before them failed.")
    for feed in accounting["feeds"]:
        if feed["unexplained_rows"] or Decimal(feed.get("unexplained_usd") or 0):
            usd = f" (USD {feed['unexplained_usd']})" if feed.get("unexplained_usd") else ""
            found.append(f"Feed {feed['feed']}: {feed['unexplained_rows']:,} records{usd} are unexplained.")
        elif not feed.get("reconciled", True):
            found.append(f"Feed {feed['feed']}: its control totals and what was loaded from it differ.")
    for scenario in accounting["scenarios"]:
        if scenario["unexplained"] or scenario["errored"]:
            found.append(
                f"Scenario {scenario['scenario']}: {scenario['unexplained']:,} transfers of its population are "
                f"unexplained and {scenario['errored']:,} errored."
            )
    if accounting["missing"]:
        found.append(f"Not built in this run: {', '.join(accounting['missing'])}.")
    if not accounting["published"]:
        found.append("The marts were not published; readers still see the version before.")
    if not accounting["whole"]:
        found.append("It was not the whole main job.")
    return found


def public(accounting: dict | None) -> dict:
    """What `plumbline status --json` prints: always the same members, also of a run that was killed and before the
    first one (None)."""
    shown = {key: (accounting or {}).get(key, nothing) for key, nothing in NOTHING.items()}
    feeds = [{key: value for key, value in feed.items() if key != "reconciled"} for feed in shown["feeds"]]
    # As the exit code: a run that did not finish is not trusted, whatever was noted before it ended.
    trusted = bool(shown["trusted"]) and accounting["outcome"] == FINISHED
    return {**shown, "trusted": trusted, "feeds": feeds}


def exit_code(accounting: dict) -> int:
    """0 trusted, 1 finished but not to be trusted, 2 did not finish."""
    if accounting["outcome"] != FINISHED:
        return 2
    return 0 if accounting["trusted"] else 1


def read(root: Path, run_id: str) -> dict | None:
    path = root / "accounting" / f"{run_id}.json"
    return json.loads(path.read_text()) if path.exists() else None


def last(root: Path, before: dict | None = None) -> dict | None:
    """The accounting of the newest run of the main job (a running one too), or of the newest before a given one; None
    where there is none."""
    found = [json.loads(path.read_text()) for path in (root / "accounting").glob("*.json")]
    found = [one for one in found if one["whole"]]
    if before:
        found = [one for one in found if one["run"]["started_at"] < before["run"]["started_at"]]
    return max(found, key=lambda one: one["run"]["started_at"], default=None)


def killed(accounting: dict) -> dict:
    """The accounting of a run whose process ended without writing one."""
    return {**accounting, "outcome": FAILED, "reasons": ["The process of this run ended before the run did."]}


def mark_killed(root: Path, run_ids: Iterable[str]) -> None:
    """Notes that these runs were killed."""
    for run_id in run_ids:
        kept = read(root, run_id)
        if kept and kept["outcome"] == RUNNING:
            _write(killed(kept))


def _checks(by_type: dict[str, list]) -> dict[str, Any]:
    evaluated, planned = {}, set()
    for event in by_type.get("ASSET_CHECK_EVALUATION_PLANNED", []):
        data = event.event_specific_data
        planned.add(f"{data.asset_key.to_user_string()} {data.check_name}")
    for event in by_type.get("ASSET_CHECK_EVALUATION", []):
        data = event.event_specific_data
        name = f"{data.asset_key.to_user_string()} {data.check_name}"
        evaluated[name] = "passed" if data.passed else "warned" if data.severity.value == "WARN" else "failed"
    named = {state: sorted(n for n, s in evaluated.items() if s == state) for state in ("passed", "warned", "failed")}
    return {
        **{state: len(names) for state, names in named.items()},
        "not_run": len(planned - set(evaluated)),
        "failed_names": named["failed"],
        "warned_names": named["warned"],
    }


def _crashes(failures: list) -> dict[str, str]:
    """Step -> error of the steps that failed otherwise than by a blocking check."""
    crashes = {}
    for event in failures:
        error = event.step_failure_data.error
        while error and error.cause and error.cls_name == "DagsterExecutionStepExecutionError":
            error = error.cause
        if error is None or error.cls_name != "DagsterAssetCheckFailedError":
            text = " ".join((error.message if error else "no error was recorded").split())
            if error and error.cls_name == "Failure":  # Dagster's own: its message says all
                text = text.partition(": ")[2]
            crashes[event.step_key] = text[:1000]
    return crashes


def _stale(evaluations: list) -> dict[str, str]:
    """Feed -> why the run could not bring it up to date."""
    failed = [event.event_specific_data for event in evaluations if not event.event_specific_data.passed]
    return {
        check.asset_key.path[0].removeprefix("raw_"): check.metadata["reason"].value
        for check in failed
        if check.check_name == "is_up_to_date"
    }


def _late(evaluations: list) -> list[str]:
    """Which days of the feeds that hold what is monitored are missing, in sentences."""
    failed = [event.event_specific_data for event in evaluations if not event.event_specific_data.passed]
    return [
        check.metadata["reason"].value
        for check in failed
        if check.check_name == "has_every_day" and check.severity.value == "ERROR"
    ]


def _with_configuration(feeds: list[dict], stale: dict[str, str]) -> list[dict]:
    from ingestion.pipeline import configured

    return [{**feed, "configured": configured(feed["feed"]), "stale": stale.get(feed["feed"])} for feed in feeds]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(accounting: dict) -> None:
    folder = home() / "accounting"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{accounting['run']['id']}.json"
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(accounting, indent=1) + "\n")
    temporary.replace(path)
    for old in sorted(folder.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-KEPT_RUNS]:
        old.unlink(missing_ok=True)
