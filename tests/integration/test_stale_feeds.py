"""One dead vendor does not stop the run; one wrong delivery stops its feed, says what to do, and nothing else."""

import json
import urllib.request
from pathlib import Path

import pytest
from main_job import SMALL_WORLD, fingerprints

from sandbox import vendor
from sandbox.vendor import CONTROL_PATH, KYT_PATH, ServerProcess

FILE_FEEDS = ("exchange", "kyc", "bank", "onchain", "ofac", "cases", "tagpacks", "prices")


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


def configured(folder: Path, landing: Path, server: ServerProcess) -> Path:
    """A folder for `plumbline run --config` whose feeds are the world's files and this server."""
    lines = [f'[sources.{feed}]\nbucket_url = "{landing / feed}"\n' for feed in FILE_FEEDS]
    lines.append(f'[sources.chainalysis]\napi_url = "{server.kyt_url}"\npoll_seconds = 1.5\nattempts = 3\n')
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
    assert all(feed["source_rows"] for feed in found["feeds"] if feed["feed"] != "chainalysis")

    switch(server)
    result = plumbline(*run, home=home, PLUMBLINE_PSEUDONYM_KEY="sandbox")
    assert result.returncode == 0, result.stdout + result.stderr
    undisturbed, caught_up = fingerprints(finished_home / "warehouse.duckdb"), fingerprints(home / "warehouse.duckdb")
    assert {name for name in undisturbed if undisturbed[name] != caught_up.get(name)} == set()
