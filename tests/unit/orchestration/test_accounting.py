"""What makes a run trustworthy, what is kept of it, and how it is shown."""

import copy
import io
import json

import duckdb
import pytest
from rich.console import Console

from orchestration import accounting, figures, origin, summary

KEPT = {
    "outcome": accounting.FINISHED,
    "whole": True,
    "run": {
        "id": "0123456789abcdef",
        "started_at": "2026-03-31T03:00:00+00:00",
        "finished_at": "2026-03-31T03:01:30+00:00",
        "target": "duckdb",
    },
    "feeds": [
        {
            "feed": "exchange", "source_rows": 1200, "raw_rows": 1190, "rejected_rows": 10, "superseded_rows": 3,
            "monitored_rows": 1187, "out_of_scope_rows": 0, "unexplained_rows": 0, "source_usd": "1000.50",
            "unexplained_usd": "0.00", "reconciled": True, "configured": True, "stale": None,
        },
        {
            "feed": "cases", "source_rows": 0, "raw_rows": 0, "rejected_rows": 0, "superseded_rows": 0,
            "monitored_rows": 0, "out_of_scope_rows": 0, "unexplained_rows": 0, "reconciled": True,
            "configured": False, "stale": None,
        },
    ],
    "scenarios": [
        {
            "scenario": "TM01", "version": 1, "population": 1187, "evaluated": 1000, "excluded": 180,
            "not_evaluable": 7, "errored": 0, "unexplained": 0, "alerts": 12, "alerts_new": 5,
        }
    ],
    "jurisdictions": [
        {
            "jurisdiction": "UNKNOWN", "population": 17, "population_usd": "4321.00", "alerted": 2,
            "not_evaluable": 680, "errored": 0, "unexplained": 0,
        }
    ],
    "checks": {"passed": 300, "warned": 1, "failed": 0, "not_run": 0, "failed_names": [], "warned_names": ["a b"]},
    "kris": [{"kri": "feed_completeness", "value": "100.000000", "unit": "%", "as_of": "2026-03-31", "rag": "green"}],
    "crashes": {},
    "stale": {},
    "missing": [],
    "published": True,
}  # fmt: skip


@pytest.fixture
def kept():
    return copy.deepcopy(KEPT)


def judged(kept):
    kept["reasons"] = accounting.reasons(kept)
    kept["trusted"] = not kept["reasons"]
    return kept


def test_a_run_without_a_blemish_is_trusted(kept):
    assert judged(kept)["trusted"]
    assert accounting.exit_code(kept) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda k: k["checks"].update(failed=1, failed_names=["marts/fct_alerts unique"]), "marts/fct_alerts unique"),
        (lambda k: k["checks"].update(not_run=4), "4 checks did not run"),
        (lambda k: k["feeds"][0].update(unexplained_rows=1), "Feed exchange: 1 records"),
        (lambda k: k["feeds"][0].update(unexplained_usd="0.01"), "USD 0.01"),
        (lambda k: k["feeds"][0].update(reconciled=False), "what was loaded from it differ"),
        (lambda k: k["scenarios"][0].update(unexplained=1), "1 transfers of its population"),
        (lambda k: k["scenarios"][0].update(errored=2), "2 errored"),
        (lambda k: k.update(missing=["marts.fct_kris"]), "Not built in this run: marts.fct_kris"),
        (lambda k: k.update(published=False), "not published"),
        (lambda k: k.update(stale={"chainalysis": "it is down"}), "Feed chainalysis is stale: it is down"),
        (lambda k: k.update(whole=False), "not the whole main job"),
    ],
)
def test_one_blemish_is_enough_not_to_trust_it(kept, change, words):
    change(kept)
    assert not judged(kept)["trusted"]
    assert words in " ".join(kept["reasons"])
    assert accounting.exit_code(kept) == 1


def test_a_crash_is_a_run_that_did_not_finish(kept):
    kept |= {"outcome": accounting.FAILED, "crashes": {"warehouse": "dbt could not build"}}
    assert not judged(kept)["trusted"]
    assert accounting.exit_code(kept) == 2


def test_the_public_form_has_the_documented_keys_only(kept):
    public = accounting.public(judged(kept))
    assert list(public) == ["trusted", "run", "feeds", "scenarios", "checks", "kris"]
    assert list(public["run"]) == ["id", "started_at", "finished_at", "target"]
    assert set(public["feeds"][0]) == set(KEPT["feeds"][0]) - {"reconciled"}
    assert json.loads(json.dumps(public)) == public


@pytest.mark.parametrize("kept", [None, accounting.killed({"trusted": False, "run": {}, "reasons": []})])
def test_the_public_form_is_whole_where_there_is_nothing_to_tell(kept):
    public = accounting.public(kept)
    assert list(public) == ["trusted", "run", "feeds", "scenarios", "checks", "kris"]
    assert public["trusted"] is False
    assert (public["feeds"], public["scenarios"], public["kris"]) == ([], [], [])
    assert public["checks"] == {name: [] if name.endswith("names") else 0 for name in KEPT["checks"]}


