"""`plumbline lookback`: alerts of a past period replayed aside, compared with those raised then, each difference with
its cause. One small world serves all of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from main_job import REPOSITORY, digest, environment

pytestmark = pytest.mark.nightly
FIRST_RUN, SECOND_RUN = "2026-01-21T02:00:00", "2026-01-22T00:00:00"
PERIOD = ("--from", "2026-01-01", "--to", "2026-01-21")
RESULTS = {
    "alerts.parquet", "differences.parquet", "feeds.parquet", "hindsight_exposures.parquet", "manifest.json",
    "parameters.parquet", "population.parquet", "report.html", "sample.parquet", "sampling_plan.parquet",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(continued_home: Path, tmp_path_factory) -> Path:
    """A data directory with two runs, of which the second raised an alert on data that came late."""
    return Path(shutil.copytree(continued_home, tmp_path_factory.mktemp("lookback") / "home", symlinks=True))


@pytest.fixture(scope="module")
def look_back(plumbline, tmp_path_factory):
    """Runs the command; returns its folder of results and what it said."""

    def call(home: Path, *options: str, code: int = 0) -> tuple[Path, str]:
        out = tmp_path_factory.mktemp("results")
        result = plumbline("lookback", *PERIOD, *options, "--out", str(out), home=home)
        assert result.returncode == code, result.stdout + result.stderr
        return out, result.stdout

    return call


def rows(file: Path, query: str = "select * from rows") -> list[tuple]:
    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(file))  # noqa: F841 (the query names it)
        return connection.sql(query).fetchall()


@pytest.fixture(scope="module")
def first_run_again(home, look_back):
    """The replay of the first run, with the hash of the live warehouse before and after."""
    before = digest(home / "warehouse.duckdb"), (home / "published/current").resolve()
    done = look_back(home, "--known-as-of", FIRST_RUN)
    return *done, before, (digest(home / "warehouse.duckdb"), (home / "published/current").resolve())


def test_nothing_in_the_live_warehouse_changes_and_nothing_is_left_behind(first_run_again, home):
    *_, before, after = first_run_again
    assert before == after
    assert not (home / "look_back/.work").exists()


def test_the_time_of_an_old_run_reproduces_its_alerts_byte_for_byte(first_run_again, finished_home, tmp_path):
    out, *_ = first_run_again
    with duckdb.connect(str(finished_home / "warehouse.duckdb"), read_only=True) as connection:
        raised = connection.sql("select * from marts.fct_alerts order by scenario_id, triggered_at, alert_id")
        table = raised.to_arrow_table()
    from orchestration.look_back import tables

    tables.write(table, tmp_path / "then.parquet")
    assert table.num_rows > 100
    assert digest(out / "alerts.parquet") == digest(tmp_path / "then.parquet")


def test_it_is_all_the_same_and_reconciles(first_run_again):
    out, said, *_ = first_run_again
    assert rows(out / "differences.parquet", "select distinct difference_code from rows") == [("same",)]
    assert " RECONCILES " in said and "0 lost; 0 new" in said
    ((population, evaluated, other, unexplained),) = rows(
        out / "population.parquet",
        "select sum(population_rows), sum(evaluated_rows), sum(excluded_rows + not_evaluable_rows + errored_rows), "
        "sum(unexplained_rows) from rows",
    )
    assert population > 0 and population == evaluated + other and unexplained == 0


def test_the_manifest_names_every_input_and_every_file(first_run_again, home):
    out, *_ = first_run_again
    made = json.loads((out / "manifest.json").read_text())
    assert {path.name for path in out.iterdir()} == RESULTS == {*made["files"], "manifest.json"}
    assert made["files"] == {name: digest(out / name) for name in made["files"]}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        known = "select count(*) from raw_exchange.deposits where _known_at <= ?"
        ((deposits,),) = connection.execute(known, [FIRST_RUN]).fetchall()
    assert next(one["rows"] for one in made["inputs"] if one["table"] == "raw_exchange.deposits") == deposits


def test_the_same_command_gives_the_same_bytes_and_the_report_needs_nothing_else(home, look_back):
    """With steps of a what-if, so that those are the same bytes, too."""
    steps = home / "steps.csv"
    steps.write_text("scenario_id,parameter_code,value\nTM01,min_count,2\nTM01,min_count,5\n")
    outs = [look_back(home, "--known-now", "--parameters", str(steps))[0] for _ in range(2)]
    first, second = ({path.name: path.read_bytes() for path in out.iterdir()} for out in outs)
    assert first == second and first.keys() == RESULTS | {"what_if_steps.parquet", "what_if_bands.parquet"}
    page = first["report.html"].decode()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "") and "<script" not in page
    found = rows(outs[0] / "what_if_steps.parquet", "select value, is_in_force, alerts, gained, lost from rows")
    (two, _, more, gained, _), (three, in_force, alerts, *same), (five, _, fewer, _, lost) = found
    assert (two, three, in_force, five) == ("2", "3", True, "5")
    assert (gained, same) == (more - alerts, [0, 0]) and more > alerts > fewer and lost == alerts - fewer
    bands = rows(outs[0] / "what_if_bands.parquet", "select side, alerts, sample_size from rows")
    assert [band[:2] for band in bands] == [("below", gained), ("above", lost)]
    assert all(0 < size <= count for _, count, size in bands)


@pytest.fixture(scope="module")
def later_knowledge(home, tmp_path_factory) -> Path:
    """The same data directory, in which the last list and what a vendor says of one transfer came after the first run,
    so that its alerts on them were not raised; and one alert that other rows of parameters had raised."""
    copy = Path(shutil.copytree(home, tmp_path_factory.mktemp("later") / "home", symlinks=True))
    (copy / "dbt/duckdb/.built").unlink()
    with duckdb.connect(str(copy / "warehouse.duckdb")) as connection:
        ((published,),) = connection.execute(
            "select max(listed.listed_from_at) from intermediate.int_sanctioned_addresses as listed "
            "inner join intermediate.int_transfer_addresses as used using (address) "
            "inner join marts.fct_alerts as alerts on alerts.trigger_transfer_id = used.transfer_id "
            "where alerts.scenario_id = 'TM45'"
        ).fetchall()
        on_list = (
            "scenario_id = 'TM45' and trigger_transfer_id in (select transfer_id "
            "from intermediate.int_transfer_addresses inner join intermediate.int_sanctioned_addresses using (address) "
            "where listed_from_at >= ?)"
        )
        connection.execute(f"delete from marts.fct_alerts where {on_list}", [published])  # noqa: S608
        for table in ("entries", "names", "places", "identifiers", "digital_currency_addresses"):
            connection.execute(
                f"update raw_watchlists.{table} set _known_at = '2026-01-21 12:00' where published_at >= ?",  # noqa: S608
                [published],
            )
        ((transfer,),) = connection.execute(
            "select min(trigger_transfer_id) from marts.fct_alerts where scenario_id = 'TM28' and leg_count = 1 "
            "and reason_text like '%chainalysis.' and trigger_transfer_id in (select transfer_id "
            "from intermediate.int_exposures group by transfer_id having count(distinct vendor_code) = 1)"
        ).fetchall()
        assert transfer is not None
        connection.execute(
            "delete from marts.fct_alerts where scenario_id = 'TM28' and trigger_transfer_id = ?", [transfer]
        )
        # the vendor says it in three ways
        registered = "select {column} from raw_chainalysis.transfers where ends_with(?, ledger_transfer_id)"
        for table, column in (
            ("exposures", "external_id"),
            ("alerts", "external_id"),
            ("alert_states", "transfer_reference"),
        ):
            connection.execute(
                f"update raw_chainalysis.{table} set _known_at = '2026-01-21 12:00' "  # noqa: S608
                f"where {column} in ({registered.format(column=column)})",
                [transfer],
            )
        connection.execute(
            "update marts.fct_alerts set finding_ids = repeat('0', 32), parameter_set_id = 'another' where alert_id = "
            "(select min(alert_id) from marts.fct_alerts where scenario_id = 'TM39')"
        )
    return copy


def test_each_difference_has_its_cause(later_knowledge, look_back):
    scenarios = ("--scenarios", "TM01,TM28", "--scenarios", "TM39,TM45")
    out, _ = look_back(later_knowledge, "--known-now", "--raised-by", FIRST_RUN, *scenarios)
    found = rows(
        out / "differences.parquet",
        "select scenario_id, difference_code, cause_code, count(*) from rows where cause_code is not null group by all",
    )
    assert {row[:3] for row in found} == {
        ("TM01", "new", "late_data"),
        ("TM28", "new", "attribution_change"),
        ("TM39", "lost", "parameter_change"),
        ("TM39", "new", "logic_change"),
        ("TM45", "new", "list_change"),
    }
    assert {row[0]: row[3] for row in found if row[0] in ("TM01", "TM28")} == {"TM01": 1, "TM28": 1}
    assert rows(out / "hindsight_exposures.parquet", "select count(*) > 0 from rows") == [(True,)]


def test_one_subject_alone(home, look_back, tmp_path):
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        ((subject, alerts),) = connection.execute(
            "select party_id, count(distinct episode_id) from intermediate.int_alert_episodes "
            "where subject_type_code = 'party' group by party_id "
            "order by count(distinct episode_id) desc, party_id limit 1"
        ).fetchall()
    file = tmp_path / "subjects.txt"
    file.write_text(f"subject_id\n{subject}\n")
    out, _ = look_back(home, "--subjects", str(file))
    assert rows(out / "differences.parquet", "select count(distinct subject_key), count(*) from rows") == [(1, alerts)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--known-as-of", "2025-06-01"), "the first delivery became known at"),
        (("--scenarios", "TM99"), "There is no live scenario 'TM99'"),
        (("--known-as-of", "soon"), "is no ISO date or time"),
        (("--known-as-of", FIRST_RUN, "--known-now"), "exclude each other"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_any_work(home, look_back, plumbline, options, words):
    before = digest(home / "warehouse.duckdb")
    result = plumbline("lookback", *PERIOD, *options, home=home)
    assert result.returncode == 2
    assert words in result.stderr
    assert digest(home / "warehouse.duckdb") == before and "dbt" not in result.stdout


def test_it_is_a_job_that_works_while_a_run_writes(home, plumbline, tmp_path):
    """The run holds its lock until the look-back, which it does not wait for, is done; only the copying needs it."""
    code = f"""
