"""`kill -9` at random points of loading, twenty times, and then a load: the raw tables are those of a quiet load."""

import multiprocessing
import random
import time
from pathlib import Path

import pytest
from all_feeds import load
from main_job import fingerprints

from sandbox import vendor
from sandbox.world import generate

pytestmark = pytest.mark.slow

DAYS, KILLS, SEED = 12, 20, 20261122
LONGEST = 2.5
"""Seconds after which a load is killed at the latest; a whole one takes longer."""


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate(folder, customers=40, days=DAYS, seed=5)
    return folder


def in_child(context, *arguments, seconds: float | None = None) -> bool:
    """Runs `load` in a process of its own; whether it was killed, after `seconds`."""
    child = context.Process(target=load, args=arguments)
    child.start()
    child.join(seconds)
    killed = child.is_alive()
    if killed:
        child.kill()
        child.join()
    assert killed or child.exitcode == 0
    return killed


def test_killed_twenty_times_then_a_load_equals_a_quiet_load(world, tmp_path):
    context, chance = multiprocessing.get_context("forkserver"), random.Random(SEED)
    # What takes seconds to import is imported once, so that a kill meets a load and not Python's start.
    context.set_forkserver_preload(["dlt", "duckdb", "pyarrow.parquet", "ingestion.chainalysis", "ingestion.bank"])
    killed = 0
    with vendor.start(world) as server:
        in_child(context, tmp_path / "quiet", world / "landing", server.kyt_url, None)
    started = time.monotonic()
    with vendor.start(world) as server:
        for kill in range(KILLS):
            # First the deliveries of ever more days, then everything and the vendor.
            kyt_url, last_day = (None, 1 + kill) if kill < KILLS // 2 else (server.kyt_url, None)
            after = chance.uniform(0.05, LONGEST)
            killed += in_child(context, tmp_path / "home", world / "landing", kyt_url, last_day, seconds=after)
        in_child(context, tmp_path / "home", world / "landing", server.kyt_url, None)
    assert killed >= KILLS * 3 // 4, f"only {killed} of {KILLS} were killed in {time.monotonic() - started:.0f} s"
    quiet = fingerprints(tmp_path / "quiet/warehouse.duckdb")
    found = fingerprints(tmp_path / "home/warehouse.duckdb")
    assert len(quiet) > 40
    assert {name for name in quiet.keys() | found.keys() if quiet.get(name) != found.get(name)} == set()