MARTS = """
create schema marts;
create table marts.fct_alerts (scenario_id text, scenario_version text);
insert into marts.fct_alerts values ('TM01', '1.0.0'), ('TM01', '1.0.0'), ('TM01', '2.0.0');
create table marts.fct_scenario_population (scenario_id text, scenario_version text, population_rows bigint,
  evaluated_rows bigint, excluded_rows bigint, not_evaluable_rows bigint, errored_rows bigint, unexplained_rows bigint,
  jurisdiction_code text, population_usd decimal(18,2), alerted_rows bigint);
insert into marts.fct_scenario_population values ('TM01', '2.0.0', 3, 2, 1, 0, 0, 0, 'EU', 30, 1),
  ('TM01', '2.0.0', 2, 2, 0, 0, 0, 1, 'UNKNOWN', 0.5, 0), ('TM06', '1.0.0', 3, 3, 0, 0, 0, 0, 'EU', 30, 2),
  ('TM06', '1.0.0', 2, 1, 0, 1, 0, 0, 'UNKNOWN', 0.5, 0);
"""


def test_alerts_of_a_retired_version_stay_and_those_of_this_run_are_told_apart(home):
    assert figures.ledger() == []
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(MARTS)
    before = figures.ledger()
    assert figures.of_run({"marts__fct_alerts"}, before)["scenarios"] == []  # its population was not built
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("insert into marts.fct_alerts values ('TM01', '2.0.0'), ('TM06', '1.0.0')")
    built = {"marts__fct_alerts", "marts__fct_scenario_population"}
    shown = [
        (row["scenario"], row["version"], row["population"], row["alerts"], row["alerts_new"])
        for row in figures.of_run(built, before)["scenarios"]
    ]
    assert shown == [("TM01", "1.0.0", 0, 2, 0), ("TM01", "2.0.0", 5, 2, 1), ("TM06", "1.0.0", 5, 1, 1)]
    places = [tuple(row.values()) for row in figures.of_run(built, before)["jurisdictions"]]
    assert places == [("EU", 3, "30.00", 3, 0, 0, 0), ("UNKNOWN", 2, "0.50", 0, 1, 0, 1)]


def test_the_newest_whole_run_is_the_last_one(home, kept):
    assert accounting.last(home) is None
    for number, (started, whole) in enumerate([("03", True), ("05", False), ("04", True)]):
        kept["run"] |= {"id": str(number), "started_at": f"2026-03-{started}T03:00:00+00:00"}
        accounting._write({**kept, "whole": whole})
    assert accounting.last(home)["run"]["id"] == "2"
    assert accounting.last(home, before=accounting.last(home))["run"]["id"] == "0"


def test_old_accountings_make_room(home, kept, monkeypatch):
    monkeypatch.setattr(accounting, "KEPT_RUNS", 2)
    for number in range(4):
        kept["run"]["id"] = str(number)
        accounting._write(kept)
    assert len(list((home / "accounting").iterdir())) == 2


def screen(kept, root):
    output = io.StringIO()
    summary.show(Console(file=output, width=140), kept, root)
    return output.getvalue()


def test_the_screen_says_all_that_matters(kept, tmp_path):
    (tmp_path / "published" / "current").mkdir(parents=True)
    shown = screen(judged(kept), tmp_path)
    for words in ("TRUSTED", "1,200", "1,000", "not configured", "TM01", "1,187", "UNKNOWN", "4,321", "300 passed",
                  "feed_completeness", "make ui", "plumbline.duckdb"):  # fmt: skip
        assert words in shown
    assert len(shown.splitlines()) < 50


def test_the_screen_says_the_command_that_opens_the_same_directory_and_feeds(kept, tmp_path):
    origin.write(tmp_path, origin.Origin(origin.CONFIG, config="/etc/my exchange"))
    shown = screen(judged(kept), tmp_path)
    assert f"PLUMBLINE_HOME={tmp_path} make ui ARGS=\"--config '/etc/my exchange'\"" in shown
    assert f"PLUMBLINE_HOME={tmp_path} make status " in shown


def test_the_screen_of_a_look_back_says_that_it_is_one(kept, tmp_path):
    origin.write(tmp_path, origin.Origin(origin.LOOK_BACK, as_of="2026-01-12 02:00:00", copy_of="/data"))
    assert "what was known at 2026-01-12 02:00:00 UTC. /data stays as it is." in screen(judged(kept), tmp_path)


def test_the_screen_names_what_failed(kept, tmp_path):
    kept["checks"].update(failed=1, failed_names=["marts/fct_alerts unique"])
    shown = screen(judged(kept), tmp_path)
    assert "NOT TO BE TRUSTED" in shown
    assert "failed: marts/fct_alerts unique" in shown
