"""`kill -9` at twenty points spread over all of loading, then a load: the raw tables are those of a quiet load."""

import multiprocessing
import random
import time
from collections.abc import Mapping
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from all_feeds import load, settings
from main_job import fingerprints

from orchestration.assets.feeds import FEEDS
from sandbox import vendor
from sandbox.world import generate

pytestmark = pytest.mark.nightly

KILLS, SEED = 20, 20261122
FIRST_REST = 0.05
"""Seconds after a feed begins before which nothing of it can have happened."""


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate(folder, customers=20, days=4, seed=5, start=date(2026, 1, 1))
    return folder


class Child:
    """A process that loads the feeds from one on, and says when each begins. What takes seconds to import is imported
    once, so that a kill meets a load and not Python's start."""

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["dlt", "duckdb", "pyarrow.parquet", "orchestration.assets.feeds", "sandbox.vendor"]
        + [f"ingestion.{feed}" for feed in FEEDS]
    )

    def __init__(self, home: Path, configured: Mapping[str, str], first: int) -> None:
        self._told, telling = self.context.Pipe(duplex=False)
        self._process = self.context.Process(target=_load, args=(home, dict(configured), FEEDS[first:], telling))
        self._process.start()
        telling.close()

    def begun(self) -> str | None:
        """The next feed that begins; None where the process is through."""
        try:
            return self._told.recv()
        except EOFError:
            return None

    def finish(self) -> None:
        self._process.join()
        assert self._process.exitcode == 0

    def kill(self, after: float) -> bool:
        """Kills the process after so many seconds; whether it was still there."""
        self._process.join(after)
        killed = self._process.is_alive()
        self._process.kill()
        self._process.join()
        assert killed or self._process.exitcode == 0
        return killed


def _load(home: Path, configured: dict[str, str], feeds: tuple[str, ...], telling: Connection) -> None:
    load(home, configured, feeds, telling.send)


def quiet_load(home: Path, configured: Mapping[str, str]) -> list[float]:
    """Loads everything undisturbed; gives the seconds of each feed."""
    child, moments = Child(home, configured, 0), []
    while child.begun():
        moments.append(time.monotonic())
    child.finish()
    moments.append(time.monotonic())
    return [end - begin for begin, end in zip(moments, moments[1:], strict=False)]


def points(seconds: list[float]) -> list[tuple[int, float]]:
    """A random point in each of twenty equal parts of a load: the feed's place, and the seconds since it began."""
    chance, found = random.Random(SEED), []
    for part in range(KILLS):
        at, feed = sum(seconds) * (part + chance.random()) / KILLS, 0
        while at > seconds[feed] and feed < len(seconds) - 1:
            at, feed = at - seconds[feed], feed + 1
        found.append((feed, at))
    return found


def test_killed_twenty_times_then_a_load_equals_a_quiet_load(world, tmp_path):
    quiet, home = tmp_path / "quiet", tmp_path / "home"
    with vendor.start(world) as server:
        seconds = quiet_load(quiet, settings(world, server.url))
    assert len(seconds) == len(FEEDS)
    killed, met, first = 0, set(), 0
    with vendor.start(world) as server:
        configured = settings(world, server.url)
        for feed, after in points(seconds):
            child = Child(home, configured, first)
            while (begun := child.begun()) not in (FEEDS[feed], None):
                pass
            killed += child.kill(max(after, FIRST_REST))
            met.add(begun)
            first = feed  # the next one loads what this one was killed in
        quiet_load(home, configured)
    assert killed >= KILLS * 3 // 4, f"only {killed} of {KILLS} were killed"
    assert len(met) >= len(FEEDS) * 2 // 3, f"the kills met {met} only"
    expected, found = (fingerprints(one / "warehouse.duckdb") for one in (quiet, home))
    assert len(expected) > 60
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()
