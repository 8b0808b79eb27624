"""The command line: what it prints, its exit codes, and that it answers at once."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from orchestration import accounting, figures, run_lock

FEEDS = {
    "exchange", "kyc", "bank", "onchain", "chainalysis", "trm", "elliptic", "watchlists",
    "cases", "tagpacks", "prices", "travel_rule", "behaviour",
}  # fmt: skip
SCENARIOS = {f"TM{number:02}" for number in range(1, 48)}
HOLD = """
import duckdb, sys
from pathlib import Path
from orchestration import run_lock
home = Path(sys.argv[1])
with run_lock.hold(home, "live", print):
    connection = duckdb.connect(str(home / "warehouse.duckdb"))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writing(home_copy):
    """Another process that holds the run lock and the warehouse, as a live run does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home_copy)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["status", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\nfrom orchestration.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\n"
        "print(sorted({'dagster', 'dlt', 'dbt', 'soda_core', 'duckdb', 'pandas', 'rich'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed.splitlines()[-1] == "[]"
    assert "Usage:" in printed


def test_before_the_first_run_status_says_what_to_do(plumbline, tmp_path):
    result = plumbline("status", home=tmp_path / "nothing")
    assert result.returncode == 2
    assert "plumbline run" in result.stderr
    result = plumbline("status", "--json", home=tmp_path / "nothing")
    assert result.returncode == 2
    assert json.loads(result.stdout) == accounting.public(None)
    assert not (tmp_path / "nothing").exists()


def test_a_trusted_run_ends_with_everything_on_one_screen(plumbline, finished_home):
    result = plumbline("status", home=finished_home)
    assert result.returncode == 0
    for words in (" TRUSTED ", "Feeds", "Scenarios", "Key risk indicators", "Checks", "make ui", "published/current"):
        assert words in result.stdout
    for name in FEEDS | SCENARIOS:
        assert name in result.stdout
    assert len(result.stdout.splitlines()) - len(SCENARIOS) < 68  # and one line a scenario


def test_the_json_has_the_documented_shape(status, finished_home):
    found = status(finished_home)
    assert list(found) == ["trusted", "run", "feeds", "scenarios", "checks", "kris"]
    assert found["trusted"] is True
    assert set(found["run"]) == {"id", "started_at", "finished_at", "target"}
    assert found["run"]["target"] == "duckdb"

    counts = set(figures.FEED_COUNTS)
    for feed in found["feeds"]:
        assert (
            counts | {"feed", "configured", "stale"}
            <= set(feed)
            <= counts | {"feed", "configured", "stale"} | set(figures.FEED_USD)
        )
    assert {feed["feed"] for feed in found["feeds"]} == FEEDS
    assert {feed["feed"] for feed in found["feeds"] if not feed["configured"]} == {"trm", "elliptic"}
    assert all(feed["stale"] is None for feed in found["feeds"])

    columns = {"scenario", "version", "population", "evaluated", "excluded", "not_evaluable", "errored", "unexplained"}
    assert all(set(scenario) == columns | {"alerts", "alerts_new"} for scenario in found["scenarios"])
    assert {scenario["scenario"] for scenario in found["scenarios"]} == SCENARIOS

    assert found["checks"]["failed"] == 0
    assert found["checks"]["failed_names"] == []
    assert found["checks"]["passed"] > 300
    assert all(set(kri) == {"kri", "value", "unit", "as_of", "rag"} for kri in found["kris"])
    assert len(found["kris"]) >= 10


def test_the_numbers_add_up(status, finished_home):
    found = status(finished_home)
    for feed in found["feeds"]:
        assert feed["source_rows"] == feed["raw_rows"] + feed["rejected_rows"]
        assert feed["source_rows"] > 0 or not feed["configured"]
        assert feed["raw_rows"] == feed["superseded_rows"] + feed["monitored_rows"] + feed["out_of_scope_rows"]
        assert Decimal(feed.get("unexplained_usd", "0")) == feed["unexplained_rows"] == 0
    exchange = next(feed for feed in found["feeds"] if feed["feed"] == "exchange")
    assert Decimal(exchange["source_usd"]) > 0
    for row in found["scenarios"]:
        parts = ("evaluated", "excluded", "not_evaluable", "errored", "unexplained")
        assert row["population"] == sum(row[part] for part in parts) > 0
    assert sum(row["alerts"] for row in found["scenarios"]) > 0


def test_status_answers_while_a_run_is_writing(plumbline, home_copy, writing):
    assert plumbline("status", "--json", home=home_copy).returncode == 0


def test_status_shows_the_run_before_while_one_is_at_work(plumbline, home_copy, writing):
    before = accounting.last(home_copy)
    live = {**before, "outcome": accounting.RUNNING, "run": {**before["run"], "id": "live", "started_at": "2999-01-01"}}
    (home_copy / "accounting" / "live.json").write_text(json.dumps(live))
    result = plumbline("status", "--json", home=home_copy)
    assert result.returncode == 0
    assert "Run live is at work" in result.stderr
    assert json.loads(result.stdout)["run"]["id"] == before["run"]["id"]


def test_a_killed_run_did_not_finish(plumbline, home_copy):
    before = accounting.last(home_copy)
    dead = {**before, "outcome": accounting.RUNNING, "run": {**before["run"], "id": "dead", "started_at": "2999-01-01"}}
    (home_copy / "accounting" / "dead.json").write_text(json.dumps(dead))
    assert run_lock.holder(home_copy) is None
    result = plumbline("status", home=home_copy)
    assert result.returncode == 2
    assert "DID NOT FINISH" in result.stdout
    result = plumbline("status", "--json", home=home_copy)
    assert result.returncode == 2
    found = json.loads(result.stdout)
    assert (found["trusted"], found["run"]["id"]) == (False, "dead")


def test_another_world_is_refused(plumbline, home_copy):
    result = plumbline("run", "--seed", "12", home=home_copy)
    assert result.returncode == 2
    assert "another sandbox exchange (120 customers, 20 days, seed 11)" in result.stderr


def test_sandbox_options_and_real_feeds_do_not_mix(plumbline, tmp_path):
    result = plumbline("run", "--config", str(tmp_path), "--days", "3", home=tmp_path / "home")
    assert result.returncode == 2
    assert "belong to the sandbox exchange" in result.stderr


def test_a_feed_that_is_wrongly_set_up_ends_the_run_with_its_own_words(plumbline, tmp_path):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text('[sources.exchange]\nbucket_url = "/nowhere/at/all"\n')
    result = plumbline("run", "--config", str(tmp_path), home=tmp_path / "home")
    assert result.returncode == 2
    assert "/nowhere/at/all is not a folder" in result.stdout.replace("\n", " ")


@pytest.mark.parametrize("command", ["run", "ui"])
def test_the_sandbox_and_real_feeds_never_meet_in_one_warehouse(plumbline, home_copy, tmp_path, command):
    result = plumbline(command, "--config", str(tmp_path), home=home_copy)
    assert result.returncode != 0
    assert "was loaded from the sandbox exchange. Leave --config out" in result.stderr

    (home_copy / "origin.json").write_text(json.dumps({"kind": "config", "config": str(tmp_path)}))
    result = plumbline(command, home=home_copy)
    assert result.returncode != 0
    assert f"was loaded with --config {tmp_path}. Give that one" in result.stderr
    result = plumbline(command, "--config", str(tmp_path / ".."), home=home_copy)
    assert f"was loaded with --config {tmp_path}. Give that one" in result.stderr


def test_a_world_can_be_made_by_itself(plumbline, tmp_path):
    arguments = ("sandbox", "generate", str(tmp_path / "world"), "--customers", "20", "--days", "3")
    assert plumbline(*arguments, home=tmp_path / "home").returncode == 0
    assert "holds this world already" in plumbline(*arguments, home=tmp_path / "home").stdout
    assert {"landing", "truth", "vendor"} <= {path.name for path in (tmp_path / "world").iterdir()}
