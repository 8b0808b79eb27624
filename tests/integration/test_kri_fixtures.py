"""Every key risk indicator on a warehouse small enough to count on one's fingers.

As of 2026-03-01 02:00 UTC, so the periods of 30 days begin with 2026-01-31 and end with 2026-03-01.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from dbt_command import compiled, dbt
from oracles import warehouse

TABLES = """
create schema staging; create schema intermediate; create schema marts;
create table staging.stg_control__as_of as
  select timestamp '2026-03-01 02:00:00' as as_of_at, date '2026-03-01' as as_of_date;

create table intermediate.int_transfers
  (transfer_id text, rail_code text, status_code text, amount_usd decimal(18,2), event_date date);
insert into intermediate.int_transfers values
  ('t1', 'crypto', 'completed', 1000.00, '2026-02-10'),
  ('t2', 'crypto', 'completed', 3000.00, '2026-02-11'),
  ('t3', 'crypto', 'completed', null, '2026-02-12'),       -- cannot be valued, still a transfer
  ('t4', 'fiat', 'completed', 500.00, '2026-02-13'),
  ('t5', 'fiat', 'failed', 500.00, '2026-02-13'),           -- did not take place
  ('t6', 'crypto', 'completed', 9000.00, '2026-01-30'),     -- the day before the period
  ('t7', 'trade', 'completed', 700.00, '2026-03-01');       -- the last day of it

create table intermediate.int_transfer_legs (party_id text, status_code text, event_date date);
insert into intermediate.int_transfer_legs values
  ('p1', 'completed', '2026-02-10'), ('p1', 'completed', '2026-02-11'), ('p2', 'completed', '2026-02-12'),
  ('p3', 'failed', '2026-02-13'), ('p4', 'completed', '2026-01-30'), (null, 'completed', '2026-02-13'),
  ('p5', 'completed', '2026-03-01');

create table intermediate.int_transfer_screenings (transfer_id text, screening_status_code text);
insert into intermediate.int_transfer_screenings values
  ('t1', 'screened'), ('t2', 'screened'), ('t3', 'pending'), ('t6', 'screened');

create table intermediate.int_exposures
  (transfer_id text, exposure_type_code text, category_code text, severity_code text, exposure_usd decimal(18,2));
insert into intermediate.int_exposures values
  ('t1', 'DIRECT', 'mixing', 'severe', 10.00), ('t1', 'DIRECT', 'gambling', 'medium', 30.00),
  ('t1', 'DIRECT', 'mixing', 'severe', 9.00),                -- another vendor's word for the same value
  ('t1', 'INDIRECT', 'mixing', 'severe', 500.00),            -- not direct
  ('t2', 'DIRECT', 'exchange', 'low', 3000.00),              -- an exchange, not illicit
  ('t6', 'DIRECT', 'mixing', 'high', 9000.00);               -- before the period

create table marts.fct_alerts
  (alert_id text, triggered_at timestamp, evidence_known_at timestamp, raised_as_of_at timestamp);
insert into marts.fct_alerts values
  ('a1', '2026-02-10 10:00:00', '2026-02-11 02:00:00', '2026-02-11 02:00:00'),
  ('a2', '2026-02-11 10:00:00', '2026-02-12 02:00:00', '2026-02-12 02:00:00'),
  ('a3', '2026-01-29 23:59:59', '2026-01-30 02:00:00', '2026-01-30 02:00:00'),  -- before the period, open exactly 30 d
  ('a4', '2026-01-10 10:00:00', '2026-01-11 02:00:00', '2026-01-11 02:00:00'),  -- open for 49 days
  ('a5', '2026-03-01 00:00:00', '2026-03-01 02:00:00', '2026-03-01 02:00:00'),
  ('a6', '2026-02-20 10:00:00', '2026-02-21 02:00:00', '2026-03-01 02:00:01');  -- raised after the as-of instant

create table marts.fct_case_outcomes (case_id text, alert_id text, status_code text, outcome_code text,
  seconds_to_decision bigint, sar_filed_at timestamp, seconds_to_sar bigint);
insert into marts.fct_case_outcomes values
  ('c1', 'a1', 'closed', 'sar_filed', 864000, '2026-02-25', 864001),          -- decided after exactly 10 days
  ('c2', 'a2', 'open', null, null, null, null),
  ('c3', null, 'closed', 'false_positive', 864001, null, null),               -- one second more than 10 days
  ('c4', null, 'closed', 'false_positive', 3600, null, null),
  ('c5', null, 'closed', 'no_action', 3600, null, null),
  ('c6', null, 'closed', 'escalated', 3600, null, null),
  ('c7', null, 'closed', 'sar_filed', 3600, '2026-02-25', 2592001),           -- filed one second after 30 days
  ('c8', null, 'closed', 'sar_filed', 3600, '2026-02-25', 2592000);           -- filed after exactly 30 days

