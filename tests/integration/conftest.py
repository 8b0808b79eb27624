"""Running the main job as its users do, on a small sandbox exchange that all tests of a session share."""

import fcntl
import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import hand_made_raw as raw
import pytest
from main_job import REPOSITORY, SMALL_WORLD, command, environment

from ingestion import pipeline

CONFORMED = ("+fct_feed_totals", "+int_transfer_legs", "+int_population_rows", "+int_watchlist_changes")


@pytest.fixture(scope="session")
def plumbline() -> Callable[..., subprocess.CompletedProcess]:
    """Calls `plumbline` in a process of its own: plumbline("run", home=..., code=...) -> CompletedProcess."""

    def call(
        *arguments: str, home: Path, code: Path = REPOSITORY, seconds: int = 600, **more: str
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            command(*arguments),
            env=environment(home, code, **more),
            cwd=code,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    return call


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory, plumbline) -> Path:
    """A data directory in which the main job ran once, undisturbed. Shared: copy it before changing anything."""
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent
    home = root / "finished_home"
    with (root / "finished_home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "finished_home.done").exists():
            result = plumbline("run", *SMALL_WORLD, home=home)
            assert result.returncode == 0, result.stdout + result.stderr
            (root / "finished_home.done").write_text(result.stdout)
    return home


@pytest.fixture
def home_copy(finished_home: Path, tmp_path: Path) -> Path:
    """A copy of the finished data directory that a test may change."""
    return Path(shutil.copytree(finished_home, tmp_path / "home", symlinks=True))


@pytest.fixture
def code_copy(tmp_path: Path) -> Path:
    """A copy of the code, for planting a defect in it."""
    folder = tmp_path / "code"
    for name in ("checks", "dbt_project", "ingestion", "orchestration", "sandbox"):
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("target", "logs", "__pycache__")
        )
    for name in ("workspace.yaml", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder / name)
    if (REPOSITORY / ".dlt").exists():
        shutil.copytree(REPOSITORY / ".dlt", folder / ".dlt")
    return folder


@pytest.fixture(scope="session")
def status(plumbline) -> Callable[..., dict]:
    """The accounting of the last run in a data directory, as `plumbline status --json` prints it."""

    def read(home: Path, code: Path = REPOSITORY) -> dict:
        return json.loads(plumbline("status", "--json", home=home, code=code).stdout)

    return read


@pytest.fixture(scope="session")
def conformed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the hand-made awkward rows in raw, one load that did not complete, and the models over them
    up to the accounting of the feeds. Shared: copy it before changing anything."""
    home = tmp_path_factory.mktemp("conformed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(home))
        for feed in raw.FEEDS:
            source = getattr(importlib.import_module(f"ingestion.{feed}"), f"{feed}_source")
            pipeline.run(source(), feed)
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        raw.allow_missing_values(connection)
        rows = raw.awkward_rows()
        raw.fill(connection, rows, "first")
        deposit = next(entry for entry in rows if entry["table"] == "exchange.deposits")
        crashed = deposit | {"known_at": "2026-02-01", "row": deposit["row"] | {"deposit_id": "D9"}}
        raw.fill(connection, [crashed], "crashed", completed=False)
    raw.build(home, "--select", *CONFORMED)
    return home
