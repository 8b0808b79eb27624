"""What a look-back refuses before any work starts, each with a sentence that says what is wrong."""

import csv
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from orchestration.dbt import PROJECT
from orchestration.look_back import request
from orchestration.look_back.parameters import Step, problem, put_in_force, windows

JANUARY = (date(2026, 1, 1), date(2026, 1, 31))


@pytest.fixture
def warehouse():
    """The few tables of a built warehouse that a plan is made from."""
    with duckdb.connect() as connection:
        connection.execute("create schema staging; create schema intermediate; create schema marts")
        connection.execute(
            "create table staging.stg_control__as_of as select timestamp '2026-03-01 02:00:00' as as_of_at"
        )
        connection.execute(
            "create table staging.stg_control__totals as select * from (values "
            "('exchange', date '2026-01-10', 5, timestamp '2026-01-11 02:00:00'), "
            "('kyc', date '2026-02-10', 9, timestamp '2026-01-02 02:00:00'), "
            "('exchange', date '2026-02-10', 7, timestamp '2026-02-11 02:00:00')) "
            "as t(feed_code, event_date, source_rows, known_at)"
        )
        connection.execute("create table intermediate.int_parties as select 'P1' as party_id")
        connection.execute("create table intermediate.int_accounts as select 'A1' as account_id")
        connection.execute(
            "create table marts.fct_alerts as select unnest([timestamp '2026-01-20', timestamp '2026-02-01 02:00:00', "
            "timestamp '2026-03-01 02:00:00']) as raised_as_of_at"
        )
        yield connection


def planned(connection, known_as_of=None, period=JANUARY, **more):
    return request.plan(request.Request(*period, known_as_of, ("TM01",), **more), connection)


def test_the_first_run_that_saw_the_whole_period_is_what_todays_knowledge_is_compared_with(warehouse, home):
    plan = planned(warehouse)
    assert (plan.knowledge, plan.then) == (datetime(2026, 3, 1, 2), datetime(2026, 2, 1, 2))
    assert not plan.is_built, "nobody noted what the tables are built from"


def test_known_as_of_compares_with_what_was_raised_by_then(warehouse, home):
    plan = planned(warehouse, datetime(2026, 1, 15))
    assert plan.knowledge == plan.then == datetime(2026, 1, 15)


@pytest.mark.parametrize(
    ("known_as_of", "period", "more", "words"),
    [
        (datetime(2026, 1, 1), JANUARY, {}, "the first delivery became known at 2026-01-02 02:00:00"),
        (datetime(2026, 4, 1), JANUARY, {}, "later than what is loaded"),
        (datetime(2026, 1, 10), JANUARY, {}, "No transfer between 2026-01-01 and 2026-01-31 was known"),
        (None, (date(2025, 1, 1), date(2025, 2, 1)), {}, "happened from 2026-01-10 to 2026-02-10"),
        (None, JANUARY, {"subjects": ("P1", "A1", "P2")}, "no party and no account 'P2'"),
    ],
)
def test_what_the_warehouse_cannot_answer(warehouse, home, known_as_of, period, more, words):
    with pytest.raises(LookupError, match=words):
        planned(warehouse, known_as_of, period, **more)


def test_a_warehouse_that_was_never_built_is_refused(warehouse, home):
    warehouse.execute("drop table marts.fct_alerts")
    with pytest.raises(LookupError, match="never built"):
        planned(warehouse)


def test_a_period_that_ends_before_it_begins_and_an_unknown_scenario():
    with pytest.raises(ValueError, match="ends .2026-01-01. before it begins"):
        request.make(*reversed(JANUARY))
    with pytest.raises(LookupError, match="no live scenario 'TM99'.*TM01"):
        request.make(*JANUARY, scenarios=["TM99"])
    with pytest.raises(LookupError, match="no live scenario 'TM03'"):  # it is in trial
        request.make(*JANUARY, scenarios=["TM03"])


