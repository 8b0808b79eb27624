"""Planted exposures and counterparties, read back from the delivered files: what they are labelled as is there."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from unit.sandbox.definitions_check import labels, parquet_rows

from sandbox.world.planted.exposures import HIGH_RISK_BANK, TYPOLOGIES

SCENARIOS = {scenario for typology in TYPOLOGIES for scenario in typology.scenarios}


@pytest.fixture(scope="module")
def truth(world: Path) -> list[dict]:
    return [label for label in labels(world) if label["scenario_id"] in SCENARIOS]


@pytest.fixture(scope="module")
def answers(world: Path) -> pd.DataFrame:
    return pd.read_parquet(world / "vendor/transfers.parquet").set_index("ledger_transfer_id")


@pytest.fixture(scope="module")
def withdrawals(world: Path) -> pd.DataFrame:
    rows = parquet_rows(world / "landing/exchange", "withdrawals").drop_duplicates("withdrawal_id", keep="last")
    return rows.assign(transfer_id="exchange:withdrawal:" + rows.withdrawal_id).set_index("transfer_id")


def _exposures(label: dict, answers: pd.DataFrame, kind: str) -> dict[int, Decimal]:
    """USD by the vendor's category, of the label's transfers together."""
    found: dict[int, Decimal] = {}
    for transfer in label["transfer_ids"].split(";"):
        row = answers.loc[transfer]
        if kind == "DIRECT" and not pd.isna(row.direct_category_id):
            category = int(row.direct_category_id)
            found[category] = found.get(category, Decimal(0)) + row.usd_amount
        for alert in json.loads(row.alerts):
            if kind == alert["exposureType"] == "INDIRECT":
                amount = Decimal(str(alert["alertAmount"]))
                found[alert["categoryId"]] = found.get(alert["categoryId"], Decimal(0)) + amount
    return found


def test_every_kind_is_planted(truth: list[dict]) -> None:
    wanted = {(scenario, "") for scenario in SCENARIOS}
    wanted |= {
        (one, miss) for typology in TYPOLOGIES for miss, (_, expect) in typology.misses.items() for one in expect
    }
    assert {(label["scenario_id"], label["parameter"]) for label in truth} == wanted


def test_exposures_are_above_their_limits_or_not(truth: list[dict], answers: pd.DataFrame) -> None:
    for label in (label for label in truth if label["scenario_id"] in ("TM29", "TM31", "TM33", "TM35")):
        fires, direct = label["expected"] == "fire", _exposures(label, answers, "DIRECT")
        indirect = _exposures(label, answers, "INDIRECT")
        amounts = set(answers.loc[label["transfer_ids"].split(";")].asset_amount)
        match label["scenario_id"]:
            case "TM29":
                assert (indirect[18] >= 1000) == fires, label
            case "TM31":
                assert (13 in direct or indirect[13] >= 1000 or amounts == {Decimal(1)}) == fires, label
            case "TM33":
                assert (direct[18] > 1000) == fires, label
            case "TM35":
                assert (direct[16] >= 10_000) == fires, label


def test_three_customers_send_to_one_stranger(truth: list[dict], withdrawals: pd.DataFrame) -> None:
    mine = [label for label in truth if label["scenario_id"] == "TM37"]
    for label in mine:
        rows = withdrawals.loc[label["transfer_ids"].split(";")]
        assert rows.to_address.nunique() == 1
        week = rows.event_at.max() - rows.event_at.min() <= pd.Timedelta(days=7)
        together = sum(rows.amount) >= 1000
        assert (rows.account_id.nunique() >= 3 and week and together) == (label["expected"] == "fire"), label


def test_withdrawals_go_to_a_bank_in_a_high_risk_place(truth: list[dict], withdrawals: pd.DataFrame) -> None:
    for label in (label for label in truth if label["scenario_id"] == "TM43"):
        rows = withdrawals.loc[[label["transfer_ids"]]]
        assert set(rows.beneficiary_account) == {HIGH_RISK_BANK}
        assert (rows.amount.iloc[0] >= 1000) == (label["expected"] == "fire"), label
