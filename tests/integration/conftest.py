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
from dbt_command import build
from main_job import REPOSITORY, SMALL_WORLD, command, deliver_one_more_day, environment

from ingestion import pipeline

CONFORMED = ("+fct_feed_totals", "+int_transfer_legs", "+int_population_rows", "+int_watchlist_changes")


def _shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of a session share."""
    root = tmp_path_factory.getbasetemp()
    return root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root


@pytest.fixture(scope="session")
def plumbline(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess]:
    """Calls `plumbline` in a process of its own: plumbline("run", home=..., code=...) -> CompletedProcess.

    An empty home gets what dbt parsed and which lineage was found for `finished_home`, which saves each run in a home
    of its own several seconds. Only `finished_home` itself starts from nothing.
    """
    root = _shared_root(tmp_path_factory)

    def call(
        *arguments: str, home: Path, code: Path = REPOSITORY, seconds: int = 600, **more: str
    ) -> subprocess.CompletedProcess:
        if (root / "finished_home.done").exists() and not (home / "dbt").exists():
            shutil.copytree(root / "finished_home/dbt", home / "dbt", ignore=shutil.ignore_patterns("warehouse-*"))
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

    def make(home: Path) -> None:
        result = plumbline("run", *SMALL_WORLD, home=home)
        assert result.returncode == 0, result.stdout + result.stderr

    return _made_once(tmp_path_factory, "finished_home", make)


@pytest.fixture(scope="session")
def continued_home(tmp_path_factory: pytest.TempPathFactory, plumbline, finished_home: Path) -> Path:
    """`finished_home` after one more day of deliveries and a second, undisturbed run. Shared as well."""

    def make(home: Path) -> None:
        shutil.copytree(finished_home, home, symlinks=True)
        deliver_one_more_day(home)
        result = plumbline("run", home=home)
        assert result.returncode == 0, result.stdout + result.stderr

    return _made_once(tmp_path_factory, "continued_home", make)


def _made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder made by whichever worker of the test run needs it first."""
    root = _shared_root(tmp_path_factory)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / f"{name}.done").exists():
            make(root / name)
            (root / f"{name}.done").touch()
    return root / name


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
    build(home, "--select", *CONFORMED)
    return home
