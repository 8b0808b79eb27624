"""Soda contracts as Dagster asset checks.

Belongs here: reading contracts, running them, translating results. Not here: which contracts run when
(asset_checks.py) and the contracts themselves (checks/).

Written here because Dagster's own Soda integration needs a Soda older than contracts. Everything fails closed: a
contract with an error, and a check without a result, is a failed check. Soda itself raises nothing.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import yaml
from dagster import AssetCheckResult, AssetCheckSeverity, AssetCheckSpec, AssetKey

DATA_SOURCE = "warehouse"


@dataclass(frozen=True)
class Contract:
    """One contract file. `checks` maps the check's path in the YAML, as Soda spells it, to its title."""

    path: Path
    schema: str
    table: str
    checks: dict[str, str]

    @property
    def asset_key(self) -> AssetKey:
        return AssetKey([self.schema, self.table])

    def specs(self) -> list[AssetCheckSpec]:
        return [
            AssetCheckSpec(check_name(path), asset=self.asset_key, description=title, blocking=True)
            for path, title in self.checks.items()
        ]


@cache
def read_contracts(folder: Path) -> tuple[Contract, ...]:
    """The contracts below `folder`, sorted. Raises ValueError where a file's place and its dataset disagree."""
    return tuple(_read(folder, path) for path in sorted(folder.glob("*/*.yml")))


def check_name(check_path: str) -> str:
    """`columns.amount.checks.missing` -> `soda_amount_missing`; stable, and unique within its table."""
    parts = [part for part in check_path.split(".") if part not in ("columns", "checks")]
    return re.sub(r"\W+", "_", "_".join(["soda", *parts]))


def verify(contract: Contract, connection: duckdb.DuckDBPyConnection) -> Iterator[AssetCheckResult]:
    """Runs one contract over an open connection; yields exactly one result for each of its checks."""
    from soda_core.contracts.api.verify_api import verify_contract_locally
    from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

    logging.getLogger("soda").setLevel(logging.ERROR)
    results, errors = {}, []
    try:
        session = verify_contract_locally(
            data_sources=[DuckDBDataSourceImpl.from_existing_cursor(connection, name=DATA_SOURCE)],
            contract_file_path=str(contract.path),
        )
    except Exception as error:  # Soda reports most errors in the session, but not all
        errors = [repr(error)]
    else:
        if any(result.has_errors for result in session.results):
            errors = session.get_errors() or ["Soda could not run this contract and gave no reason."]
        results = {item.check.relative_path: item for result in session.results for item in result.check_results}
    for path in contract.checks:
        yield _result(contract, path, results.get(path), errors)


def _result(contract: Contract, path: str, result, errors: list[str]) -> AssetCheckResult:
    outcome = result.outcome.name if result else "NOT_EVALUATED"
    metadata = {"outcome": outcome, "contract": f"{contract.schema}/{contract.path.name}"}
    if result is not None:
        metadata |= {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in (result.diagnostic_metric_values or {}).items()
            if value is not None
        }
        if result.threshold_value is not None:
            metadata["measured"] = str(result.threshold_value)
    description = None
    if errors:
        description = "The contract could not be verified: " + "; ".join(" ".join(error.split()) for error in errors)
    elif result is None or outcome in ("NOT_EVALUATED", "EXCLUDED"):
        description = "The check gave no result, which counts as failed."
    elif outcome == "FAILED":
        found = " ".join(result.log_table_row_diagnostics(verbose=False).split())
        description = f"{contract.checks[path]}: no. Found: {found}"
    return AssetCheckResult(
        asset_key=contract.asset_key,
        check_name=check_name(path),
        passed=outcome == "PASSED" and not errors,
        severity=AssetCheckSeverity.WARN if outcome == "WARN" and not errors else AssetCheckSeverity.ERROR,
        description=description,
        metadata=metadata,
    )


def _read(folder: Path, path: Path) -> Contract:
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    schema, table = path.parent.name, path.stem
    if content.get("dataset") != f"{DATA_SOURCE}/{schema}/{table}":
        raise ValueError(
            f"{path.relative_to(folder)} is a contract for {content.get('dataset')}; "
            f"its place says {DATA_SOURCE}/{schema}/{table}. Move the file or correct its dataset."
        )
    checks = dict(_checks("", content))
    for column in content.get("columns") or []:
        checks |= dict(_checks(f"columns.{column['name']}.", column))
    if not checks:
        raise ValueError(f"{path.relative_to(folder)} has no check.")
    return Contract(path, schema, table, checks)


def _checks(prefix: str, content: dict) -> Iterator[tuple[str, str]]:
    for check in content.get("checks") or []:
        kind, body = next(iter(check.items()))
        body = body or {}
        qualifier = body.get("qualifier")
        path = f"{prefix}checks.{kind}" + (f".{qualifier}" if qualifier is not None else "")
        column = prefix.removeprefix("columns.").rstrip(".")
        yield path, body.get("name") or " ".join(filter(None, [column, kind.replace("_", " ")]))
