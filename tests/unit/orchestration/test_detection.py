"""The page of what alerts found of known cases: nothing found that was not, nothing missed that was."""

from pathlib import Path

import duckdb
import pytest

from orchestration import detection

LABELS = """typology,expected,scenario_id,transfer_ids,note
structuring,fire,TM01,exchange:deposit:D1;exchange:deposit:D2,
structuring,fire,TM01,exchange:deposit:D3,
structuring,no_fire,TM01,exchange:deposit:D4,
structuring,no_fire,TM01,exchange:deposit:D5,
cycle,fire,,T7;T8,any scenario will do and ids are as delivered
benford,fire,TM19,exchange:deposit:D9,in trial
bad record,,,exchange:deposit:D1,says nothing
"""


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(LABELS)
    return path


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("marts", "reference", "scenarios"):
            connection.execute(f"create schema {schema}")
        connection.execute("create table marts.dim_parties as select range as party_key from range(200)")
        connection.execute(
            "create table marts.fct_alerts as from (values ('TM01', 'exchange:deposit:D2;exchange:deposit:D6'), "
            "('TM01', 'exchange:deposit:D5'), ('TM20', 'exchange:internal:T8'), ('TM20', 'exchange:deposit:D3')) "
            "as alerts(scenario_id, evidence_transfer_ids)"
        )
        connection.execute(
            "create table reference.scenarios as from (values ('scn_tm19_benford', 'shadow'), ('scn_x', 'live')) "
            "as scenarios(model_name, mode_code)"
        )
        connection.execute(
            "create table scenarios.scn_tm19_benford as from (values ('TM19', 'alerted', 'exchange:deposit:D9'), "
            "('TM19', 'below_threshold', null)) as legs(scenario_id, outcome_code, evidence_transfer_ids)"
        )
    return path


def rows(page: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if line.startswith("|")
    ]


def test_recall_and_false_alarms_by_typology(labels, warehouse):
    page = detection.page(labels, warehouse)
    assert ["structuring", "TM01", "2", "1", "50%", "2", "1"] in rows(page), "D3 was alerted by another scenario only"
    assert ["cycle", "any", "1", "1", "100%", "0", "0"] in rows(page)
    assert ["benford", "TM19", "1", "1", "100%", "0", "0"] in rows(page), "in trial, and found"
    assert "bad record" not in page


def test_alerts_per_thousand_customers_and_how_many_rest_on_a_case(labels, warehouse):
    page = detection.page(labels, warehouse)
    assert page.startswith("6 labelled cases, 200 customers, 5 alerts: 25.0 per 1,000 customers.")
    assert ["TM01", "2", "10.0", "50%"] in rows(page)
    assert ["TM20", "2", "10.0", "100%"] in rows(page)


def test_what_is_not_there_is_asked_for(labels, warehouse, tmp_path):
    with pytest.raises(LookupError, match="plumbline run"):
        detection.page(labels, tmp_path / "none.duckdb")
    with pytest.raises(LookupError, match="--labels"):
        detection.page(tmp_path / "none.csv", warehouse)
    labels.write_text("typology,expected\n")
    with pytest.raises(ValueError, match="lacks the column scenario_id, transfer_ids"):
        detection.page(labels, warehouse)
