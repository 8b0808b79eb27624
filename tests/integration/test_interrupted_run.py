"""`kill -9` at any moment, and the next run ends in the same warehouse as an undisturbed one."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from main_job import SMALL_WORLD, command, environment, fingerprints

pytestmark = pytest.mark.slow
MOMENTS = random.Random(20260401).sample(range(2, 24), 3)


@pytest.mark.parametrize("seconds", MOMENTS)
def test_killed_run_then_run_equals_undisturbed_run(seconds: int, tmp_path: Path, finished_home: Path, plumbline):
    home = tmp_path / "home"
    process = subprocess.Popen(
        command("run", *SMALL_WORLD), env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    result = plumbline("run", *SMALL_WORLD, home=home)
    assert result.returncode == 0, result.stdout + result.stderr
    undisturbed, resumed = fingerprints(finished_home / "warehouse.duckdb"), fingerprints(home / "warehouse.duckdb")
    assert {name for name in undisturbed if undisturbed[name] != resumed.get(name)} == set()
    assert undisturbed.keys() == resumed.keys()


def test_running_twice_changes_nothing(home_copy: Path, plumbline):
    before = fingerprints(home_copy / "warehouse.duckdb")
    result = plumbline("run", home=home_copy)
    assert result.returncode == 0, result.stdout + result.stderr
    after = fingerprints(home_copy / "warehouse.duckdb")
    assert {name for name in before if before[name] != after.get(name)} == set()
