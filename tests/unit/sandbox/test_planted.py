"""Planted cases meet the definitions by an independent reading of the delivered files; near misses do not."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from unit.sandbox.definitions_check import World, alerts, csv_rows, labels, parquet_rows

from sandbox.world import generate

BY_TRANSFER = ("TM28", "TM45")
PARAMETERS = {
    "TM01": {"low", "high", "count", "window", "status"},
    "TM06": {"ratio", "inflow", "window", "order"},
    "TM09": {"senders", "distinct", "window", "share"},
    "TM14": {"dormancy", "amount"},
    "TM28": {"floor_high", "floor_medium", "exposure_type"},
    "TM45": {"address", "delisted", "listed_later"},
}


@pytest.fixture(scope="session")
def read(world: Path) -> tuple[dict, World]:
    return alerts(world)


@pytest.fixture(scope="session")
def truth(world: Path) -> list[dict]:
    return labels(world)


def _keys(label: dict) -> list[str]:
    return label["transfer_ids"].split(";") if label["scenario_id"] in BY_TRANSFER else [label["party_id"]]


def test_everything_labelled_to_fire_fires_under_every_reading(read: tuple[dict, World], truth: list[dict]):
    fires = [label for label in truth if label["expected"] == "fire" and label["scenario_id"] in PARAMETERS]
    assert {label["scenario_id"] for label in fires} == set(PARAMETERS)
    for label in fires:
        for key in _keys(label):
            assert all(read[0][label["scenario_id"]].get(key, (False,))), label


def test_no_near_miss_fires_under_any_reading(read: tuple[dict, World], truth: list[dict]):
    quiet = [label for label in truth if label["expected"] == "no_fire" and label["scenario_id"] in PARAMETERS]
    for scenario, parameters in PARAMETERS.items():
        assert {
            x["parameter"] for x in quiet if x["scenario_id"] == scenario and x["kind"] == "near_miss"
        } == parameters
    for label in quiet:
        for key in _keys(label):
            assert key not in read[0][label["scenario_id"]], label


def test_labelled_transfers_belong_to_the_labelled_party(read: tuple[dict, World], truth: list[dict]):
    for label in truth:
        if (
            label["scenario_id"] in PARAMETERS
            and label["expected"] in ("fire", "no_fire")
            and label["parameter"] != "status"
        ):
            for transfer in label["transfer_ids"].split(";"):
                internal = transfer.startswith("exchange:internal_transfer:")
                assert internal or read[1].owner[transfer] == label["party_id"], label


def test_the_ordinary_population_raises_few_alerts(read: tuple[dict, World], truth: list[dict]):
    expected = {(x["scenario_id"], k) for x in truth if x["expected"] == "fire" for k in _keys(x)}
    accidental = [(s, k) for s, found in read[0].items() for k in found if (s, k) not in expected]
    assert len(accidental) <= 5, accidental


def test_a_full_world_has_eight_cases_of_every_kind(tmp_path: Path):
    generate(tmp_path, customers=1_500, days=20, seed=5)
    found = pd.DataFrame(labels(tmp_path))
    planted = found[(found.expected == "fire") & found.kind.isin(["planted", "late"])].groupby("scenario_id").size()
    assert (planted.reindex(list(PARAMETERS)) >= 8).all()
    near = found[found.kind == "near_miss"].groupby(["scenario_id", "parameter"]).size()
    assert all(near[scenario, parameter] >= 8 for scenario, names in PARAMETERS.items() for parameter in names)
    benign = found[found.kind == "benign_look_alike"].groupby("scenario_id").size()
    assert (benign.reindex(list(PARAMETERS)) >= 3).all()


def test_a_tiny_world_has_every_kind_that_fits_and_says_what_does_not(tmp_path: Path):
    generate(tmp_path, customers=60, days=10, seed=7)
    found = labels(tmp_path)
    assert {x["scenario_id"] for x in found if x["expected"] == "fire"} >= set(PARAMETERS)
    generate(tmp_path, customers=60, days=3, seed=7)
    with (tmp_path / "truth" / "unplanted.csv").open(newline="") as handle:
        skipped = list(csv.DictReader(handle))
    assert any(row["typology"] == "structuring" and row["parameter"] == "window" and row["reason"] for row in skipped)


def test_zero_tolerance_cases_are_tiny_and_floors_are_met_exactly(world: Path, truth: list[dict]):
    usd = pd.read_parquet(world / "vendor" / "transfers.parquet").set_index("ledger_transfer_id").usd_amount.astype(str)
    amounts = {
        usd[x["transfer_ids"]] for x in truth if x["scenario_id"] == "TM28" and x["parameter"] == "zero_tolerance"
    }
    assert "0.50" in amounts
    floors = {
        usd[x["transfer_ids"]]
        for x in truth
        if x["scenario_id"] == "TM28" and x["kind"] == "near_miss" and x["parameter"].startswith("floor")
    }
    assert floors == {"999.99", "1000.00", "4999.99", "5000.00"}


def test_the_vendor_can_be_asked_by_reference_or_by_transaction(world: Path):
    frame = pd.read_parquet(world / "vendor" / "transfers.parquet")
    assert not frame.duplicated(["transfer_reference", "direction", "user_id"]).any()
    assert not frame.duplicated(["tx", "direction", "user_id"]).any()
    assert frame.external_id.is_unique
    assert frame.updated_at.isna().sum() == 5
    assert (frame.direct_name.isna() == frame.direct_category_id.isna()).all()


def test_late_transfers_arrive_days_after_the_event(world: Path, truth: list[dict]):
    delivered = {}
    for path in sorted((world / "landing" / "exchange").glob("delivery=*/*.parquet")):
        key = {"deposits": "deposit", "withdrawals": "withdrawal"}.get(path.stem)
        if key:
            for row in pd.read_parquet(path, columns=[f"{key}_id", "event_at"]).itertuples(index=False):
                delivered.setdefault(f"exchange:{key}:{row[0]}", (path.parent.name[9:], row[1].date()))
    gaps = []
    for label in truth:
        if label["kind"] == "late" and "late" in label["note"] and "KYC" not in label["note"]:
            gaps.append(
                max(
                    (datetime.fromisoformat(d).date() - e).days
                    for d, e in map(delivered.get, label["transfer_ids"].split(";"))
                )
            )
    assert gaps and all(3 <= gap <= 10 for gap in gaps)


def test_rejects_lie_in_csv_files_and_are_labelled(world: Path, truth: list[dict]):
    bad = {x["transfer_ids"].rsplit(":", 1)[-1] for x in truth if x["expected"] == "reject" and x["transfer_ids"]}
    rows = [
        *csv_rows(world / "landing" / "exchange", "deposits-manual.csv"),
        *csv_rows(world / "landing" / "exchange", "withdrawals-manual.csv"),
    ]
    rows += csv_rows(world / "landing" / "exchange", "internal_transfers.csv")
    ids = {r.get("deposit_id") or r.get("withdrawal_id") or r.get("internal_transfer_id") for r in rows}
    assert len(bad) == 12 and bad <= ids


def test_a_pending_withdrawal_is_delivered_again_with_its_final_status(world: Path):
    frame = parquet_rows(world / "landing" / "exchange", "withdrawals")
    twice = frame[frame.duplicated("withdrawal_id", keep=False)].groupby("withdrawal_id").status_code.agg(list)
    assert len(twice) >= 5
    assert all(versions[0] == "pending" and versions[1] != "pending" for versions in twice)


def test_a_rate_is_missing_and_one_is_unreadable(world: Path):
    rows = csv_rows(world / "landing" / "prices", "rates.csv")
    pounds = [r for r in rows if r["asset_code"] == "GBP"]
    assert len(pounds) < len([r for r in rows if r["asset_code"] == "USD"])
    assert [r["rate_usd"] for r in pounds].count("n/a") == 1


def test_decisions_follow_their_cases(world: Path, truth: list[dict]):
    rows = csv_rows(world / "landing" / "cases", "outcomes.csv")
    assert {r["outcome_code"] for r in rows} >= {"", "false_positive", "escalated"}
    suspicious = {(x["party_id"], x["scenario_id"]) for x in truth if x["kind"] in ("planted", "late")}
    benign = {(x["party_id"], x["scenario_id"]) for x in truth if x["kind"] == "benign_look_alike"} - suspicious
    decided = {r["outcome_code"] for r in rows if (r["party_id"], r["scenario_id"]) in benign and r["outcome_code"]}
    assert decided == {"false_positive"}
    for row in rows:
        assert row["alert_id"] == ""
        if row["sar_filed_at"]:
            waited = datetime.fromisoformat(row["sar_filed_at"]) - datetime.fromisoformat(row["opened_at"])
            assert 0 < waited.days <= 45


def test_kyc_changes_and_late_kyc_rows(world: Path, truth: list[dict]):
    parties = pd.DataFrame(csv_rows(world / "landing" / "kyc", "parties.csv"))
    changed = parties[parties.duplicated("party_id", keep=False)].groupby("party_id")
    assert any(group.residence_country_code.nunique() > 1 for _, group in changed)
    assert any(group.risk_rating_code.nunique() > 1 for _, group in changed)
    late = [x for x in truth if "KYC and account rows are delivered" in x["note"]]
    assert late
