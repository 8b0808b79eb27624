"""What was planted in the sandbox exchange is found, and what only looks like it is not."""

import csv
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.slow

PLANTED = {"TM01", "TM06", "TM09", "TM14", "TM28", "TM45"}
PLANTED |= {"TM29", "TM31", "TM33", "TM35", "TM36", "TM37", "TM43"}


@pytest.fixture(scope="module")
def labels(finished_home: Path) -> list[dict]:
    with (finished_home / "sandbox/truth/labels.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["scenario_id"]]


@pytest.fixture(scope="module")
def alerts(finished_home: Path) -> dict[str, list[tuple[set[str], bool]]]:
    """By scenario: the transfers that each alert rests on, and whether it says that it was raised late."""
    with duckdb.connect(str(finished_home / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute("select scenario_id, evidence_transfer_ids, is_late from marts.fct_alerts").fetchall()
    found: dict[str, list[tuple[set[str], bool]]] = {}
    for scenario, evidence, is_late in rows:
        found.setdefault(scenario, []).append((set(evidence.split(";")), is_late))
    return found


def alerts_on(label: dict, alerts: dict) -> list[bool]:
    """`is_late` of each alert of the label's scenario that rests on a transfer of its case."""
    transfers = set(label["transfer_ids"].split(";"))
    return [is_late for evidence, is_late in alerts.get(label["scenario_id"], []) if evidence & transfers]


def test_every_planted_case_fires(labels, alerts):
    must_fire = [label for label in labels if label["expected"] == "fire"]
    assert {label["scenario_id"] for label in must_fire} == PLANTED
    assert [label for label in must_fire if not alerts_on(label, alerts)] == []


def test_no_near_miss_fires(labels, alerts):
    must_not_fire = [label for label in labels if label["expected"] == "no_fire"]
    assert len(must_not_fire) >= 20
    assert [label for label in must_not_fire if alerts_on(label, alerts)] == []


def test_late_cases_say_that_they_are_late(labels, alerts):
    late = [label for label in labels if label["kind"] == "late"]
    assert late
    assert [label for label in late if not any(alerts_on(label, alerts))] == []
