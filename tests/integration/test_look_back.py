"""`plumbline run --as-of`: the past is rebuilt aside, byte for byte, and the present stays as it is."""

import shutil
from pathlib import Path

import pytest
from main_job import digest, fingerprints

pytestmark = pytest.mark.nightly
FIRST_RUN_AS_OF = "2026-01-21T02:00:00Z"


@pytest.fixture(scope="module")
def home(continued_home: Path, tmp_path_factory) -> Path:
    """A data directory with two runs, the second of which brought new deliveries and raised alerts."""
    return Path(shutil.copytree(continued_home, tmp_path_factory.mktemp("look_back") / "home", symlinks=True))


@pytest.fixture(scope="module")
def looked_back(home: Path, plumbline, status) -> tuple[dict, dict, str]:
    """What there was before and after looking back, and what the run printed."""

    def present() -> dict:
        return {
            "warehouse": digest(home / "warehouse.duckdb"),
            "published": (home / "published/current").resolve(),
            "status": status(home),
        }

    before = present()
    # No feed is read, also where one is set up: this one would end the run.
    nowhere = {"SOURCES__EXCHANGE__BUCKET_URL": "/nowhere/at/all"}
    result = plumbline("run", "--as-of", FIRST_RUN_AS_OF, home=home, **nowhere)
    assert result.returncode == 0, result.stdout + result.stderr
    return before, present(), result.stdout


def test_the_present_stays_as_it_is(looked_back):
    before, after, _ = looked_back
    assert before == after


def test_the_run_says_that_it_looked_back_and_where(looked_back, home):
    _, _, said = looked_back
    assert f"A look back: what was known at 2026-01-21 02:00:00 UTC. {home} stays as it is." in said.replace("\n", " ")
    assert f"{home}/as_of/2026-01-21T02-00-00Z/published/current/plumbline.duckdb" in said


def test_everything_is_as_it_was_when_that_instant_was_the_present(looked_back, home, finished_home):
    """The marts of a run made then, and those rebuilt now for then, are the same rows."""
    then = fingerprints(finished_home / "warehouse.duckdb")
    rebuilt = fingerprints(home / "as_of/2026-01-21T02-00-00Z/warehouse.duckdb")
    present = fingerprints(home / "warehouse.duckdb")
    built = {name for name in then if not name.startswith("raw_")}
    assert {name for name in built if then[name] != rebuilt[name]} == set()
    assert then["marts.fct_alerts"] != present["marts.fct_alerts"], "nothing has changed since: this shows nothing"


def test_features_are_exported_as_they_were_then(looked_back, home, finished_home, tmp_path, plumbline):
    then, rebuilt = tmp_path / "then.parquet", tmp_path / "rebuilt.parquet"
    assert plumbline("features", "export", str(then), home=finished_home).returncode == 0
    assert plumbline("features", "export", str(rebuilt), "--as-of", FIRST_RUN_AS_OF, home=home).returncode == 0
    assert digest(then) == digest(rebuilt)


def test_a_look_back_is_no_place_to_look_back_from(looked_back, home, plumbline):
    folder = home / "as_of/2026-01-21T02-00-00Z"
    result = plumbline("run", "--as-of", "2026-01-02", home=folder)
    assert result.returncode == 2
    assert f"Set PLUMBLINE_HOME to {home}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--as-of", "yesterday"), "is no ISO date or time"),
        (("--as-of", "2026-01-02", "--days", "3"), "reads no feed"),
        (("--as-of", "2026-01-02"), "There is no warehouse yet"),
    ],
)
def test_what_cannot_be_looked_back_at_is_refused(plumbline, tmp_path, arguments, words):
    result = plumbline("run", *arguments, home=tmp_path / "home")
    assert result.returncode == 2
    assert words in result.stderr