import json, sys
from orchestration.home import instance
from orchestration.definitions import defs
with instance() as opened:
    job = defs.resolve_job_def("look_back")
    config = {{"ops": {{"replay_period": {{"config": {{"first_date": "2026-01-01", "last_date": "2026-01-21",
               "scenarios": ["TM45"], "out": {str(tmp_path / "out")!r}}}}}}}}}
    result = job.execute_in_process(run_config=config, instance=opened)
    print("ALERTS", json.dumps(result.output_for_node("replay_period")), sorted(job.tags))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ((_, _, said),) = (line.partition("ALERTS ") for line in done.stdout.splitlines() if line.startswith("ALERTS"))
    assert json.loads(said.rpartition(" [")[0])["new"] == 0 and "plumbline/look_back" in said
    assert (tmp_path / "out/report.html").exists()


def test_a_trace_knows_what_was_known_then(later_knowledge, plumbline, tmp_path):
    """What the vendor says of a transfer became known after the first run: a trace as of then does not know it."""
    with duckdb.connect(str(later_knowledge / "warehouse.duckdb"), read_only=True) as connection:
        ((transfer,),) = connection.execute(
            "select ledger_transfer_id from raw_chainalysis.transfers where external_id in "
            "(select external_id from raw_chainalysis.exposures where _known_at = '2026-01-21 12:00')"
        ).fetchall()
    found = {}
    for known, moment in (("then", FIRST_RUN), ("now", SECOND_RUN)):
        out = tmp_path / known
        asked = ("--transfer", transfer, "--as-of", moment, "--hops", "1", "--out", str(out))
        result = plumbline("trace", *asked, home=later_knowledge)
        assert result.returncode == 0, result.stdout + result.stderr
        said = rows(out / "edges.parquet", f"select said from rows where hop = 0 and transfer_id = '{transfer}'")  # noqa: S608
        found[known] = [words.count("by chainalysis") for (words,) in said]
    assert found == {"then": [0], "now": [1]}
