"""Parameters are effective-dated rows: the row in force on the day of the transfer decides, the most specific first."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from dbt_command import dbt
from oracles import population, scenarios, warehouse

CHANGE = date(2026, 1, 20)


@pytest.fixture(scope="module")
def people() -> population.Population:
    return population.make(11)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, people: population.Population) -> Path:
    """From the change on TM01 takes two transfers, of retail customers nine, in the EU four.

    TM14 has lost its limit, and somebody gave terrorist financing a floor of 1,000 USD.
    """
    home = tmp_path_factory.mktemp("parameters")
    people.write(home / "warehouse.duckdb")
    con = duckdb.connect(str(home / "warehouse.duckdb"))
    warehouse.load_seed(con, "scenarios")
    warehouse.load_seed(con, "scenario_parameters")
    con.execute(
        "update reference.scenario_parameters set valid_to_date = ? where parameter_code = 'min_count'", [CHANGE]
    ).fetchall()
    for number, segment, jurisdiction, value in (
        (901, "any", "any", 2),
        (902, "retail", "any", 9),
        (903, "retail", "EU", 4),
    ):
        con.execute(
            "insert into reference.scenario_parameters select ?, scenario_id, parameter_code, ?, ?, ccy_code, ?, unit, "
            "?, null, rationale, source, owner, approver from reference.scenario_parameters "
            "where parameter_id = 'TM01-009'",
            [f"TM01-{number}", segment, jurisdiction, value, CHANGE],
        ).fetchall()
    con.execute(
        "delete from reference.scenario_parameters where scenario_id = 'TM14' and parameter_code = 'min_dormant_days'"
    ).fetchall()
    con.execute(
        "update reference.scenario_parameters set parameter_value = 1000 "
        "where parameter_code = 'floor_usd.terrorist_financing'"
    ).fetchall()
    con.close()
    features = ("feat_transfer__structuring", "feat_transfer__history")
    models = ("scn_tm01_structuring_fiat", "scn_tm14_dormant_reactivation", "scn_tm28_direct_exposure")
    dbt(home, "run", "--select", "int_scenario_parameters", *features, *models)
    return home


def _min_count(leg: dict) -> int:
    if leg["event_date"] < CHANGE:
        return 3
    if leg["segment_code"] == "retail":
        return 4 if leg["jurisdiction_code"] == "EU" else 9
    return 2


def test_each_leg_is_judged_by_the_row_in_force_on_its_day(built: Path, people: population.Population) -> None:
    legs = people.rows("int_transfer_legs")
    verdicts = {count: scenarios.tm01(legs, scenarios.Limits(structuring_count=count)) for count in (2, 3, 4, 9)}
    actual = warehouse.table(built, "scenarios.scn_tm01_structuring_fiat")
    by_id = {leg["leg_id"]: leg for leg in legs}
    assert len(actual) == len(legs)
    for row in actual:
        assert row["outcome_code"] == verdicts[_min_count(by_id[row["leg_id"]])][row["leg_id"]].outcome, row["leg_id"]
    sets = {row["threshold_1_value"]: row["parameter_set_id"] for row in actual if row["asset_code"] == "EUR"}
    assert sets.keys() == {2, 3, 4, 9}
    assert len(set(sets.values())) == 4


def test_a_leg_without_a_parameter_in_force_is_an_error_and_not_a_pass(built: Path) -> None:
    rows = warehouse.table(built, "scenarios.scn_tm14_dormant_reactivation")
    reasons = {(row["outcome_code"], row["reason_code"]) for row in rows}
    assert reasons >= {("errored", "no_parameter"), ("excluded", "trade")}
    assert not {outcome for outcome, _ in reasons} & {"alerted", "below_threshold"}


def test_a_floor_on_a_zero_tolerance_category_makes_errors_instead_of_silence(
    built: Path, people: population.Population
) -> None:
    """What alerted under no floor and is hidden by the floor is an error in the same run."""
    tables = [people.rows(name) for name in ("int_transfer_legs", "int_transfer_screenings", "int_exposures")]
    right = scenarios.tm28(*tables)
    rows = warehouse.table(built, "scenarios.scn_tm28_direct_exposure")
    lost = [row for row in rows if right[row["leg_id"]].outcome == "alerted" and row["outcome_code"] != "alerted"]
    assert len(lost) > 5
    assert {(row["outcome_code"], row["reason_code"]) for row in lost} == {("errored", "zero_tolerance_not_alerted")}
