"""Every feature family and every scenario, row by row, against an independent reading in plain Python."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from dbt_command import build, compiled, dbt
from oracles import (
    features,
    features_amounts,
    features_behaviour,
    features_exposure,
    population,
    scenarios,
    scenarios_amounts,
    scenarios_behaviour,
    scenarios_exposure,
    scenarios_graph,
    scenarios_network,
    scenarios_trading,
    warehouse,
)

SEED = 7


@pytest.fixture(scope="module")
def people() -> population.Population:
    return population.make(SEED)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, people: population.Population) -> Path:
    """A home whose features, scenarios and alert ledger are built over the hand-made population."""
    home = tmp_path_factory.mktemp("oracles")
    people.write(home / "warehouse.duckdb")
    build(
        home,
        "--select",
        "scenario_parameters",
        "suppressions",
        "jurisdictions",
        "int_money_edges",
        "features",
        "scenarios",
        "intermediate.monitoring",
        "marts.alerts",
    )
    return home


def _features(family: str, people: population.Population) -> dict[str, dict]:
    legs = people.rows("int_transfer_legs")
    if family == "structuring":
        level = dict.fromkeys(("USD", "EUR", "GBP"), Decimal(10_000))
        return features.structuring(legs, level, Decimal("0.85"), Decimal("1.00"))
    if family == "exposure":
        return features.exposure(legs, people.rows("int_transfer_screenings"), people.rows("int_exposures"))
    if family in features_behaviour.FAMILIES:
        return features_behaviour.FAMILIES[family](people)
    if family in features_exposure.FAMILIES:
        return features_exposure.FAMILIES[family](people)
    if family == "velocity":
        more = features_amounts.velocity_more(legs)
        return {leg_id: row | more[leg_id] for leg_id, row in features.velocity(legs).items()}
    return {"flow": features.flow, "history": features.history, **features_amounts.FAMILIES}[family](legs)


@pytest.mark.parametrize(
    "family",
    [
        "velocity",
        "structuring",
        "flow",
        "history",
        "exposure",
        *features_amounts.FAMILIES,
        *features_behaviour.FAMILIES,
        *features_exposure.FAMILIES,
    ],
)
def test_features_equal_the_oracle_in_every_column(family: str, built: Path, people: population.Population) -> None:
    expected = _features(family, people)
    actual = {row["leg_id"]: row for row in warehouse.table(built, f"features.feat_transfer__{family}")}
    assert len(expected) > 100
    assert actual.keys() == expected.keys()
    for leg_id, row in expected.items():
        for column, value in row.items():
            found = actual[leg_id][column]
            if column == "amount_zscore_90d" and value is not None:
                # the last of four decimals is floating point
                assert float(found) == pytest.approx(value, abs=1.01e-4), (leg_id, column)
            elif column == "benford_chi_square_30d":
                # shares to six decimals, squares to the hundredth
                assert float(found) == pytest.approx(value, abs=1e-2), (leg_id, column)
            else:
                assert found == value, (leg_id, column)


def test_exposures_by_category_equal_the_oracle_in_every_column(built: Path, people: population.Population) -> None:
    expected = features_exposure.by_category(people)
    rows = warehouse.table(built, "features.feat_transfer_category__exposure")
    actual = {(row["leg_id"], row["category_code"]): row for row in rows}
    assert len(rows) == len(actual) > 500
    assert actual.keys() == expected.keys()
    for key, row in expected.items():
        assert {column: actual[key].get(column) for column in row.keys() - {"holder"}} == {
            column: value for column, value in row.items() if column != "holder"
        }, key


def test_party_days_equal_the_oracle_in_every_column(built: Path, people: population.Population) -> None:
    expected = features_behaviour.activity(people)
    rows = warehouse.table(built, "features.feat_party_day__activity")
    actual = {(row["party_id"], row["event_date"]): row for row in rows}
    assert len(rows) == len(actual) > 1000
    assert actual.keys() == expected.keys()
    for key, row in expected.items():
        assert {column: actual[key][column] for column in row} == row, key


# In the order in which they are built: some stand on others.
POINT_IN_TIME = tuple(
    sorted(
        (path.stem for path in (warehouse.PROJECT / "models/features").glob("feat_*.sql")),
        key=lambda name: (name not in ("feat_party_day__activity", "feat_transfer__counterparty"), name),
    )
)
CUT = population.START + timedelta(days=25) - timedelta(microseconds=1)


@pytest.fixture(scope="module")
def past(built: Path, people: population.Population, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose features were built as if nothing had happened after CUT, the end of a UTC day."""
    home = tmp_path_factory.mktemp("past")
    until = population.Population()
    for name in population.SCHEMAS:
        rows = people.rows(name)
        until.tables[name] = [row for row in rows if row.get("event_at") is None or row["event_at"] <= CUT]
    until.write(home / "warehouse.duckdb")
    with duckdb.connect(str(home / "warehouse.duckdb")) as con:
        con.execute(f"attach '{built / 'warehouse.duckdb'}' as now (read_only)")
        con.execute("create schema reference")
        con.execute("create schema features")
        con.execute("create table reference.jurisdictions as from now.reference.jurisdictions")
        con.execute(
            "create table intermediate.int_scenario_parameters as from now.intermediate.int_scenario_parameters"
        )
        for model in POINT_IN_TIME:
            con.execute(f"create table features.{model} as {compiled(model)}")
    return home


