"""`kill -9` at any stage, and the next run ends in the same warehouse as an undisturbed one.

Runs are killed when they say that they have reached a stage, one after the other on the same data directory, so that
each of them also starts from what the one before left behind.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from main_job import SMALL_WORLD, deliver_one_more_day, environment, fingerprints

pytestmark = pytest.mark.nightly

# Every line of progress is printed, and a killed run is taken for dead at once instead of after some seconds.
OUTSPOKEN = (
    "from orchestration import run_lock, screen\n"
    "screen.PLAIN_EVERY_SECONDS = 0\n"
    "run_lock.GRACE_SECONDS = 0.5\n"
    "from orchestration.cli import main\n"
    "main()\n"
)
FIRST_RUN = (
    r"kyc: loading",  # some feeds are in, one is half way
    r"contracts: 2/\d+ raw_exchange\.",
)
SECOND_RUN = (
    r"dbt: \d+/\d+ fct_alerts",  # the ledger has grown, what follows from it has not
    r"publishing the marts",
)


def kill_at(stage: str, home: Path, *options: str) -> None:
    """Starts a run and kills its process (not its children: the machine would not either) when it reports `stage`."""
    process = subprocess.Popen(
        [sys.executable, "-c", OUTSPOKEN, "run", *options],
        env=environment(home, COLUMNS="300"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if re.search(stage, line):
                break
        else:
            pytest.fail(f"the run ended before it reported {stage!r}:\n{''.join(said)}")
        assert process.poll() is None, "the run was over before it could be killed"
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    assert process.returncode == -9


def assert_same(undisturbed: Path, resumed: Path) -> None:
    expected, found = (fingerprints(home / "warehouse.duckdb") for home in (undisturbed, resumed))
    assert {name for name in expected if expected[name] != found.get(name)} == set()
    assert expected.keys() == found.keys()


def assert_readers_see_one_version(home: Path) -> None:
    current = home / "published/current"
    rows = json.loads((current / "version.json").read_text())["rows"]
    with duckdb.connect(str(current / "plumbline.duckdb"), read_only=True) as reader:
        assert {table: reader.table(f"marts.{table}").count("*").fetchall()[0][0] for table in rows} == rows


@pytest.fixture(scope="module")
def home(tmp_path_factory, finished_home) -> Path:
    """A data directory with the shared sandbox exchange, before its first run."""
    folder = tmp_path_factory.mktemp("killed") / "home"
    shutil.copytree(finished_home / "sandbox", folder / "sandbox")
    return folder


def test_a_first_run_killed_at_every_stage(home: Path, finished_home: Path, plumbline):
    for stage in FIRST_RUN:
        kill_at(stage, home, *SMALL_WORLD)
    result = plumbline("run", *SMALL_WORLD, home=home)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "was killed earlier; it is marked as failed now" in result.stdout
    told = (home / "alerts.log").read_text().count("The process of this run ended before the run did.")
    assert told == len(FIRST_RUN), "each killed run is told of once"
    assert_same(finished_home, home)


def test_a_second_run_with_new_deliveries_killed_at_every_stage(home: Path, continued_home: Path, plumbline, status):
    """Continues the test above: the ledger is filled, and the new deliveries add to it exactly once."""
    deliver_one_more_day(home)
    for stage in SECOND_RUN:
        kill_at(stage, home)
        assert_readers_see_one_version(home)
    result = plumbline("run", home=home)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_same(continued_home, home)
    raised = {row["scenario"]: row["alerts_new"] for row in status(continued_home)["scenarios"]}
    assert raised["TM01"] == 1, "the new deliveries were to raise an alert"
