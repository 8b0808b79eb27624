"""The ledger of alerts only grows: no correction, rebuild or full refresh changes or removes a row."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from oracles import population, warehouse

SELECTION = (
    "scenario_parameters",
    "jurisdictions",
    "features",
    "scenarios",
    "intermediate.monitoring",
    "fct_alerts",
    "fct_alert_transfers",
)


def _structured(people: population.Population, party: str, day: int, amount: str, serial: str) -> dict:
    return people.leg(
        transfer_id=f"exchange:deposit:{serial}", direction_code="in", rail_code="fiat", asset_code="EUR",
        amount=amount, party_id=party, account_id=f"A-{party}", segment_code="retail", jurisdiction_code="EU",
        event_at=population.START + timedelta(days=day, hours=9), counterparty_id=f"IBAN-{party}",
    )  # fmt: skip


def _world(*, corrected: bool) -> population.Population:
    """S1 to S3 structure on days 1 to 3. Then S1 is corrected away, S2 goes on, S3 turns out to have begun earlier."""
    people = population.Population()
    for party in ("S1", "S2", "S3"):
        for day in (1, 2, 3):
            leg = _structured(people, party, day, "9500", f"{party}-{day}")
            if corrected and (party, day) == ("S1", 2):
                leg["status_code"] = "failed"
    if corrected:
        _structured(people, "S2", 4, "9400", "S2-4")
        for day in (-1, 0):
            _structured(people, "S3", day, "9300", f"S3-{day}")["known_at"] = population.AS_OF
    return people


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], list[dict], list[dict], Path]:
    """The ledger after a first run, then after a full refresh over corrected data, and the bridge after that."""
    home = tmp_path_factory.mktemp("ledger")
    _world(corrected=False).write(home / "warehouse.duckdb")
    warehouse.build(home, *SELECTION)
    first = warehouse.rows(home, "select * from marts.fct_alerts order by all")
    _world(corrected=True).write(home / "warehouse.duckdb")
    con = duckdb.connect(str(home / "warehouse.duckdb"))
    con.execute("update staging.stg_control__as_of set as_of_at = as_of_at + interval 1 day").fetchall()
    con.close()
    warehouse.build(home, *SELECTION, full_refresh=True)
    second = warehouse.rows(home, "select * from marts.fct_alerts order by all")
    return first, second, warehouse.rows(home, "select * from marts.fct_alert_transfers"), home


def test_first_run_raises_one_alert_a_party(ledgers) -> None:
    first, *_ = ledgers
    assert [row["evidence_transfer_ids"] for row in first if row["scenario_id"] == "TM01"] != []
    assert len(first) == 3
    assert {row["leg_count"] for row in first} == {1}
    assert {row["evidence_count"] for row in first} == {3}
    assert {row["is_late"] for row in first} == {False}


def test_no_row_of_the_ledger_changes_or_disappears(ledgers) -> None:
    first, second, *_ = ledgers
    assert all(row in second for row in first)


def test_an_alert_whose_reason_was_corrected_away_stays(ledgers) -> None:
    first, second, _, home = ledgers
    now = warehouse.rows(home, "select * from scenarios.scn_tm01_structuring_fiat where outcome_code = 'alerted'")
    assert not any(row["party_id"] == "S1" for row in now)
    assert sum("S1-1" in row["evidence_transfer_ids"] for row in second) == 1


def test_a_continued_episode_raises_nothing_new_but_its_transfer_is_shown(ledgers) -> None:
    _, second, bridge, _ = ledgers
    alerts = [row for row in second if "S2-1" in row["evidence_transfer_ids"]]
    assert len(alerts) == 1
    mine = [row for row in bridge if row["alert_id"] == alerts[0]["alert_id"]]
    pairs = {row["transfer_id"]: row["is_known_when_raised"] for row in mine}
    assert pairs["exchange:deposit:S2-4"] is False
    assert pairs["exchange:deposit:S2-3"] is True


def test_a_late_beginning_raises_an_alert_of_its_own_and_says_how_late(ledgers) -> None:
    first, second, *_ = ledgers
    known = {row["alert_id"] for row in first}
    added = [row for row in second if row["alert_id"] not in known]
    assert [row["trigger_transfer_id"] for row in added] == ["exchange:deposit:S3-1"]
    assert added[0]["raised_as_of_at"] == population.AS_OF + timedelta(days=1)
    assert added[0]["is_late"] is True
    # evidence known on 2026-02-11 02:00; the finding of the episode's first leg ended on 2026-01-02
    assert added[0]["late_days"] == 39
