"""A suppression silences its subject in its scenario for its days, and the accounting shows what it silenced."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from dbt_command import build, dbt

COLUMNS = (
    "suppression_id", "scenario_id", "subject_id", "valid_from_date", "valid_to_date", "reason", "owner", "approver",
)  # fmt: skip
MODELS = (
    "int_suppressed_legs", "int_alert_episodes", "fct_scenario_outcomes", "fct_scenario_population", "fct_suppressions",
)  # fmt: skip
OUTCOMES = (
    "select outcome_code, reason_code, sum(transfer_count) from marts.fct_scenario_outcomes "
    "where scenario_id = 'TM01' group by all"
)
TERMS = {"reason": "salary, reviewed in case 7", "owner": "one@plumbline.example", "approver": "two@plumbline.example"}


@pytest.fixture(scope="module")
def home(finished_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished warehouse, alone: no ledger is written to, only what is told from the seed is built again."""
    folder = tmp_path_factory.mktemp("suppressed")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"attach '{finished_home / 'warehouse.duckdb'}' as finished (read_only)")
        connection.execute("copy from database finished to warehouse")
    return folder


def suppress(home: Path, *rows: dict) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("delete from reference.suppressions").fetchall()
        for row in rows:
            values = TERMS | row
            new = connection.values([duckdb.ConstantExpression(values[name]) for name in COLUMNS])
            new.insert_into("reference.suppressions")


def query(home: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def alerted(home: Path) -> list[tuple[str, str, date]]:
    """Party, leg and day of every leg that TM01 alerts on."""
    legs = (
        "select subject_id, leg_id, event_date from scenarios.scn_tm01_structuring_fiat where outcome_code = 'alerted'"
    )
    return sorted(query(home, legs))


def test_it_silences_one_subject_in_one_scenario_for_its_days(home, alerted):
    before = {(outcome, reason): count for outcome, reason, count in query(home, OUTCOMES)}
    party, _, _ = alerted[0]
    days = sorted({day for subject, _, day in alerted if subject == party})
    silent = {leg for subject, leg, day in alerted if subject == party and day == days[0]}
    until = days[0] + timedelta(days=1)
    row = {"scenario_id": "TM01", "subject_id": party, "valid_from_date": days[0], "valid_to_date": until}
    other = row | {"suppression_id": "S2", "subject_id": "nobody"}
    suppress(home, row | {"suppression_id": "S1"}, other, row | {"suppression_id": "S0", "scenario_id": "TM06"})
    build(home, "--select", *MODELS)

    assert {leg for (leg,) in query(home, "select leg_id from intermediate.int_suppressed_legs")} == silent
    loud = query(home, "select leg_id from intermediate.int_alert_episodes where scenario_id = 'TM01'")
    assert {leg for (leg,) in loud} == {leg for _, leg, _ in alerted} - silent

    after = {(outcome, reason): count for outcome, reason, count in query(home, OUTCOMES)}
    assert after.pop(("excluded", "suppressed")) == len(silent)
    assert sum(before.values()) == sum(after.values()) + len(silent), "the population is accounted for as before"
    assert query(home, "select sum(unexplained_rows) from marts.fct_scenario_population") == [(0,)]
    told = dict(query(home, "select suppression_id, suppressed_leg_count from marts.fct_suppressions"))
    assert told == {"S0": 0, "S1": len(silent), "S2": 0}
    assert (party,) not in query(home, "select subject_key from marts.fct_suppressions")


def test_what_nobody_may_suppress_fails_the_run(home):
    good = {
        "suppression_id": "good", "scenario_id": "TM01", "subject_id": "P1",
        "valid_from_date": date(2026, 1, 1), "valid_to_date": date(2026, 7, 1),
    }  # fmt: skip
    defects = {
        "approved by its owner": {"approver": TERMS["owner"]},
        "ends before it begins": {"valid_to_date": date(2026, 1, 1)},
        "longer than a year": {"valid_to_date": date(2027, 6, 1)},
        "of sanctions": {"scenario_id": "TM45"},
        "of illicit funds": {"scenario_id": "TM28"},
        "of no scenario": {"scenario_id": "TM99"},
    }
    suppress(home, good, *(good | defect | {"suppression_id": name} for name, defect in defects.items()))
    failed = dbt(home, "test", "--select", "suppressions_are_reviewed_and_end").failed
    assert failed["suppressions_are_reviewed_and_end"].startswith(f"Got {len(defects)} results")
