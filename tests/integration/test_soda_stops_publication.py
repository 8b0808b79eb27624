"""A defect that no dbt test sees, on raw and on a mart: the Soda contract alone stops the run before publication."""

from pathlib import Path

import duckdb
import pytest


def run_with_defect(plumbline, status, home: Path, **more: Path) -> dict:
    """The accounting of a run that must end untrusted, with readers' version as it was."""
    before = (home / "published/current").resolve()
    result = plumbline("run", home=home, **more)
    assert result.returncode == 1, result.stdout + result.stderr
    assert (home / "published/current").resolve() == before, "published in spite of a failed contract"
    return status(home)


def test_a_wrong_value_in_raw_is_not_even_built_on(plumbline, status, home_copy):
    with duckdb.connect(str(home_copy / "warehouse.duckdb")) as connection:
        wrong = "update raw_prices.rates set asset_code = 'USD', rate_usd = 2 where _record_no = 1"
        assert connection.execute(wrong).fetchall()[0][0] > 0
    found = run_with_defect(plumbline, status, home_copy)
    assert "raw_prices/rates soda_failed_rows_the_us_dollar_is_worth_one_us_dollar" in found["checks"]["failed_names"]
    assert all(" soda_" in name for name in found["checks"]["failed_names"])
    assert found["checks"]["not_run"] > 0
    assert found["kris"] == [], "the warehouse was built on a table that failed its contract"


@pytest.mark.nightly
def test_a_code_that_nobody_documented_is_not_published(plumbline, status, home_copy, code_copy):
    (model,) = (code_copy / "dbt_project").rglob("dim_parties.sql")
    select = "  party_type_code,\n"
    assert select in model.read_text(), "the mart has changed: the defect cannot be planted any more"
    model.write_text(model.read_text().replace(select, "  cast('trust' as string) as party_type_code,\n"))
    found = run_with_defect(plumbline, status, home_copy, code=code_copy)
    assert found["checks"]["failed_names"] == ["marts/dim_parties soda_party_type_code_invalid"]
    # The run tells people by itself: there is no daemon here.
    log = (home_copy / "alerts.log").read_text()
    assert log.count("Plumbline: run ") == 1
    assert "failed: marts/dim_parties soda_party_type_code_invalid" in log