@pytest.mark.parametrize("model", POINT_IN_TIME)
def test_what_happens_later_changes_no_feature(model: str, past: Path, built: Path) -> None:
    """Except those that look ahead by definition and say so in their name."""
    then, now = warehouse.table(past, f"features.{model}"), warehouse.table(built, f"features.{model}")
    columns = [column for column in then[0] if "_next" not in column and not column.startswith("next_")]
    when = "event_date" if "party_day" in model else "event_at"
    last = CUT.date() if "party_day" in model else CUT

    def content(rows: list[dict]) -> list[str]:
        return sorted(repr([row[column] for column in columns]) for row in rows if row[when] <= last)

    assert content(then) == content(now)
    assert 500 < len(then) < len(now)


def _verdicts(scenario_id: str, people: population.Population) -> dict[str, scenarios.Verdict]:
    legs = people.rows("int_transfer_legs")
    for batch in (scenarios_behaviour, scenarios_exposure, scenarios_graph, scenarios_trading):
        if scenario_id in batch.JUDGES:
            return batch.JUDGES[scenario_id](people)
    if scenario_id == "TM28":
        return scenarios.tm28(legs, people.rows("int_transfer_screenings"), people.rows("int_exposures"))
    if scenario_id == "TM45":
        return scenarios.tm45(legs, people.rows("int_transfer_addresses"), people.rows("int_sanctioned_addresses"))
    judges = {
        "TM01": scenarios.tm01,
        "TM06": scenarios.tm06,
        "TM09": scenarios.tm09,
        "TM14": scenarios.tm14,
        "TM20": scenarios_network.tm20,
        "TM21": scenarios_network.tm21,
        "TM22": scenarios_network.tm22,
        "TM23": scenarios_network.tm23,
        "TM27": scenarios_network.tm27,
    }
    return (judges | scenarios_amounts.JUDGES)[scenario_id](legs)


@pytest.mark.parametrize("scenario_id", warehouse.SCENARIO_MODELS)
def test_scenario_gives_every_leg_the_verdict_of_the_oracle(
    scenario_id: str, built: Path, people: population.Population
) -> None:
    expected = _verdicts(scenario_id, people)
    actual = warehouse.table(built, f"scenarios.{warehouse.SCENARIO_MODELS[scenario_id]}")
    assert len(actual) == len(expected)
    found = {
        row["leg_id"]: scenarios.Verdict(
            row["outcome_code"], row["reason_code"], frozenset((row["evidence_transfer_ids"] or "").split(";")) - {""}
        )
        for row in actual
    }
    assert found == expected
    reached = {verdict.outcome for verdict in expected.values()}
    assert reached == {"alerted", "below_threshold", "excluded", "not_evaluable"}


@pytest.mark.parametrize("scenario_id", warehouse.SCENARIO_MODELS)
def test_alerted_rows_explain_themselves_and_the_others_stay_short(
    scenario_id: str, built: Path, people: population.Population
) -> None:
    known = {row["transfer_id"]: row["known_at"] for row in people.rows("int_transfer_legs")}
    for row in warehouse.table(built, f"scenarios.{warehouse.SCENARIO_MODELS[scenario_id]}"):
        if row["outcome_code"] != "alerted":
            assert (row["reason_text"], row["evidence_transfer_ids"], row["evidence_known_at"]) == (None, None, None)
            continue
        evidence = row["evidence_transfer_ids"].split(";")
        assert evidence == sorted(set(evidence))
        assert row["transfer_id"] in evidence
        assert row["evidence_known_at"] >= max(known[one] for one in evidence)
        assert re.fullmatch(r"[A-Z0-9].*\.", row["reason_text"]), row["reason_text"]
        assert row["parameter_set_id"] and row["scenario_version"]


