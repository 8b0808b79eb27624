"""A look-back from its request to its results.

Belongs here: the order of the work, and what it returns. Not here: each part of it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration import demo, origin, progress, run_lock
from orchestration.look_back import compare, copies, manifest, report, tables, what_if
from orchestration.look_back.replay import Replay
from orchestration.look_back.request import Plan, Request, live_scenarios, plan


@dataclass(frozen=True)
class Done:
    """Where the results lie, and what they say in short: `summary`, see `report.summarise`."""

    folder: Path
    plan: Plan
    summary: dict[str, Any]

    @property
    def reconciles(self) -> bool:
        return not self.summary["unexplained"] and not self.summary["errored"]


def run(root: Path, request: Request, out: Path | None, say: Callable[[str], None]) -> Done:
    """Answers the request from a copy of the warehouse of `root`, which stays as it is; writes the results to `out`
    (default: root/look_back/<what was asked>), which is replaced.

    One look-back works at a time; a run of the main job waits for none of it but the copying. Raises LookupError,
    OriginError or ValueError, before any work, where there is no answer.
    """
    there = copies.of_sound_warehouse(root)
    if there.kind == origin.SANDBOX:
        os.environ.update(demo.pseudonym_key())
    elif "PLUMBLINE_PSEUDONYM_KEY" not in os.environ:
        raise LookupError("PLUMBLINE_PSEUDONYM_KEY is not set, and alerts name their subjects by it.")
    folder = (out or root / "look_back" / _name(request)).absolute()
    if folder.exists() and not (folder / "manifest.json").exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds something else than a look-back: choose another --out.")
    with run_lock.hold(root, "look-back", say, run_lock.LOOKING_BACK):
        work = root / "look_back" / ".work"
        try:
            progress.report("copying the warehouse")
            planned = copies.copy_warehouse(root, work, say, lambda connection: plan(request, connection))
            found = _replay(planned, work)
            draft = work / "results"
            summary = _write(planned, found, draft)
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(draft, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Done(folder, planned, summary)


def _replay(planned: Plan, work: Path) -> tuple[dict[str, pa.Table], list[dict[str, Any]]]:
    """All tables of the results, and the fingerprints of the inputs."""
    request = planned.request
    models = live_scenarios()
    replay = Replay(work, {one: models[one] for one in request.scenarios})
    whose = _selection(request)
    values = tables.asked(planned, whose)
    compare.keep_raised(replay, planned)
    replay.forget_alerts_from(planned.knowledge)
    if planned.is_built:
        replay.raise_alerts()
    else:
        replay.show(planned.knowledge)
        replay.build_whole()
    progress.report("comparing with the alerts raised then")
    facts = compare.compare(replay, planned, whose)
    with replay.connect() as connection:
        found = {name: tables.read(connection, query, values) for name, query in tables.EARLY.items()}
        found |= tables.sampling(connection, planned, whose, models)
        progress.report("fingerprints of what was read")
        raw = manifest.inputs(connection, planned)
    if request.steps:
        found |= tables.what_if(*what_if.run(replay, planned, whose))
    progress.report("finding the causes of the differences")
    compare.explain(replay, planned, whose, facts)
    with replay.connect() as connection:
        found |= {name: tables.read(connection, query, values) for name, query in tables.LATE.items()}
    return found, raw


def _write(planned: Plan, found: tuple[dict[str, pa.Table], list[dict[str, Any]]], folder: Path) -> dict[str, Any]:
    progress.report("writing tables and report")
    results, raw = found
    folder.mkdir()
    files = []
    for name, table in results.items():
        files.append(folder / f"{name}.parquet")
        tables.write(table, files[-1])
    summary = report.summarise(results)
    made = manifest.make(planned, results, raw, files)
    (folder / "report.html").write_text(report.page(planned, results, summary, made), encoding="utf-8")
    made["files"]["report.html"] = hashlib.sha256((folder / "report.html").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return summary


def _selection(request: Request) -> compare.Selection:
    key = os.environ["PLUMBLINE_PSEUDONYM_KEY"]
    keys = (hashlib.sha256(f"{key}:{one}".encode()).hexdigest()[:32] for one in request.subjects)
    return compare.Selection(request.subjects, tuple(keys), key)


def _name(request: Request) -> str:
    known = request.known_as_of.isoformat().replace(":", "-") + "Z" if request.known_as_of else "now"
    asked = repr((request.scenarios, request.steps, request.subjects, request.raised_by))
    narrowed = request.steps or request.subjects or request.raised_by or request.scenarios != tuple(live_scenarios())
    more = f"_{hashlib.sha256(asked.encode()).hexdigest()[:8]}" if narrowed else ""
    return f"{request.first}_{request.last}_known-{known}{more}"
