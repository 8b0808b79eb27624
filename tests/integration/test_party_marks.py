"""A party is marked from when it had been reported or refused and that was known: never before."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
from dbt_command import dbt
from oracles import warehouse

MARCH, APRIL, MAY = (datetime(2026, month, 3) for month in (3, 4, 5))


def test_a_mark_holds_from_when_it_was_known(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("create schema intermediate")
        con.execute(
            "create table intermediate.int_case_outcomes "
            "(party_id varchar, outcome_code varchar, sar_filed_at timestamp, known_at timestamp)"
        )
        con.execute(
            "create table intermediate.int_party_history "
            "(party_id varchar, kyc_status_code varchar, valid_from_at timestamp, known_at timestamp)"
        )
        con.executemany(
            "insert into intermediate.int_case_outcomes values (?, ?, ?, ?)",
            [
                ("filed in March, told in April", "sar_filed", MARCH, APRIL),
                ("told in March, filed in April", "sar_filed", APRIL, MARCH),
                ("twice", "sar_filed", MARCH, MAY),
                ("twice", "sar_filed", APRIL, APRIL),
                ("only looked into", "escalated", None, MARCH),
                (None, "sar_filed", MARCH, MARCH),
            ],
        )
        con.executemany(
            "insert into intermediate.int_party_history values (?, ?, ?, ?)",
            [
                ("refused", "approved", MARCH, MARCH),
                ("refused", "rejected", APRIL, MAY),
                ("welcome", "approved", MARCH, MARCH),
                ("twice", "rejected", MAY, MAY),
            ],
        )
    dbt(tmp_path, "run", "--select", "int_party_marks")
    rows = warehouse.table(tmp_path, "intermediate.int_party_marks")
    assert {(row["party_id"], row["mark_code"], row["marked_at"], row["effective_from_at"]) for row in rows} == {
        ("filed in March, told in April", "reported", MARCH, APRIL),
        ("told in March, filed in April", "reported", APRIL, APRIL),
        ("twice", "reported", MARCH, APRIL),
        ("twice", "exited", MAY, MAY),
        ("refused", "exited", APRIL, MAY),
    }
