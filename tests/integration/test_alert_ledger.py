"""The ledger of alerts only grows, and what joins an episode too late to be seen with it raises an alert of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from dbt_command import build, compiled
from oracles import population, warehouse

UPSTREAM = ("scenario_parameters", "suppressions", "jurisdictions", "int_money_edges", "features", "scenarios")
SELECTION = (*UPSTREAM, "intermediate.monitoring", "marts.alerts")
# The first run is as of day 41 of the population, 02:00; the second a day later. What is late became known in between.
LATE = population.AS_OF + timedelta(hours=8)


def _structured(people: population.Population, party: str, *days: int, amount: str = "9500", **more: object) -> None:
    """A cash-like deposit just under the reporting level, at nine on each of the days; known on the day after."""
    for day in days:
        people.leg(
            transfer_id=f"exchange:deposit:{party}-{day}", direction_code="in", rail_code="fiat", asset_code="EUR",
            amount=amount, party_id=party, account_id=f"A-{party}", segment_code="retail", jurisdiction_code="EU",
            event_at=population.START + timedelta(days=day, hours=9), counterparty_id=f"IBAN-{party}", **more,
        )  # fmt: skip


def _crypto(
    people: population.Population, name: str, hour: int, *, sender: str = "0xgood1", exposure: tuple = ()
) -> None:
    """A deposit of 2,500 USD in ether so many hours after the beginning of day 40, from an address."""
    leg = people.leg(
        transfer_id=f"exchange:deposit:{name}", direction_code="in", rail_code="crypto", asset_code="ETH", amount="1",
        party_id=name[:2], account_id=f"A-{name[:2]}", segment_code="retail", jurisdiction_code="EU",
        event_at=population.START + timedelta(days=40, hours=hour), counterparty_id=sender,
    )  # fmt: skip
    people.rows("int_transfer_addresses").append(
        {"transfer_id": leg["transfer_id"], "role_code": "counterparty", "address": sender, "is_valid": True}
    )
    if exposure:
        category, entity = exposure
        people.rows("int_exposures").append(
            {
                "transfer_id": leg["transfer_id"], "vendor_code": "chainalysis", "exposure_type_code": "DIRECT",
                "category_code": category, "severity_code": "severe", "is_zero_tolerance": False,
                "entity_name": entity, "exposure_usd": leg["amount_usd"], "known_at": leg["known_at"],
            }
        )  # fmt: skip


def _world(*, later: bool) -> population.Population:
    """What was known in the first run, or a day later."""
    people = population.Population()
    for serial, address in enumerate(population.SANCTIONED):
        people.rows("int_sanctioned_addresses").append(
            {
                "list_code": "ofac_sdn", "entry_id": str(serial), "address": address, "is_valid": True,
                "listed_from_date": population.START.date(), "known_at": population.START,
            }
        )  # fmt: skip
    _structured(people, "S1", 36, 38)
    _structured(people, "S1", 37, status_code="failed" if later else "completed")  # corrected away
    _structured(people, "S2", 36, 37, 38, *([41] if later else []))  # goes on
    _structured(people, "S3", 36, 37, 38)  # turns out to have begun earlier
    _structured(people, "S4", 32, 33, 34, 36)  # a deposit in the middle turns up late
    if later:
        _structured(people, "S3", 34, 35, amount="9300", known_at=LATE)
        _structured(people, "S4", 35, known_at=LATE)
    _structured(people, "S5", *range(41), *([41] if later else []))  # never stops
    _crypto(people, "T1-a", 20, sender="0xbad1")
    _crypto(people, "X1-a", 20, exposure=("ransomware", "gang one"))
    if later:
        _crypto(people, "T1-b", 34, sender="0xbad1")
        _crypto(people, "T1-c", 35, sender="0xbad2")
        _crypto(people, "X1-b", 34, exposure=("ransomware", "gang one"))
        _crypto(people, "X1-c", 35, exposure=("ransomware", "gang two"))
        _crypto(people, "X1-d", 35, exposure=("scam", "gang one"))
    return people


def _tell(home: Path, *, later: bool) -> None:
    """Puts what was known in a run into the home's warehouse, with the as-of instant of that run."""
    _world(later=later).write(home / "warehouse.duckdb")
    if later:
        with duckdb.connect(str(home / "warehouse.duckdb")) as con:
            con.execute("update staging.stg_control__as_of set as_of_at = as_of_at + interval 1 day").fetchall()


