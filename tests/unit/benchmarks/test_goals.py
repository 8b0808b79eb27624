"""Every benchmark runs at toy size, and its two sides agree bit for bit. Nothing here asserts a time."""

import duckdb
import pytest

from benchmarks import memory, p1, p1_sql, p2, p3, p4, p5, p9
from benchmarks.equality import assert_equal


def test_p1_sql_models_and_scripts_give_the_same_features():
    result = p1_sql.run(rows=3000, seed=11, repetitions=1)
    assert "every column of the 4 models equals the script's" in result.checked
    assert set(result.costs) == {p1_sql.PROJECT, p1_sql.SAME, p1_sql.WINDOW, p1_sql.PREFIX}


def test_p1_kernel_sql_and_script_give_the_same_features(monkeypatch):
    monkeypatch.setattr(p1, "growth", lambda *_: None)
    result = p1.run(rows=3000, seed=11, repetitions=1)
    assert result.checked.startswith("all 54 columns of the three tables, 2,")


def test_p2_a_new_day_gives_the_table_of_a_whole_build():
    result = p2.run(rows=20_000, seed=11, repetitions=2)
    assert result.checked.startswith("the table after the increment and after a whole build")


def test_p3_loader_and_bare_table_hold_the_same_rows():
    result = p3.run(rows=600, seed=11, repetitions=1)
    assert result.checked == "all 600 rows equal in every column of the files"


def test_p4_and_p5_hold_the_same_rows_on_both_sides(monkeypatch):
    for goal in (p4, p5):
        monkeypatch.setattr(goal, "growth", lambda *_: None)
        checked = goal.run(rows=600, seed=11, repetitions=1).checked
        assert checked.startswith("all ") and "equal in every column" in checked


def test_memory_is_measured_in_processes_of_their_own(tmp_path):
    grown = memory.growth("pages", 2_000, p5.load, lambda size, where: p5.rows_file(size, where, 7), tmp_path)
    assert grown.sizes == (200, 2_000) and all(20 < megabytes < 5_000 for megabytes in grown.megabytes)


def test_p4_answers_have_rows_in_every_table(tmp_path):
    p4.write_answers(100, tmp_path / "answers", seed=11)
    counts = {name: sum(b.num_rows for b in p4.batches(tmp_path / "answers", q)) for name, q in p4.TABLES.items()}
    assert counts["answers"] == 100 and min(counts.values()) > 0


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_p9_dbt_and_the_script_build_the_same_tables():
    _, checked, finished = p9.overhead_of_dbt(rows=1000, seed=11, repetitions=1)
    assert checked.startswith("all ")
    assert {node["resource_type"] for node in finished} >= {"seed", "model", "test"}


def test_equality_sees_one_changed_value():
    with duckdb.connect() as connection:
        connection.execute("create table mine as select n, n * 2 as m from range(100) as r(n)").fetchall()
        connection.execute("create table theirs as select n, case n when 7 then 15 else n * 2 end as m from mine")
        assert assert_equal(connection, "mine", "mine", "itself") == 100
        with pytest.raises(AssertionError, match="a table: 100 rows against 100, or other content"):
            assert_equal(connection, "mine", "theirs", "a table")
