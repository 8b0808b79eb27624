"""The planted cases about amounts, judged by the oracles over the delivered files: they fire, near misses do not."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from oracles.scenarios_amounts import JUDGES
from unit.sandbox.definitions_check import Leg, csv_rows, labels, load, parquet_rows

from sandbox.world.planted.amounts import TYPOLOGIES

SEEDS = Path(__file__).resolve().parents[3] / "dbt_project/seeds"


def _leg(leg: Leg, party: str, jurisdiction: str) -> dict:
    kind = leg.transfer.split(":")[1]
    side = "in" if leg.inward else "out"
    return {
        "leg_id": f"{leg.transfer}:{side}",
        "transfer_id": leg.transfer,
        "transfer_type_code": kind,
        "rail_code": "internal" if kind == "internal_transfer" else "fiat" if leg.fiat else "crypto",
        "direction_code": side,
        "status_code": "completed",
        "party_id": party,
        "account_id": leg.account,
        "jurisdiction_code": jurisdiction,
        "asset_code": leg.asset,
        "amount": leg.amount,
        "amount_usd": leg.usd,
        "event_at": leg.at,
        "counterparty_id": leg.counterparty,
    }


@pytest.fixture(scope="module")
def legs(world: Path) -> dict[str, list[dict]]:
    """By party: its completed legs and its trades, as the oracles read them."""
    with (SEEDS / "jurisdictions.csv").open(newline="", encoding="utf-8") as file:
        jurisdictions = {row["country_code"]: row["jurisdiction_code"] for row in csv.DictReader(file)}
    rows = csv_rows(world / "landing/kyc", "parties.csv")
    place = {row["party_id"]: jurisdictions.get(row["residence_country_code"]) for row in rows}
    read = load(world)
    found = defaultdict(list)
    for party, mine in read.legs.items():
        found[party] = [_leg(leg, party, place[party]) for leg in mine]
    for row in parquet_rows(world / "landing/exchange", "trades").itertuples():
        party = read.party_of[row.account_id]
        at, asset = row.event_at.to_pydatetime(), row.base_asset_code
        trade = Leg(
            f"exchange:trade:{row.trade_id}", row.account_id, False, False, asset, row.base_amount, None, at, None
        )
        found[party].append(_leg(trade, party, place[party]) | {"direction_code": "none"})
    return found


def _alerted(label: dict, legs: dict[str, list[dict]]) -> bool:
    verdicts = JUDGES[label["scenario_id"]](legs[label["party_id"]]).values()
    case = set(label["transfer_ids"].split(";"))
    return any(verdict.evidence & case for verdict in verdicts if verdict.outcome == "alerted")


def test_cases_fire_and_near_misses_do_not(world: Path, legs: dict[str, list[dict]]):
    mine = [label for label in labels(world) if label["scenario_id"] in TYPOLOGIES]
    planted = {(label["scenario_id"], label["parameter"]) for label in mine}
    assert planted == {(scenario, miss) for scenario, one in TYPOLOGIES.items() for miss in ("", *one.misses)}
    wrong = [label for label in mine if _alerted(label, legs) != (label["expected"] == "fire")]
    assert wrong == []