class Ledgers(NamedTuple):
    """The ledger after a first run and after a second one a day later; who belongs where then; what the same run would
    add once more; and the same in one go, rebuilt from nothing."""

    first: list[dict]
    second: list[dict]
    legs: list[dict]
    transfers: list[dict]
    home: Path
    again: list[dict]
    at_once: list[dict]
    legs_at_once: list[dict]
    features_first: list[dict]
    features: list[dict]
    features_at_once: list[dict]
    once: Path


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Ledgers:
    home = tmp_path_factory.mktemp("ledger")
    ledger = "select * from marts.fct_alerts order by all"
    _tell(home, later=False)
    build(home, "--select", *SELECTION)
    first = warehouse.rows(home, ledger)
    features_first = warehouse.table(home, "marts.fct_alert_features")
    _tell(home, later=True)
    build(home, "--select", *SELECTION, "--full-refresh")
    again = warehouse.rows(home, compiled("fct_alerts"))
    once = tmp_path_factory.mktemp("at_once")
    _tell(once, later=True)
    build(once, "--select", *SELECTION)
    return Ledgers(
        first,
        warehouse.rows(home, ledger),
        warehouse.table(home, "marts.fct_alert_legs"),
        warehouse.table(home, "marts.fct_alert_transfers"),
        home,
        again,
        warehouse.rows(once, ledger),
        warehouse.table(once, "marts.fct_alert_legs"),
        features_first,
        warehouse.table(home, "marts.fct_alert_features"),
        warehouse.table(once, "marts.fct_alert_features"),
        once,
    )


def about(alerts: list[dict], prefix: str) -> list[dict]:
    """The alerts of the three scenarios told of here, triggered by a transfer whose name begins so, in the order in
    which they were raised."""
    told = [row for row in alerts if row["scenario_id"] in ("TM01", "TM28", "TM45")]
    mine = [row for row in told if row["trigger_transfer_id"].startswith(f"exchange:deposit:{prefix}")]
    return sorted(mine, key=lambda row: (row["raised_as_of_at"], row["triggered_at"], row["trigger_transfer_id"]))


def added(ledgers: Ledgers, prefix: str) -> list[dict]:
    known = {row["alert_id"] for row in ledgers.first}
    return [row for row in about(ledgers.second, prefix) if row["alert_id"] not in known]


def test_first_run_raises_one_alert_an_episode(ledgers: Ledgers) -> None:
    assert {name: len(about(ledgers.first, name)) for name in ("S1", "S2", "S3", "S4", "S5", "T1", "X1")} == {
        "S1": 1, "S2": 1, "S3": 1, "S4": 1, "S5": 2, "T1": 1, "X1": 1,
    }  # fmt: skip
    assert len(about(ledgers.first, "")) == 8
    assert {row["is_late"] for row in ledgers.first} == {False}
    assert {row["continues_alert_id"] for row in ledgers.first} == {None}
    (one,) = about(ledgers.first, "S2")
    assert (one["leg_count"], one["evidence_count"]) == (1, 3)


def test_no_row_of_the_ledger_changes_or_disappears(ledgers: Ledgers) -> None:
    assert all(row in ledgers.second for row in ledgers.first)


def test_an_alert_whose_reason_was_corrected_away_stays(ledgers: Ledgers) -> None:
    now = warehouse.table(ledgers.home, "scenarios.scn_tm01_structuring_fiat")
    assert not any(row["party_id"] == "S1" for row in now if row["outcome_code"] == "alerted")
    assert len(about(ledgers.second, "S1")) == 1


def test_what_goes_on_in_time_raises_nothing_new_but_is_shown(ledgers: Ledgers) -> None:
    (alert,) = about(ledgers.second, "S2")
    pairs = {
        row["transfer_id"]: row["is_known_when_raised"]
        for row in ledgers.transfers
        if row["alert_id"] == alert["alert_id"]
    }
    assert pairs["exchange:deposit:S2-41"] is False
    assert pairs["exchange:deposit:S2-38"] is True
    (leg,) = [row for row in ledgers.legs if row["transfer_id"] == "exchange:deposit:S2-41"]
    assert (leg["alert_id"], leg["is_known_when_raised"]) == (alert["alert_id"], False)


