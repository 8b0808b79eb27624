"""Who is in which segment when: the first reviewed rule that matches decides, on every day, for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from dbt_command import compiled as sql_of
from dbt_command import dbt
from oracles import warehouse

MODELS = {
    "int_party_segment_matches": "intermediate",
    "int_party_segments": "intermediate",
    "fct_segment_rules": "marts",
}
TEST = "every_party_is_in_one_segment"
PARTIES = """
create table intermediate.int_party_history as
select party_id, from_at::timestamp as effective_from_at, to_at::timestamp as effective_to_at, party_type_code,
  segment_code, kyc_level_code
from (values
  ('P1', '1900-01-01', '2026-01-10 08:00:00', 'person', 'retail', 'basic'),
  ('P1', '2026-01-10 08:00:00', '9999-12-31', 'person', 'business', 'full'),
  ('P2', '1900-01-01', '9999-12-31', 'company', null, 'full'),
  ('P3', '1900-01-01', '9999-12-31', 'person', null, null),
  ('P4', '1900-01-01', '9999-12-31', null, null, null),
  ('P5', '1900-01-01', '9999-12-31', 'person', 'retail', 'basic')
) as parties(party_id, from_at, to_at, party_type_code, segment_code, kyc_level_code)
"""
AS_OF = """
create table staging.stg_control__as_of as
select timestamp '2026-03-01' as as_of_at, date '2026-03-01' as as_of_date
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of the models and of their test."""
    home = tmp_path_factory.mktemp("segments")
    duckdb.connect(str(home / "warehouse.duckdb")).close()
    dbt(home, "compile", "--select", *MODELS, TEST)
    return {name: sql_of(name) for name in (*MODELS, TEST)}


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for schema in ("staging", "intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        for seed in ("segment_rules", "scenario_parameters"):
            warehouse.load_seed(connection, seed)
        connection.execute(PARTIES)
        connection.execute(AS_OF)
        yield connection


@pytest.fixture
def build(con, compiled):
    def run() -> list[tuple[str, str]]:
        """Builds the models anew; what the test finds."""
        for model, schema in MODELS.items():
            con.execute(f"create or replace table {schema}.{model} as {compiled[model]}").fetchall()
        return sorted(con.execute(compiled[TEST]).fetchall())

    return run


def spans(con, party: str) -> list[tuple]:
    query = "select effective_from_at, segment_code, rule_id from intermediate.int_party_segments where party_id = ?"
    return sorted(con.execute(query, [party]).fetchall())


def test_the_first_rule_that_matches_decides(con, build):
    assert build() == []
    since = datetime(1900, 1, 1)
    assert spans(con, "P1") == [(since, "retail", "SEG-003"), (datetime(2026, 1, 10, 8), "business", "SEG-001")]
    assert spans(con, "P2") == [(since, "business", "SEG-004")]
    assert spans(con, "P3") == [(since, "retail", "SEG-005")]
    assert spans(con, "P4") == [(since, "unsegmented", "SEG-006")]


def test_a_rule_holds_from_its_day_on(con, build):
    con.execute("update reference.segment_rules set valid_to_date = date '2026-02-01' where rule_id = 'SEG-003'")
    con.execute(
        "insert into reference.segment_rules select 'SEG-007', rule_order, 'mass', party_type_code, kyc_segment_code, "
        "kyc_level_code, valid_to_date, null, reason, owner, approver from reference.segment_rules "
        "where rule_id = 'SEG-003'"
    )
    assert build() == []
    assert [(at.date(), segment) for at, segment, _ in spans(con, "P5")] == [
        (date(1900, 1, 1), "retail"),
        (date(2026, 2, 1), "mass"),
    ]


def test_who_matches_nobody_and_who_is_overruled_is_visible(con, build):
    build()
    counted = "select rule_id, party_count, overruled_party_count from marts.fct_segment_rules order by rule_id"
    assert con.execute(counted).fetchall() == [
        ("SEG-001", 1, 0),
        ("SEG-002", 0, 0),
        ("SEG-003", 1, 0),
        ("SEG-004", 1, 0),
        ("SEG-005", 1, 2),
        ("SEG-006", 1, 4),
    ]


@pytest.mark.parametrize(
    ("defect", "found"),
    [
        ("delete from reference.segment_rules where rule_id = 'SEG-006'", ("P4", "no rule")),
        (
            "update reference.segment_rules set valid_from_date = date '2026-01-01' where rule_id = 'SEG-006'",
            ("P4", "no rule"),
        ),
        ("update reference.segment_rules set rule_order = 40 where rule_id = 'SEG-005'", ("SEG-004", "same order")),
        ("update reference.segment_rules set approver = owner", ("SEG-001", "approved by its owner")),
        (
            "update reference.scenario_parameters set segment_code = 'retial' where parameter_id = 'TM12-003'",
            ("TM12-003", "parameter of no segment"),
        ),
    ],
)
def test_a_customer_without_exactly_one_segment_fails_the_run(con, build, defect, found):
    con.execute(defect).fetchall()
    assert found in build()


def test_a_customer_that_got_lost_fails_the_run(con, build, compiled):
    build()
    con.execute("delete from intermediate.int_party_segments where party_id = 'P3'").fetchall()
    con.execute(
        "update intermediate.int_party_segments set effective_to_at = timestamp '2026-01-09' "
        "where party_id = 'P1' and segment_code = 'retail'"
    ).fetchall()
    assert sorted(con.execute(compiled[TEST]).fetchall()) == [("P1", "gap or overlap"), ("P3", "no segment")]