def steps(tmp_path, *rows: str, columns="scenario_id,parameter_code,value") -> request.Request:
    file = tmp_path / "steps.csv"
    file.write_text("\n".join((columns, *rows)) + "\n")
    return request.make(*JANUARY, parameters=file)


def test_steps_say_which_scenarios_are_replayed(tmp_path):
    asked = steps(tmp_path, "TM01,min_count,4", "tm01,min_count,2", "TM45,min_match_score,0.9")
    assert asked.scenarios == ("TM01", "TM45")
    assert [(step.parameter_code, float(step.value)) for step in asked.steps] == [
        ("min_count", 2), ("min_count", 4), ("min_match_score", 0.9)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("TM01,min_count,0", "line 2: TM01 min_count = 0 is outside its range: from 1"),
        ("TM01,min_count,2.5", "is no whole number, and its unit is transfers"),
        ("TM01,band_low_pct,-0.1", "is outside its range: from 0 to 10, in share"),
        ("TM01,min_sum_amount,-1", "is outside its range: from 0 up, in currency"),
        ("TM01,window_hours,48", r"no window that features exist for \(24, 168\)"),
        ("TM01,min_count,many", "'many' is no number"),
        ("TM01,min_count,nan", "outside its range"),
        ("TM01,max_count,5", "TM01 has no parameter 'max_count'.*min_count"),
        ("TM99,min_count,5", "no live scenario 'TM99'"),
    ],
)
def test_a_step_that_cannot_be(tmp_path, row, words):
    with pytest.raises((ValueError, LookupError), match=words):
        steps(tmp_path, row)


def test_a_file_of_another_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lacks the column value"):
        steps(tmp_path, "TM01,min_count,2", columns="scenario_id,parameter_code,number")
    with pytest.raises(ValueError, match="holds no step"):
        steps(tmp_path)
    with pytest.raises(ValueError, match="column that nobody knows: remark"):
        steps(tmp_path, "TM01,min_count,2,x", columns="scenario_id,parameter_code,value,remark")


def test_steps_for_a_scenario_that_is_left_out_are_refused(tmp_path):
    file = tmp_path / "steps.csv"
    file.write_text("scenario_id,parameter_code,value\nTM01,min_count,2\n")
    with pytest.raises(ValueError, match="changes TM01, which --scenarios leaves out"):
        request.make(*JANUARY, scenarios=["TM45"], parameters=file)


def test_a_step_in_force_changes_its_rows_and_their_ids_and_no_other():
    with duckdb.connect() as connection:
        connection.execute(
            "create schema reference; create table reference.scenario_parameters as select * from (values "
            "('TM01-001', 'TM01', 'min_count', 'any', 'any', 'USD', 3.0::decimal(38,6)), "
            "('TM01-002', 'TM01', 'min_count', 'any', 'any', 'EUR', 3.0), "
            "('TM02-001', 'TM02', 'min_count', 'any', 'any', 'USD', 3.0)) as t(parameter_id, scenario_id, "
            "parameter_code, segment_code, jurisdiction_code, ccy_code, parameter_value)"
        )
        put_in_force(connection, Step("TM01", "min_count", Decimal("2"), ("", "", "EUR")))
        found = connection.execute(
            "select parameter_id, parameter_value from reference.scenario_parameters order by all"
        ).fetchall()
    assert found == [("TM01-001", 3), ("TM01-002=2", 2), ("TM02-001", 3)]


def test_every_window_of_a_parameter_is_one_that_features_exist_for():
    """What is in force passes its own check, so the check reads the models right."""
    models = request.live_scenarios()
    with (PROJECT / "seeds/scenario_parameters.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scenario_id"] in models]
    wrong = [
        (row["parameter_id"], reason)
        for row in rows
        if (reason := problem(Decimal(row["parameter_value"]), row["unit"],
                              windows(models[row["scenario_id"]]).get(row["parameter_code"])))
    ]  # fmt: skip
    assert len(rows) > 100 and wrong == []
