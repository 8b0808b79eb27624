"""Data by seed, timing, phases of a run, and the page."""

import time
from pathlib import Path

import duckdb

from benchmarks import p9, page
from benchmarks.ledger import create_legs, create_movements
from benchmarks.measure import Comparison, Cost, Growth, Limit, Result, interleave


def fingerprint(seed: int) -> tuple[int, int]:
    with duckdb.connect() as connection:
        create_movements(connection, 1000, seed)
        create_legs(connection)
        return connection.execute("select count(*), sum(hash(l)) from intermediate.int_transfer_legs as l").fetchone()


def test_the_same_seed_gives_the_same_legs_and_another_seed_others():
    assert fingerprint(1) == fingerprint(1)
    assert fingerprint(1)[0] == fingerprint(2)[0] == 1000
    assert fingerprint(1)[1] != fingerprint(2)[1]


def test_legs_have_ties_and_legs_that_do_not_count():
    with duckdb.connect() as connection:
        create_movements(connection, 20_000, 1)
        create_legs(connection)
        found = connection.execute(
            """
            with legs as (from intermediate.int_transfer_legs)
            select
                (select count(*) from (select 1 from legs group by party_id, event_at having count(*) > 1)),
                (select count(*) from (select 1 from legs group by party_id having count(distinct account_id) > 1)),
                count(*) filter (where party_id is null),
                count(*) filter (where status_code <> 'completed'),
                count(*) filter (where direction_code = 'none'),
                count(*) filter (where amount_usd is null)
            from legs
            """
        ).fetchone()
    assert min(found) > 0


def test_sides_take_turns_and_are_compared_after_the_first_round():
    said = []
    sides = {name: lambda name=name: said.append(name) or Cost(1.0, 1.0) for name in ("a", "b")}
    costs, checked = interleave(sides, 3, lambda: said.append("check") or "equal")
    assert said == ["a", "b", "check", "b", "a", "a", "b"]
    assert checked == "equal" and len(costs["a"]) == 3


def test_phases_add_up_to_the_time_of_the_process(tmp_path: Path, monkeypatch):
    from dagster import DagsterInstance, job, op

    @op
    def raw_exchange():
        pass

    @op
    def warehouse():
        pass

    @job
    def small():
        raw_exchange()
        warehouse()

    (tmp_path / "dagster").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    started = time.time()
    with DagsterInstance.get() as instance:
        assert small.execute_in_process(instance=instance).success
    found = p9.phases(tmp_path, started, started + 100)
    assert {"loading", "warehouse"} < set(found)
    assert abs(sum(found.values()) - 100) < 1e-6


def test_the_page_shows_ratios_goals_and_whether_they_are_kept():
    result = Result(
        goal="P0",
        title="A thing",
        rows=2000,
        costs={"ours": [Cost(2.0, 2.0), Cost(4.0, 2.0)], "theirs": [Cost(1.0, 1.0), Cost(1.0, 1.0)]},
        comparisons=[Comparison("ours", "theirs", 2.5), Comparison("ours", "theirs", 0.25, of_speed=True)],
        limits=[Limit("ours", 3.5)],
        growths=[Growth("ours", (200, 2000), (100, 140), 1.3)],
        checked="all equal",
        machine={name: "0" for name in ("date", "cores", "processor", "memory", "system", "versions", "load before")},
    )
    assert Result.from_dict(result.as_dict()) == result
    text = page.render([result])
    assert "| ours / theirs | 2,000 | 3.00 [2.00-4.00]x | 2.00 [2.00-2.00]x | <= 2.50x | **no** |" in text
    assert "| rows/s of ours / theirs | 2,000 | 0.38 [0.25-0.50]x | 0.50 [0.50-0.50]x | >= 0.25x | yes |" in text
    assert "ours, 2,000 rows / 200 rows (140 MB / 100 MB) | 2,000 | 1.40x | | <= 1.30x | **no** |" in text
    assert "Compared before anything is reported: all equal." in text
