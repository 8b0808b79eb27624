"""Builds the part of the dbt project that an oracle judges, over upstream tables made by hand, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SCENARIO_MODELS = {
    "TM01": "scn_tm01_structuring_fiat", "TM06": "scn_tm06_rapid_in_out", "TM09": "scn_tm09_fan_in",
    "TM14": "scn_tm14_dormant_reactivation", "TM28": "scn_tm28_direct_exposure", "TM45": "scn_tm45_address_screening",
}  # fmt: skip


def dbt(home: Path, *arguments: str) -> str:
    """Runs a dbt command on home/warehouse.duckdb and returns its output; a failure raises with it."""
    environment = {
        "DBT_PROJECT_DIR": str(PROJECT), "DBT_PROFILES_DIR": str(PROJECT), "DBT_TARGET_PATH": str(home / "dbt/target"),
        "DBT_LOG_PATH": str(home / "dbt/logs"), "PLUMBLINE_PSEUDONYM_KEY": "test",
    } | dict(os.environ) | {"PLUMBLINE_HOME": str(home), "PLUMBLINE_TARGET": "duckdb"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def build(home: Path, *select: str) -> None:
    """Seeds and models of the selection, without their tests."""
    dbt(home, "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", "--select", *select)


def rows(home: Path, query: str) -> list[dict]:
    """The result of a query on the warehouse, as dicts."""
    con = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    try:
        return con.sql(query).to_arrow_table().to_pylist()
    finally:
        con.close()
