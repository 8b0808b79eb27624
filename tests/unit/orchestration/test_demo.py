"""The sandbox as a source: which world a run works on."""

import json
from dataclasses import asdict
from inspect import signature

import pytest

from ingestion.pipeline import source_of
from orchestration import demo


@pytest.fixture
def made(tmp_path):
    world = demo.World(customers=100, days=10)
    folder = tmp_path / "sandbox"
    folder.mkdir()
    (folder / "world.json").write_text(json.dumps(asdict(world)))
    return folder, world


def test_the_first_world_is_the_default_one(tmp_path):
    assert demo.choose(tmp_path / "sandbox", {}, in_use=False) == demo.World(5_000, 90, 7, "2026-01-01")


def test_without_options_the_world_stays_the_one_that_is_there(made):
    folder, world = made
    assert demo.choose(folder, {}, in_use=True) == world
    assert demo.choose(folder, {"days": 10}, in_use=True) == world


def test_two_worlds_never_meet_in_one_warehouse(made):
    folder, world = made
    with pytest.raises(ValueError, match=r"100 customers, 10 days, seed 7"):
        demo.choose(folder, {"seed": 8}, in_use=True)
    assert demo.choose(folder, {"seed": 8}, in_use=False).seed == 8


def test_every_feed_is_pointed_at_the_world(tmp_path):
    settings = demo.sources(tmp_path, "http://127.0.0.1:1/kyt", "token")
    assert settings["SOURCES__EXCHANGE__BUCKET_URL"] == str(tmp_path / "landing" / "exchange")
    assert settings["SOURCES__CHAINALYSIS__API_KEY"] == "token"
    assert len([name for name in settings if name.endswith(("BUCKET_URL", "API_URL", "SDN_URL"))]) == 11


def test_every_feed_names_settings_that_exist(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_identity_vendors", lambda folder, url: {})  # writes the webhooks of a world
    for name in demo.every_feed(tmp_path, "http://127.0.0.1:1"):
        _, feed, setting = name.lower().split("__")
        assert setting in signature(source_of(feed)).parameters, name


def test_a_window_covers_the_world():
    world = demo.World(days=90)
    assert (str(world.first_day), str(world.last_day)) == ("2026-01-01", "2026-03-31")
