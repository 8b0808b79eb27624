"""What readers get: the published marts.

Belongs here: what must have been built and checked before. Not here: how files are written and switched
(publication.py).
"""

import json
from datetime import UTC, datetime

import dlt
from dagster import AssetExecutionContext, AssetKey, Failure, MaterializeResult, MetadataValue, asset

from orchestration import dashboard, postgres, progress, publication
from orchestration.assets.warehouse import project, warehouse_assets
from orchestration.home import REPOSITORY, home
from orchestration.resources import Warehouse
from orchestration.soda import read_contracts

CHECKED = {contract.asset_key for contract in read_contracts(REPOSITORY / "checks")}


def prerequisites() -> list[AssetKey]:
    """All marts, and whatever else dbt builds that has a contract: their blocking checks come before publication."""
    return sorted(key for key in warehouse_assets.keys if key.path[0] == publication.SCHEMA or key in CHECKED)


def descriptions() -> publication.Comments:
    """Descriptions of the marts and their columns, as the dbt project states them."""
    manifest = json.loads(project.manifest_path.read_text(encoding="utf-8"))
    models = [node for node in manifest["nodes"].values() if node.get("schema") == publication.SCHEMA]
    comments = {(model["name"], None): model.get("description") or "" for model in models}
    for model in models:
        for name, column in model.get("columns", {}).items():
            comments[model["name"], name] = column.get("description") or ""
    return comments


@asset(
    key_prefix="published",
    name="marts",
    deps=prerequisites(),
    group_name="published",
    kinds={"duckdb", "parquet"},
    owners=["data-engineering@plumbline.example"],
    description=(
        "The marts as readers see them: `published/current/plumbline.duckdb`, which any DuckDB from 1.4 on opens, and "
        "one Parquet file a table beside it. Replaced whole and at once, only after every blocking check passed."
    ),
)
def published_marts(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
    """The marts as BI tools read them: one complete version, switched to in one step."""
    progress.report("publishing the marts")
    version = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{context.run_id[:8]}"
    with warehouse.results() as connection:
        rows = publication.publish(connection, home() / "published", version, descriptions())
    return MaterializeResult(metadata={"version": version, "tables": len(rows), "rows": sum(rows.values())})


@asset(
    key_prefix="published",
    name="postgres",
    deps=[published_marts],
    group_name="published",
    kinds={"postgres"},
    owners=["data-engineering@plumbline.example"],
    description=(
        "The same version of the marts in a PostgreSQL database, schema `marts`, for BI tools that read a server. "
        "Loaded beside the version before and switched to at once, where `publication.postgres.credentials` is set."
    ),
)
def published_postgres() -> MaterializeResult:
    """The published marts in PostgreSQL, where dlt's secrets say which."""
    credentials = dlt.secrets.get("publication.postgres.credentials")
    if not credentials:
        return MaterializeResult(metadata={"state": "not configured"})
    progress.report("publishing the marts to PostgreSQL")
    version = publication.current(home() / "published")
    try:
        rows = postgres.publish(version, str(credentials), descriptions())
    except postgres.PostgresError as problem:
        raise Failure(str(problem), allow_retries=False) from None
    return MaterializeResult(metadata={"version": version.name, "tables": len(rows), "rows": sum(rows.values())})


@asset(
    key_prefix="published",
    name="dashboard",
    deps=[published_marts],
    group_name="published",
    kinds={"html"},
    owners=["data-engineering@plumbline.example"],
    description="One page of the published marts that needs no server: `dashboard/index.html` in the data directory.",
)
def published_dashboard() -> MaterializeResult:
    """The dashboard of the current version."""
    version = publication.current(home() / "published")
    path = dashboard.write(version, home() / "dashboard")
    return MaterializeResult(metadata={"version": version.name, "path": MetadataValue.path(path)})
