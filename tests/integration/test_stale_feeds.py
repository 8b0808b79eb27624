"""One dead vendor does not stop the run; one wrong delivery stops its feed, says what to do, and nothing else."""

import json
import shutil
import urllib.request
from pathlib import Path

import duckdb
import pytest
from main_job import SMALL_WORLD, fingerprints

from sandbox import vendor
from sandbox.vendor import CONTROL_PATH, KYT_PATH, ServerProcess
from sandbox.vendor.faults import ADDED

pytestmark = pytest.mark.nightly
FILE_FEEDS = ("exchange", "kyc", "bank", "onchain", "cases", "tagpacks", "prices", "travel_rule", "behaviour")


@pytest.fixture(scope="module")
def world(tmp_path_factory, plumbline) -> Path:
    folder = tmp_path_factory.mktemp("stale") / "world"
    made = plumbline("sandbox", "generate", str(folder), *SMALL_WORLD, home=folder.parent / "unused")
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture
def server(world):
    with vendor.start(world) as started:
        yield started


def switch(server: ServerProcess, **on: object) -> None:
    request = urllib.request.Request(server.url + CONTROL_PATH, json.dumps(on).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def only_files(folder: Path, landing: Path, *feeds: str) -> Path:
    """A folder for `plumbline run --config` with these feeds and no others."""
    (folder / ".dlt").mkdir(parents=True)
    lines = [f'[sources.{feed}]\nbucket_url = "{landing / feed}"\n' for feed in feeds]
    (folder / ".dlt/config.toml").write_text("\n".join(lines))
    return folder


def configured(folder: Path, landing: Path, server: ServerProcess, attempts: int = 3) -> Path:
    """A folder for `plumbline run --config` whose feeds are the world's files and this server."""
    lines = [f'[sources.{feed}]\nbucket_url = "{landing / feed}"\n' for feed in FILE_FEEDS]
    lines.append(f'[sources.watchlists]\nofac_sdn_url = "{landing / "ofac"}"\n')
    lines.append(f'[sources.chainalysis]\napi_url = "{server.kyt_url}"\npoll_seconds = 1.5\nattempts = {attempts}\n')
    (folder / ".dlt").mkdir(parents=True)
    (folder / ".dlt/config.toml").write_text("\n".join(lines))
    (folder / ".dlt/secrets.toml").write_text(f'[sources.chainalysis]\napi_key = "{server.token}"\n')
    return folder


def test_a_dead_vendor_makes_its_feed_stale_and_the_next_run_catches_up(
    world, server, tmp_path, plumbline, status, finished_home
):
    home, config = tmp_path / "home", configured(tmp_path / "config", world / "landing", server)
    run = ("run", "--config", str(config))
    switch(server, down=[KYT_PATH])
    result = plumbline(*run, home=home, PLUMBLINE_PSEUDONYM_KEY="sandbox")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "NOT TO BE TRUSTED" in result.stdout and "chainalysis (stale)" in result.stdout
    assert "Feed chainalysis is stale: Chainalysis KYT at" in result.stdout
    found = status(home)
    stale = {feed["feed"]: feed["stale"] for feed in found["feeds"]}
    assert "HTTP 503" in stale.pop("chainalysis")
    assert set(stale.values()) == {None}
    assert found["checks"]["failed_names"] == ["raw_chainalysis/control_totals is_up_to_date"]
    assert (home / "published/current").exists(), "everything that does not need the vendor is published"
    assert all(feed["source_rows"] for feed in found["feeds"] if feed["configured"] and not feed["stale"])

    switch(server)
    result = plumbline(*run, home=home, PLUMBLINE_PSEUDONYM_KEY="sandbox")
    assert result.returncode == 0, result.stdout + result.stderr
    undisturbed, caught_up = fingerprints(finished_home / "warehouse.duckdb"), fingerprints(home / "warehouse.duckdb")
    assert {name for name in undisturbed if undisturbed[name] != caught_up.get(name)} == set()


def test_every_fault_at_once_ends_in_the_same_warehouse(world, server, tmp_path, plumbline, finished_home):
    home, config = tmp_path / "home", configured(tmp_path / "config", world / "landing", server, attempts=7)
    switch(server, all=True, limits=0.005, seed=20261122)
    result = plumbline("run", "--config", str(config), home=home, PLUMBLINE_PSEUDONYM_KEY="sandbox")
    assert result.returncode == 0, result.stdout + result.stderr
    with urllib.request.urlopen(server.url + CONTROL_PATH, timeout=5) as answer:
        done = json.loads(answer.read())["done"]
    assert {"cuts", "duplicates", "errors", "limits", "reorders"} <= {kind for kind, times in done.items() if times}
    quiet, disturbed = fingerprints(finished_home / "warehouse.duckdb"), fingerprints(home / "warehouse.duckdb")
    assert {name for name in quiet if quiet[name] != disturbed.get(name)} == set()


def test_a_wrong_delivery_stops_its_feed_only_and_a_new_field_warns(world, server, tmp_path, plumbline, status):
    landing = Path(shutil.copytree(world / "landing", tmp_path / "landing"))
    spoilt = max((landing / "prices").rglob("rates.*"))
    spoilt.write_bytes(spoilt.read_bytes() + b"one line too many")
    home, config = tmp_path / "home", configured(tmp_path / "config", landing, server)
    switch(server, drift=True)
    result = plumbline("run", "--config", str(config), home=home, PLUMBLINE_PSEUDONYM_KEY="sandbox")
    assert result.returncode == 2, result.stdout + result.stderr
    said = " ".join(result.stdout.split())
    assert "The step raw_prices failed: Feed prices was not loaded:" in said
    assert spoilt.name in said and "run again once this is put right" in said
    found = status(home)
    assert "raw_chainalysis/control_totals has_known_fields" in found["checks"]["warned_names"]
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        for table in ("raw_exchange.deposits", "raw_bank.entries", "raw_kyc.parties", "raw_chainalysis.transfers"):
            assert warehouse.table(table).limit(1).fetchall(), table
        kept = "select count(*) from raw_chainalysis.transfers where answer_json not like ?"
        assert warehouse.execute(kept, [f"%{ADDED}%"]).fetchone() == (0,)


def test_a_day_that_the_ledger_lacks_stops_the_run_and_is_named(world, tmp_path, plumbline, status):
    landing = Path(shutil.copytree(world / "landing", tmp_path / "landing"))
    lost, late = sorted((landing / "exchange").glob("delivery=*"))[3], sorted((landing / "prices").glob("delivery=*"))
    for folder in (lost, *late[-3:]):
        shutil.rmtree(folder)
    home, config = tmp_path / "home", only_files(tmp_path / "config", landing, "exchange", "prices")
    result = plumbline("run", "--config", str(config), home=home, PLUMBLINE_PSEUDONYM_KEY="sandbox")
    assert result.returncode == 1, result.stdout + result.stderr
    day = lost.name.removeprefix("delivery=")
    said = " ".join(result.stdout.split())
    assert "NOT TO BE TRUSTED" in said and f"Feed exchange has deliveries before and after, but none of {day}." in said
    found = status(home)
    assert found["checks"]["failed_names"] == ["raw_exchange/control_totals has_every_day"]
    assert "raw_prices/control_totals is_fresh" in found["checks"]["warned_names"]
    assert not (home / "published/current").exists()
