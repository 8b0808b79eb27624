"""Staging and intermediate models on a handful of awkward raw rows, each told apart by what becomes of it."""

import datetime as dt
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion import pipeline
from tests_shared import hand_made_raw as raw

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = ["resource_type:seed", "staging", "intermediate", "restricted", "fct_feed_reconciliation", "fct_rejects"]


def build(home: Path, *arguments: str) -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "build", "--exclude-resource-type", "test", *arguments],
        cwd=REPOSITORY / "dbt_project",
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_TARGET_PATH": str(home / "dbt"),
            "DBT_LOG_PATH": str(home / "dbt"),
            "PLUMBLINE_HOME": str(home),
            "PLUMBLINE_PSEUDONYM_KEY": "a test's key",
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