def test_a_late_beginning_raises_a_continuation_that_says_how_late(ledgers: Ledgers) -> None:
    (first,) = about(ledgers.first, "S3")
    (alert,) = added(ledgers, "S3")
    assert alert["trigger_transfer_id"] == "exchange:deposit:S3-36"
    assert alert["continues_alert_id"] == first["alert_id"]
    assert alert["leg_count"] == 2, "the third deposit was alerted already"
    assert alert["raised_as_of_at"] == population.AS_OF + timedelta(days=1)
    # evidence known on day 41 at ten; the last transfer of the first finding is of day 36
    assert (alert["is_late"], alert["late_days"]) == (True, 4)


def test_a_late_transfer_inside_an_alerted_episode_raises_a_continuation(ledgers: Ledgers) -> None:
    (first,) = about(ledgers.first, "S4")
    (alert,) = added(ledgers, "S4")
    assert alert["trigger_transfer_id"] == "exchange:deposit:S4-35"
    assert (alert["continues_alert_id"], alert["leg_count"]) == (first["alert_id"], 1)
    assert (alert["is_late"], alert["late_days"]) == (True, 5)


def test_a_subject_that_never_stops_is_alerted_again_after_the_longest_episode(ledgers: Ledgers) -> None:
    earlier, later = about(ledgers.second, "S5")
    assert later["triggered_at"] - earlier["triggered_at"] == timedelta(hours=672)
    assert later["continues_alert_id"] is None
    (leg,) = [row for row in ledgers.legs if row["transfer_id"] == "exchange:deposit:S5-41"]
    assert leg["alert_id"] == later["alert_id"]


def test_a_second_hit_on_the_same_address_or_entity_is_a_continuation(ledgers: Ledgers) -> None:
    for name in ("T1", "X1"):
        (first,) = about(ledgers.first, name)
        (again,) = about(ledgers.second, f"{name}-b")
        assert again["continues_alert_id"] == first["alert_id"]
        assert again["is_late"] is False


def test_a_different_address_category_or_entity_is_another_alert(ledgers: Ledgers) -> None:
    for alerts in (ledgers.second, ledgers.at_once):
        others = [about(alerts, name) for name in ("T1-c", "X1-c", "X1-d")]
        assert [(row["continues_alert_id"], row["leg_count"]) for (row,) in others] == [(None, 1)] * 3
        assert [row["episode_key"] for (row,) in others] == ["0xbad2", "ransomware (gang two)", "scam (gang one)"]


def test_running_again_on_the_same_knowledge_raises_nothing(ledgers: Ledgers) -> None:
    assert len(ledgers.second) > len(ledgers.first)
    assert ledgers.again == []


def test_history_in_one_go_covers_the_same_legs_in_fewer_alerts(ledgers: Ledgers) -> None:
    """Rebuilt from nothing, what was late or came in a later run is part of the first alert; nothing else differs."""
    legs = {(row["scenario_id"], row["leg_id"]) for row in ledgers.legs}
    assert {(row["scenario_id"], row["leg_id"]) for row in ledgers.legs_at_once} == legs
    assert len(ledgers.legs) == len(ledgers.legs_at_once) == len(legs)
    standing = [row for row in ledgers.second if not about([row], "S1")]
    continued = {name: len(about(standing, name)) - len(about(ledgers.at_once, name)) for name in ("S2", "S3", "S4")}
    assert continued == {"S2": 0, "S3": 1, "S4": 1}
    assert len(about(ledgers.at_once, "S5")) == 2
    firsts = {row["alert_id"] for row in standing if row["continues_alert_id"] is None}
    begun_late = {row["alert_id"] for row in (*about(ledgers.first, "S3"), *added(ledgers, "S3"))}
    assert firsts - begun_late == {row["alert_id"] for row in ledgers.at_once} - begun_late


