"""The coverage matrix: the page is what the published mart says, and every scenario in it has its golden tests."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import duckdb
from main_job import REPOSITORY

from orchestration.coverage import page

SCENARIOS = "## Scenarios and products"


def test_the_page_is_what_the_published_mart_says(finished_home: Path):
    made = page(finished_home / "published/current/plumbline.duckdb")
    kept = (REPOSITORY / "docs/coverage.md").read_text()
    # which products a scenario has met depends on the world; which red flags it answers does not
    assert made.partition(SCENARIOS)[0] == kept.partition(SCENARIOS)[0], "run: plumbline coverage > docs/coverage.md"


def test_every_scenario_of_the_matrix_has_golden_tests_and_evaluated_something(finished_home: Path):
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/unit/oracles"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    ).stdout.upper()
    with duckdb.connect(str(finished_home / "published/current/plumbline.duckdb"), read_only=True) as marts:
        rows = marts.execute(
            "select scenario_id, any_value(golden_tests), count(product_code) from marts.fct_red_flag_coverage "
            "where scenario_id is not null group by scenario_id"
        ).fetchall()
    with (REPOSITORY / "dbt_project/seeds/scenarios.csv").open(newline="") as file:
        assert {row[0] for row in rows} == {row["scenario_id"] for row in csv.DictReader(file)}
    assert [scenario for scenario, tests, _ in rows if not tests.endswith(f"-k {scenario}")] == []
    assert [scenario for scenario, _, _ in rows if not re.search(rf"(TEST_|\b){scenario}(_|\b)", collected)] == []
    # TM46 judges a month when it is over, and the small world has none that is
    assert [scenario for scenario, _, products in rows if products == 0] == ["TM46"]
