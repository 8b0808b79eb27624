"""What was planted in the sandbox exchange is found, and what only looks like it is not."""

import csv
from pathlib import Path

import duckdb
import pytest

PLANTED = {"TM01", "TM06", "TM09", "TM14", "TM28", "TM45"}
PLANTED |= {"TM02", "TM03", "TM04", "TM05", "TM07", "TM08", "TM10", "TM17", "TM18"}
PLANTED |= {"TM20", "TM21", "TM22", "TM23", "TM24", "TM25", "TM27", "TM42"}
PLANTED |= {"TM29", "TM31", "TM33", "TM35", "TM36", "TM37", "TM43"}


@pytest.fixture(scope="module")
def labels(finished_home: Path) -> list[dict]:
    with (finished_home / "sandbox/truth/labels.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["scenario_id"]]


@pytest.fixture(scope="module")
def alerts(finished_home: Path) -> dict[str, list[tuple[set[str], bool]]]:
    """By scenario: the transfers that each alert rests on, and whether it says that it was raised late.

    Of scenarios in shadow the legs that would have alerted.
    """
    with duckdb.connect(str(finished_home / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute("select scenario_id, evidence_transfer_ids, is_late from marts.fct_alerts").fetchall()
        shadow = "select model_name from reference.scenarios where mode_code = 'shadow'"
        for (model,) in warehouse.execute(shadow).fetchall():
            legs = warehouse.table(f"scenarios.{model}").filter("outcome_code = 'alerted'")
            rows += legs.project("scenario_id, evidence_transfer_ids, false").fetchall()
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
    assert [label for label in must_not_fire if fires_by_itself(label, labels, alerts)] == []


def fires_by_itself(label: dict, labels: list[dict], alerts: dict) -> bool:
    """Whether an alert rests on the near miss without any other case. In a world of few customers cases of networks
    share customers and days, and together they are what the scenario looks for."""
    own = set(label["transfer_ids"].split(";"))
    others = {
        transfer
        for other in labels if other["case_no"] != label["case_no"]
        for transfer in other["transfer_ids"].split(";")
    }  # fmt: skip
    found = [evidence for evidence, _ in alerts.get(label["scenario_id"], []) if evidence & own]
    return any(not evidence & (others - own) for evidence in found)


def test_late_cases_say_that_they_are_late(labels, alerts):
    late = [label for label in labels if label["kind"] == "late"]
    assert late
    assert [label for label in late if not any(alerts_on(label, alerts))] == []


def test_withdrawals_after_a_takeover_are_found(finished_home):
    """TM39 and TM38 alert on each withdrawal before which an account was taken over, from their smallest amounts on."""
    with (finished_home / "sandbox/truth/behaviour.csv").open(newline="") as file:
        withdrawals = [f"exchange:withdrawal:{row['withdrawal_id']}" for row in csv.DictReader(file)]
    assert withdrawals
    with duckdb.connect(str(finished_home / "warehouse.duckdb"), read_only=True) as warehouse:
        for model, smallest in (("scn_tm39_profile_change_then_withdrawal", 1000), ("scn_tm38_login_mismatch", 2500)):
            rows = warehouse.table(f"scenarios.{model}").project("transfer_id, reason_code, amount_usd").fetchall()
            found = [reason for transfer, reason, usd in rows if transfer in withdrawals and usd and usd >= smallest]
            assert set(found) - {"not_completed"} == {"alerted"}, model
