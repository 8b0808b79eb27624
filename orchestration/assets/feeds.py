"""Raw feeds: one op a feed, one asset a table, loaded by dlt.

Belongs here: how a feed's tables become assets and how a load is reported. Not here: how a feed is read
(ingestion/<feed>/) and how its content is checked (asset_checks.py).
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import yaml
from dagster import AssetExecutionContext, AssetsDefinition, AssetSpec, BackfillPolicy, MaterializeResult, multi_asset
from dagster_dlt import DagsterDltResource, DagsterDltTranslator, build_dlt_asset_specs
from dagster_dlt.translator import DltResourceTranslatorData
from dlt.common.pipeline import LoadInfo
from dlt.extract.source import DltSource
from dlt.pipeline.pipeline import Pipeline

import ingestion
from ingestion import pipeline as pipelines
from orchestration import progress
from orchestration.partitions import days, window
from orchestration.resources import Warehouse

# The vendor is asked about the transfers of the ledger, so the ledger comes first.
# Block explorers are asked about the exchange's own addresses.
AFTER = {
    "chainalysis": (["raw_exchange", "deposits"], ["raw_exchange", "withdrawals"]),
    "onchain": (["raw_exchange", "addresses"],),
}
FEEDS = ("exchange", "kyc", "bank", "onchain", "chainalysis", "ofac", "cases", "tagpacks", "prices")

ACCOUNTING = {
    "control_totals": "What the source says it sent, per extract, day and asset; taken without the loader's parser.",
    "rejects": "Records that cannot be used, whole, each with its reason.",
}


@cache
def passport(feed: str) -> dict[str, Any]:
    """The feed's source.yml: publisher, owner, cadence, licence, personal data, grain of its tables."""
    path = Path(ingestion.__file__).parent / feed / "source.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def owner(name: str) -> str:
    """As Dagster wants it: an e-mail address, or `team:<name>`."""
    return name if "@" in name or name.startswith("team:") else f"team:{name}"


class FeedTranslator(DagsterDltTranslator):
    """Names a table's asset [raw_<feed>, <table>] and describes it from the feed's source.yml."""

    def get_asset_spec(self, data: DltResourceTranslatorData) -> AssetSpec:
        feed, table = data.resource.source_name, data.resource.name
        about = passport(feed)
        return AssetSpec(
            key=[pipelines.dataset(feed), table],
            description=ACCOUNTING.get(table) or f"{about['title']}. One row is {about['tables'][table]['grain']}.",
            deps=AFTER.get(feed, ()),
            group_name=pipelines.dataset(feed),
            owners=[owner(about["owner"])],
            kinds={"dlt", "duckdb"},
            tags={"personal_data": str(bool(about["contains_personal_data"])).lower()},
            metadata={key: str(about[key]) for key in ("publisher", "cadence", "licence")},
        )


def source_of(feed: str) -> Callable[..., DltSource]:
    return getattr(import_module(f"ingestion.{feed}"), f"{feed}_source")


def feed_assets(feed: str) -> AssetsDefinition:
    """The feed's tables as assets of one op.

    The op cannot be subset: an extract counts as loaded once its control totals are in, so loading some tables only
    would lose the others.
    """
    # Empty addresses keep dlt from resolving configuration, and so from reading files, at import time.
    names = signature(source_of(feed)).parameters
    addresses = {name: "" for name in names if name.endswith("_url") or name == "credentials"}
    undecided = source_of(feed)(**addresses)

    @multi_asset(
        name=pipelines.dataset(feed),
        specs=[*build_dlt_asset_specs(undecided, pipelines.pipeline(feed), FeedTranslator()), _loads(feed)],
        partitions_def=days,
        backfill_policy=BackfillPolicy.single_run(),
        can_subset=False,
    )
    def load(context: AssetExecutionContext, dlt: DagsterDltResource, warehouse: Warehouse):
        with progress.working(f"{feed}: loading"):
            source = source_of(feed)(**_arguments(feed, context))
            info = pipelines.run(source, feed)
        yield from _materializations(context, dlt, feed, source, info)

    return load


def _loads(feed: str) -> AssetSpec:
    """dlt's own table of completed loads, by which every model tells a complete extract from a half one."""
    return AssetSpec(
        key=[pipelines.dataset(feed), "_dlt_loads"],
        description="One row a load that was completed, written by dlt; rows of a load that is not here do not count.",
        group_name=pipelines.dataset(feed),
        owners=[owner(passport(feed)["owner"])],
        kinds={"dlt", "duckdb"},
    )


def _arguments(feed: str, context: AssetExecutionContext) -> dict[str, Any]:
    """What the orchestration tells a source; where it reads from is dlt's own configuration."""
    start, end = window(context.run)
    told = {"start": start, "end": end, "progress": partial(_report_stage, feed)}
    return {name: value for name, value in told.items() if name in signature(source_of(feed)).parameters}


def _report_stage(feed: str, stage: str, done: int, total: int) -> None:
    progress.report(f"{feed}: {stage} {done:,}/{total:,}")


def _materializations(
    context: AssetExecutionContext, dlt: DagsterDltResource, feed: str, source: DltSource, info: LoadInfo
) -> Iterator[MaterializeResult]:
    loaded: Pipeline = info.pipeline
    counts = loaded.last_trace.last_normalize_info.row_counts if info.loads_ids else {}
    configured = pipelines.configured(feed)
    if not configured:
        context.log.info(f"{feed} is not configured: its tables exist and stay as they are.")
    for table, resource in source.selected_resources.items():
        metadata = {
            "rows_loaded": counts.get(table, 0),
            "loads": ", ".join(info.loads_ids) or "nothing new",
            "configured": configured,
        }
        if info.loads_ids:
            described = dlt.extract_resource_metadata(context, resource, info, loaded)
            metadata |= {key: value for key, value in described.items() if key.startswith("dagster/")}
        yield MaterializeResult(asset_key=[pipelines.dataset(feed), table], metadata=metadata)
    yield MaterializeResult(asset_key=[pipelines.dataset(feed), "_dlt_loads"], metadata={"new": len(info.loads_ids)})
    rows = sum(count for table, count in counts.items() if table not in ACCOUNTING and not table.startswith("_dlt"))
    progress.report(f"{feed}: {rows:,} new rows" if configured else f"{feed}: not configured")


feeds = [feed_assets(feed) for feed in FEEDS]
