"""dbt on the warehouse of a data directory, in this process, which reads the project once.

Starting dbt and reading the project take ten seconds, and what most tests build takes one.
"""

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from orchestration.dbt import here


@dataclass(frozen=True)
class Outcome:
    """What became of one command: by name of the node, what dbt says of those that failed and that warned."""

    failed: dict[str, str]
    warned: dict[str, str]


def dbt(home: Path, *arguments: str) -> Outcome:
    """Runs one dbt command on home/warehouse.duckdb and lets go of the file. Raises where dbt could not run at all."""
    done = _invoke(home, _manifest(), *arguments)
    if done.exception:
        raise done.exception
    found = [(result.node.name, str(result.status), result.message or "") for result in done.result.results]
    outcome = Outcome(
        {name: message for name, status, message in found if status in ("error", "fail", "skipped")},
        {name: message for name, status, message in found if status == "warn"},
    )
    assert done.success == (not outcome.failed), found
    return outcome


def build(home: Path, *arguments: str) -> None:
    """One dbt build, without tests, of what the arguments select; a failure raises."""
    failed = dbt(home, "build", *arguments, "--exclude-resource-type", "test", "unit_test").failed
    assert not failed, failed


def compiled(name: str) -> str:
    """The SQL that the last dbt command of this process made of a model or test."""
    return next((_target() / "compiled").rglob(f"{name}.sql")).read_text()


@cache
def _target() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="plumbline-dbt-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _manifest() -> Manifest:
    parsed = _invoke(_target(), None, "parse")
    if parsed.exception:
        raise parsed.exception
    return parsed.result


def _invoke(home: Path, manifest: Manifest | None, *arguments: str) -> dbtRunnerResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_TARGET", "duckdb")
        patch.setenv("PLUMBLINE_PSEUDONYM_KEY", "a test's key")
        return here(home, _target(), *arguments, manifest=manifest)