create table marts.fct_feed_reconciliation (source_rows bigint, rejected_rows bigint, unexplained_rows bigint);
insert into marts.fct_feed_reconciliation values (6000, 2, 0), (3000, 0, 1), (1000, 0, -1);

create table marts.fct_scenario_population (population_rows bigint, excluded_rows bigint, evaluated_rows bigint);
insert into marts.fct_scenario_population values (1000, 400, 590), (1000, 600, 400);
"""

# code: (value, colour, how it was counted)
EXPECTED = {
    "alert_volume": ("3", "no_limit", "a1, a2 and a5 were triggered in the period"),
    "alerts_per_1000_active_customers": (
        "1000",
        "red",
        "3 alerts / 3 parties (p1 once, p2, p5) x 1000; p3 failed, p4 before",
    ),
    "alerts_per_1m_transfers": ("600000", "red", "3 alerts / 5 transfers (t1, t2, t3, t4, t7) x 1000000"),
    "productive_alert_rate": ("0.571429", "green", "c1, c6, c7, c8 of the 7 closed cases = 4 / 7"),
    "false_positive_ratio": ("0.285714", "green", "c3, c4 of 7 = 2 / 7"),
    "open_alert_backlog": ("4", "green", "all five but a1; the case of a2 is still open"),
    "open_alerts_over_30_days_share": ("0.25", "red", "only a4 of a2 to a5 is older; exactly 30 days is not = 1 / 4"),
    "decided_within_sla_share": ("0.857143", "amber", "all closed cases but c3, 6 / 7; exactly 10 days is in time"),
    "sar_over_30_days_share": ("0.333333", "red", "c7 of c1, c7, c8 = 1 / 3"),
    "data_feed_completeness": ("0.9996", "green", "1 - (2 rejected + 1 + 1 unexplained) / 10000: signs do not cancel"),
    "scenario_population_coverage": ("0.99", "amber", "(590 + 400) / (2000 - 1000); the limit itself is amber"),
    "reject_rate": ("0.0002", "green", "2 / 10000"),
    "screening_coverage": ("0.75", "red", "t1, t2, t6 of t1, t2, t3, t6; t3 is pending = 3 / 4"),
    "direct_exposure_share": ("0.01", "amber", "(10 + 30) / (1000 + 3000): t3 has no value, t6 is before the period"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kris")
    con = duckdb.connect(str(folder / "warehouse.duckdb"))
    con.execute(TABLES).fetchall()
    warehouse.load_seed(con, "kri_definitions")
    con.close()
    dbt(folder, "run", "--select", "fct_kris")
    return folder


def test_every_defined_indicator_has_a_fixture(home: Path) -> None:
    defined = {row["kri_code"] for row in warehouse.rows(home, "select kri_code from reference.kri_definitions")}
    assert defined == EXPECTED.keys()
    assert len(defined) >= 10


@pytest.mark.parametrize("kri_code", EXPECTED)
def test_indicator_equals_the_hand_computed_value(kri_code: str, home: Path) -> None:
    value, colour, _ = EXPECTED[kri_code]
    (row,) = [one for one in warehouse.table(home, "marts.fct_kris") if one["kri_code"] == kri_code]
    assert (row["value"], row["rag_code"], row["as_of_date"].isoformat()) == (Decimal(value), colour, "2026-03-01")


def test_nothing_to_divide_by_is_not_measured_and_never_zero(home: Path) -> None:
    """On an empty warehouse counts are 0 and ratios have no value."""
    con = duckdb.connect(str(home / "warehouse.duckdb"))
    for table in ("int_transfers", "int_transfer_legs", "int_transfer_screenings", "int_exposures"):
        con.execute(f"truncate intermediate.{table}").fetchall()
    for table in ("fct_alerts", "fct_case_outcomes", "fct_feed_reconciliation", "fct_scenario_population"):
        con.execute(f"truncate marts.{table}").fetchall()
    found = {row[0]: (row[3], row[5]) for row in con.execute(compiled("fct_kris")).fetchall()}
    con.close()
    assert found.keys() == EXPECTED.keys()
    assert found.pop("alert_volume") == (Decimal(0), "no_limit")
    assert found.pop("open_alert_backlog") == (Decimal(0), "green")
    assert set(found.values()) == {(None, "not_measured")}


def test_the_definition_in_force_on_the_as_of_date_sets_the_limits(home: Path) -> None:
    con = duckdb.connect(str(home / "warehouse.duckdb"))
    for day, red in (("2026-03-01", 1), ("2026-03-02", 2)):
        con.execute(
            "insert into reference.kri_definitions select * replace (?::date as valid_from_date, ? as red_limit) "
            "from reference.kri_definitions where kri_code = 'open_alert_backlog' and valid_from_date < '2026-01-01'",
            [day, red],
        ).fetchall()
    found = [row for row in con.execute(compiled("fct_kris")).fetchall() if row[0] == "open_alert_backlog"]
    con.close()
    assert len(found) == 1
    assert found[0][9] == 1