def described(features: list[dict], alert: dict) -> list[tuple]:
    """The features of an alert without its id and the instant of its run."""
    mine = [row for row in features if row["alert_id"] == alert["alert_id"]]
    return [tuple(row.values())[1:-1] for row in sorted(mine, key=lambda row: row["feature_no"])]


def test_an_alert_says_what_it_rests_on_and_what_was_usual(ledgers: Ledgers) -> None:
    """S2 paid in 9,500 euros on three days; on the two before the third one and two deposits were in the window."""
    (alert,) = about(ledgers.first, "S2")
    count, amount, transfer, turnover = described(ledgers.features_first, alert)
    one = transfer[3]
    assert count == (1, "subthreshold_count", "count", 3, 3, 2, 1, 1, 2, None)
    assert amount == (2, "subthreshold_amount", "asset", 28_500, 10_000, 2, 9_500, 9_500, 19_000, None)
    assert transfer == (3, "transfer_amount_usd", "USD", one, None, 2, one, one, one, None)
    assert turnover[:-1] == (4, "turnover_usd_30d", "USD", 3 * one, None, 2, one, one, 2 * one)


def test_what_happened_or_became_known_later_changes_no_feature(ledgers: Ledgers) -> None:
    assert ledgers.features_first
    assert all(row in ledgers.features for row in ledgers.features_first)
    for name in ("S2", "S5"):
        alert = about(ledgers.first, name)[0]
        with_the_future = described(ledgers.features_at_once, alert)
        assert [row[:-1] for row in with_the_future] == [row[:-1] for row in described(ledgers.features, alert)]
        assert len(with_the_future) == 4


def _usual(values: list) -> tuple:
    """How many there are, the smallest, the median and the 95th percentile, by nearest rank."""
    ranked = sorted(value for value in values if value is not None)
    if not ranked:
        return (0, None, None, None)
    nearest = [ranked[-(-percent * len(ranked) // 100) - 1] for percent in (50, 95)]
    return (len(ranked), ranked[0], *nearest)


def test_what_is_usual_is_what_plain_python_makes_of_it(ledgers: Ledgers) -> None:
    legs = {row["leg_id"]: row for row in warehouse.table(ledgers.once, "intermediate.int_transfer_legs")}
    episodes = {row["finding_id"]: row for row in warehouse.table(ledgers.once, "intermediate.int_alert_episodes")}
    judged = {
        scenario: warehouse.table(ledgers.once, f"scenarios.{warehouse.SCENARIO_MODELS[scenario]}")
        for scenario in {alert["scenario_id"] for alert in ledgers.at_once}
    }
    found = {(row["alert_id"], row["feature_no"]): row for row in ledgers.features_at_once}
    checked = 0
    for alert in ledgers.at_once:
        trigger = episodes[alert["alert_id"]]
        since = alert["triggered_at"] - timedelta(days=90)
        rows = [row for row in judged[alert["scenario_id"]] if row["subject_id"] == trigger["subject_id"]]
        before = [row for row in rows if since <= row["event_at"] < alert["triggered_at"]]
        (now,) = [row for row in rows if row["leg_id"] == trigger["leg_id"]]
        side = legs[trigger["leg_id"]]
        amounts = [
            row["amount_usd"]
            for row in legs.values()
            if (row["party_id"] or row["account_id"]) == (side["party_id"] or side["account_id"])
            and (row["direction_code"], row["status_code"]) == (side["direction_code"], "completed")
            and since <= row["event_at"] < alert["triggered_at"]
        ]
        expected = {3: (side["amount_usd"], None, *_usual(amounts))}
        for number in (1, 2):
            if now[f"measure_{number}_name"]:
                usual = _usual([row[f"measure_{number}_value"] for row in before])
                value = (now[f"measure_{number}_value"], now[f"threshold_{number}_value"])
                expected[number] = (*value, *usual)
        for number, row in expected.items():
            columns = ("feature_value", "limit_value", "history_count", "usual_low_value", "usual_median_value",
                       "usual_high_value")  # fmt: skip
            assert tuple(found[alert["alert_id"], number][column] for column in columns) == row
            checked += row[2] > 1
    assert checked > 10
