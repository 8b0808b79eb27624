"""The Soda adapter gives one result a check, and fails closed."""

import duckdb
import pytest
from dagster import AssetCheckSeverity

from orchestration import soda

CONTRACT = """
dataset: warehouse/marts/payments
columns:
  - name: payment_id
    data_type: varchar
    checks:
      - missing:
      - duplicate:
  - name: amount
    checks:
      - invalid:
          valid_min: 0
          threshold:
            level: warn
            must_be: 0
checks:
  - schema:
      allow_extra_columns: true
  - row_count:
  - failed_rows:
      name: No payment is refunded twice
      qualifier: refunds
      expression: amount < -100
"""
NAMES = [
    "soda_schema",
    "soda_row_count",
    "soda_failed_rows_refunds",
    "soda_payment_id_missing",
    "soda_payment_id_duplicate",
    "soda_amount_invalid",
]


@pytest.fixture
def contract(tmp_path):
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "payments.yml").write_text(CONTRACT)
    (only,) = soda.read_contracts(tmp_path)
    return only


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        opened.execute("create schema marts")
        yield opened


def results(contract, connection):
    return {result.check_name: result for result in soda.verify(contract, connection)}


def payments(connection, rows):
    connection.sql(f"values {rows}").project("col0 as payment_id, col1 as amount").create("marts.payments")


def test_specs_come_from_the_file_alone_and_block(contract):
    specs = contract.specs()
    assert [spec.name for spec in specs] == NAMES
    assert all(spec.blocking and spec.asset_key.path == ["marts", "payments"] for spec in specs)
    assert specs[2].description == "No payment is refunded twice"


def test_good_data_passes_every_check(contract, connection):
    payments(connection, "('a', 1), ('b', 2)")
    found = results(contract, connection)
    assert list(found) == NAMES
    assert all(result.passed for result in found.values())
    assert found["soda_row_count"].metadata["measured"].text == "2"


def test_a_warning_does_not_block(contract, connection):
    payments(connection, "('a', 1), ('b', -2)")
    warned = results(contract, connection)["soda_amount_invalid"]
    assert not warned.passed
    assert warned.severity is AssetCheckSeverity.WARN


def test_a_failure_is_an_error(contract, connection):
    payments(connection, "('a', 1), ('a', -200)")
    found = results(contract, connection)
    failed = {name for name, result in found.items() if not result.passed}
    assert failed == {"soda_payment_id_duplicate", "soda_failed_rows_refunds", "soda_amount_invalid"}
    assert found["soda_payment_id_duplicate"].severity is AssetCheckSeverity.ERROR


def test_a_missing_table_fails_every_check(contract, connection):
    found = results(contract, connection)
    assert list(found) == NAMES
    assert all(not r.passed and r.severity is AssetCheckSeverity.ERROR for r in found.values())
    assert "payments does not exist" in found["soda_row_count"].description


def test_no_connection_fails_every_check(contract):
    closed = duckdb.connect()
    closed.close()
    found = results(contract, closed)
    assert list(found) == NAMES
    assert all(not r.passed and r.severity is AssetCheckSeverity.ERROR for r in found.values())


def test_a_check_that_soda_does_not_answer_fails(contract, connection, monkeypatch):
    from soda_core.contracts.api import verify_api
    from soda_core.contracts.contract_verification import ContractVerificationSessionResult

    monkeypatch.setattr(
        verify_api,
        "verify_contract_locally",
        lambda **_: ContractVerificationSessionResult(contract_verification_results=[]),
    )
    assert all(not result.passed for result in results(contract, connection).values())


def test_an_exception_in_soda_fails_every_check(contract, connection, monkeypatch):
    from soda_core.contracts.api import verify_api

    def raise_error(**_):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(verify_api, "verify_contract_locally", raise_error)
    found = results(contract, connection)
    assert all(not result.passed for result in found.values())
    assert "no such luck" in found["soda_schema"].description


def test_a_contract_in_the_wrong_place_is_refused(tmp_path):
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "refunds.yml").write_text(CONTRACT)
    with pytest.raises(ValueError, match=r"marts/refunds.yml is a contract for warehouse/marts/payments"):
        soda.read_contracts(tmp_path)


def test_a_contract_without_checks_is_refused(tmp_path):
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "empty.yml").write_text("dataset: warehouse/marts/empty\ncolumns:\n  - name: a\n")
    with pytest.raises(ValueError, match="has no check"):
        soda.read_contracts(tmp_path)