def test_every_alerted_leg_is_in_exactly_one_alert_of_its_subject(built: Path) -> None:
    """The transfers of all alerted legs, by live scenario, are those of all alerts; an id is never used twice."""
    live = {row["scenario_id"] for row in warehouse.table(built, "reference.scenarios") if row["mode_code"] == "live"}
    alerts = warehouse.rows(built, "select * from marts.fct_alerts")
    assert len({row["alert_id"] for row in alerts}) == len(alerts) > 50
    for scenario_id, model in warehouse.SCENARIO_MODELS.items():
        legs = [row for row in warehouse.table(built, f"scenarios.{model}") if row["outcome_code"] == "alerted"]
        if scenario_id not in live:
            legs = []
        mine = [row for row in alerts if row["scenario_id"] == scenario_id]
        assert sum(row["leg_count"] for row in mine) == len(legs)
        in_alerts = {one for row in mine for one in row["evidence_transfer_ids"].split(";")}
        assert in_alerts == {one for row in legs for one in row["evidence_transfer_ids"].split(";")}


def test_late_alerts_are_those_whose_evidence_came_more_than_a_day_after_its_day(
    built: Path, people: population.Population
) -> None:
    known = {row["transfer_id"]: row["known_at"] for row in people.rows("int_transfer_legs")}
    day = {row["transfer_id"]: row["event_date"] for row in people.rows("int_transfer_legs")}
    alerts = warehouse.rows(built, "select * from marts.fct_alerts where scenario_id = 'TM14'")
    assert {row["is_late"] for row in alerts} == {True, False}
    for row in alerts:
        one = row["trigger_transfer_id"]
        delay = known[one].date() - day[one] - timedelta(days=1)
        assert row["is_late"] == (delay > timedelta(days=1))
        assert row["late_days"] == (delay.days if row["is_late"] else 0)


def test_bridge_names_each_transfer_of_each_alert_once(built: Path) -> None:
    pairs = warehouse.rows(built, "select * from marts.fct_alert_transfers")
    alerts = warehouse.rows(built, "select alert_id, evidence_transfer_ids, trigger_transfer_id from marts.fct_alerts")
    assert sorted((row["alert_id"], row["transfer_id"]) for row in pairs) == sorted(
        (row["alert_id"], one) for row in alerts for one in row["evidence_transfer_ids"].split(";")
    )
    assert sum(row["is_trigger"] for row in pairs) == len(alerts)
    assert all(row["is_known_when_raised"] for row in pairs)


DEFECTS = {
    "key_missing": "update {table} set subject_id = null where outcome_code = 'excluded'",
    "scenario_unknown": "update {table} set scenario_id = 'TM99' where outcome_code = 'excluded'",
    "outcome_unknown": "update {table} set outcome_code = 'clean' where outcome_code = 'below_threshold'",
    "subject_type_unknown": "update {table} set subject_type_code = 'customer' where outcome_code = 'excluded'",
    "alert_unexplained": "update {table} set reason_text = null where outcome_code = 'alerted'",
    "transfer_not_in_evidence": "update {table} set evidence_transfer_ids = 'T' where outcome_code = 'alerted'",
    "window_backwards": "update {table} set window_end_at = window_start_at - interval 1 day",
    "leg_twice": "insert into {table} select * from {table} where outcome_code = 'alerted'",
    "leg_of_the_population_missing": "delete from {table} where outcome_code = 'not_evaluable'",
    "leg_not_of_the_population": "update {table} set leg_id = 'x' || leg_id where outcome_code = 'alerted'",
}


@pytest.fixture(scope="module")
def form(built: Path) -> str:
    """The test of a scenario's form as dbt compiles it for TM06."""
    dbt(built, "compile", "--select", "scenario_rows_are_well_formed_scn_tm06_rapid_in_out_")
    return compiled("scenario_rows_are_well_formed_scn_tm06_rapid_in_out_")


@pytest.mark.parametrize("rule", [None, *DEFECTS])
def test_the_form_of_a_scenario_is_checked_rule_by_rule(rule: str | None, form: str, built: Path) -> None:
    with duckdb.connect(str(built / "warehouse.duckdb")) as connection:
        connection.execute("begin")
        if rule:
            connection.execute(DEFECTS[rule].format(table="scenarios.scn_tm06_rapid_in_out"))
        found = {broken for _, broken in connection.execute(form).fetchall()}
        connection.execute("rollback")
    assert (rule in found) if rule else not found
