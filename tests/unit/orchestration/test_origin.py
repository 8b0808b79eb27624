"""A data directory keeps to the origin it was loaded from; a look back is one of another kind."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import origin
from orchestration.look_back import copies as look_back

SANDBOX = origin.of_run(None)
CONFIG = origin.of_run(Path("/etc/exchange"))


def load(root: Path) -> None:
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_alerts (alert_id text, raised_as_of_at timestamp)")
        connection.execute("insert into marts.fct_alerts values ('a', '2026-01-02'), ('b', '2026-01-03')")


def test_before_anything_is_loaded_the_origin_may_change(home):
    assert origin.read(home) is None
    origin.claim(home, SANDBOX)
    origin.claim(home, CONFIG)
    assert origin.read(home) == CONFIG


@pytest.mark.parametrize(
    ("there", "other", "words"),
    [
        (SANDBOX, CONFIG, "was loaded from the sandbox exchange. Leave --config out, or set another PLUMBLINE_HOME"),
        (CONFIG, SANDBOX, "was loaded with --config /etc/exchange. Give that one"),
        (CONFIG, origin.of_run(Path("/etc/another")), "If it is the same exchange and only its folder moved, delete"),
        (origin.Origin(origin.LOOK_BACK, as_of="2026-01-02 00:00:00", copy_of="/data"), CONFIG, "as it was known at"),
    ],
)
def test_a_loaded_directory_refuses_another_origin(home, there, other, words):
    origin.claim(home, there)
    load(home)
    origin.claim(home, there)
    with pytest.raises(origin.OriginError, match=words):
        origin.claim(home, other)
    assert origin.read(home) == there


def test_a_look_back_is_a_copy_without_the_alerts_raised_later(home):
    origin.claim(home, CONFIG)
    load(home)
    for _ in range(2):  # the second one replaces the first
        copy = look_back.prepare(home, look_back.instant("2026-01-02T01:00:00+01:00"), pytest.fail)
    assert copy == home / "as_of/2026-01-02T00-00-00Z"
    assert origin.read(copy) == origin.Origin(
        origin.LOOK_BACK, config="/etc/exchange", as_of="2026-01-02 00:00:00", copy_of=str(home)
    )
    for folder, alerts in ((copy, ["a"]), (home, ["a", "b"])):
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            found = connection.execute("select alert_id from marts.fct_alerts order by all").fetchall()
        assert [alert for (alert,) in found] == alerts


@pytest.mark.parametrize("text", ["2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02 02:00:00+02:00"])
def test_an_instant_is_utc_unless_it_names_a_zone(text):
    assert look_back.instant(text) == datetime(2026, 1, 2)


def test_an_instant_that_is_none_is_refused():
    with pytest.raises(ValueError):
        look_back.instant("yesterday")
