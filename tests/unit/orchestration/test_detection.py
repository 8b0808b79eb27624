"""The page of what alerts found of known cases: nothing found that was not, nothing missed that was."""

import re
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
        for schema in ("marts", "reference", "scenarios", "staging"):
            connection.execute(f"create schema {schema}")
        connection.execute("create table marts.dim_parties as select range as party_key from range(200)")
        connection.execute(
            "create table marts.fct_alerts as from (values ('TM01', 'exchange:deposit:D2;exchange:deposit:D6'), "
            "('TM01', 'exchange:deposit:D5'), ('TM20', 'exchange:internal:T8'), ('TM20', 'exchange:deposit:D3')) "
            "as alerts(scenario_id, evidence_transfer_ids)"
        )
        connection.execute(
            "create table reference.scenarios as from (values ('TM19', '1.0.0', 'scn_tm19_benford', 'shadow'), "
            "('TM01', '1.0.0', 'scn_x', 'live')) as scenarios(scenario_id, scenario_version, model_name, mode_code)"
        )
        connection.execute(
            "create table reference.scenario_parameters as "
            "select 'TM01-001' as parameter_id, 'min_count' as parameter_code, 3.0 as parameter_value"
        )
        connection.execute(
            "create table staging.stg_control__totals as from (values ('exchange', 'deposits', 4, 77), "
            "('exchange', 'deposits', 5, 88)) as totals(feed_code, table_name, source_rows, source_hash)"
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
    assert ["structuring", "TM01", "2", "1", "50%", "0", "2", "1"] in rows(page), (
        "D3 was alerted by another scenario only"
    )
    assert ["cycle", "any", "1", "1", "100%", "0", "0", "0"] in rows(page)
    assert ["benford", "TM19", "1", "0", "0%", "1", "0", "0"] in rows(page), "nobody is alerted in trial"
    assert "bad record" not in page


def test_alerts_per_thousand_customers_and_how_many_rest_on_a_case(labels, warehouse):
    page = detection.page(labels, warehouse)
    assert page.startswith("6 labelled cases, 200 customers, 4 alerts of live scenarios: 20.0 per 1,000 customers.\n")
    assert "raise none; 1 legs would have alerted" in page
    assert ["TM01", "2", "10.0", "50%"] in rows(page)
    assert ["TM20", "2", "10.0", "100%"] in rows(page)
    assert ["TM19", "1", "100%"] in rows(page)


def test_equal_input_and_rules_have_an_equal_identity(labels, warehouse):
    def identity() -> list[str]:
        return re.findall(r"(?:Input|rules) `([0-9a-f]{12})`", detection.page(labels, warehouse))

    def change(sql: str) -> None:
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(sql)

    before = identity()
    change(
        "create or replace table staging.stg_control__totals as "
        "from staging.stg_control__totals order by source_rows desc"
    )
    assert identity() == before
    change("update staging.stg_control__totals set source_hash = source_hash + 1 where source_rows = 4")
    assert identity()[0] != before[0] and identity()[1] == before[1]
    change("update reference.scenario_parameters set parameter_value = 4")
    assert identity()[1] != before[1]


def test_the_page_is_written_into_its_place_and_nowhere_else(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("# Title\n<!-- detection: a -->\nold\n<!-- end -->\n<!-- detection: b -->\nkept\n<!-- end -->\n")
    detection.write("new \\1\n", file, "a")
    assert file.read_text() == (
        "# Title\n<!-- detection: a -->\n\nnew \\1\n\n<!-- end -->\n<!-- detection: b -->\nkept\n<!-- end -->\n"
    )
    with pytest.raises(LookupError, match="detection: c"):
        detection.write("new", file, "c")


def test_what_is_not_there_is_asked_for(labels, warehouse, tmp_path):
    with pytest.raises(LookupError, match="plumbline run"):
        detection.page(labels, tmp_path / "none.duckdb")
    with pytest.raises(LookupError, match="--labels"):
        detection.page(tmp_path / "none.csv", warehouse)
    labels.write_text("typology,expected\n")
    with pytest.raises(ValueError, match="lacks the column scenario_id, transfer_ids"):
        detection.page(labels, warehouse)
