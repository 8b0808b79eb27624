"""Raw feeds: one op a feed, one asset a table, loaded by dlt.

Belongs here: how a feed's tables become assets and how a load is reported. Not here: how a feed is read
(ingestion/<feed>/) and how its content is checked (asset_checks.py).
"""

from collections.abc import Iterator
from functools import cache, partial
from inspect import signature
from pathlib import Path
from typing import Any

import yaml
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    Failure,
    MaterializeResult,
    multi_asset,
)
from dagster_dlt import DagsterDltResource
from dlt.common.pipeline import LoadInfo
from dlt.extract.source import DltSource
from dlt.pipeline.pipeline import Pipeline

import ingestion
from ingestion import arrivals
from ingestion import pipeline as pipelines
from ingestion.deliveries import DeliveryError
from ingestion.pipeline import source_of
from ingestion.vendor import VendorError, VendorUnavailable
from orchestration import origin, progress
from orchestration.home import home
from orchestration.partitions import days, window
from orchestration.resources import Warehouse

# The vendor is asked about the transfers of the ledger, so the ledger comes first.
# Block explorers are asked about the exchange's own addresses.
AFTER = dict.fromkeys(
    ("chainalysis", "trm", "elliptic"), (["raw_exchange", "deposits"], ["raw_exchange", "withdrawals"])
) | {"onchain": (["raw_exchange", "addresses"],)}
FEEDS = (
    "exchange", "kyc", "bank", "onchain", "chainalysis", "trm", "elliptic", "watchlists",
    "cases", "tagpacks", "prices", "travel_rule", "behaviour",
)  # fmt: skip

ACCOUNTING = {
    "control_totals": "What the source says it sent, per extract, day and asset; taken without the loader's parser.",
    "rejects": "Records that cannot be used, whole, each with its reason.",
}
UP_TO_DATE, KNOWN_FIELDS = "is_up_to_date", "has_known_fields"
"""Checks on a feed's control totals. Neither stops what comes after: readers get what there is, and are told."""


@cache
def passport(feed: str) -> dict[str, Any]:
    """The feed's source.yml: publisher, owner, cadence, licence, personal data, grain of its tables."""
    path = Path(ingestion.__file__).parent / feed / "source.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def owner(name: str) -> str:
    """As Dagster wants it: an e-mail address, or `team:<name>`."""
    return name if "@" in name or name.startswith("team:") else f"team:{name}"


def _table(feed: str, table: str) -> AssetSpec:
    """A table's asset [raw_<feed>, <table>], described from the feed's source.yml.

    Made from the resource's name alone and not by dagster-dlt, which wants a pipeline: dlt empties a pipeline's
    working folder when it makes one, and the UI, the daemon and the run all import this module.
    """
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


def feed_assets(feed: str) -> AssetsDefinition:
    """The feed's tables as assets of one op.

    The op cannot be subset: an extract counts as loaded once its control totals are in, so loading some tables only
    would lose the others.
    """

    @multi_asset(
        name=pipelines.dataset(feed),
        specs=[*(_table(feed, table) for table in unconfigured(feed).resources), _loads(feed)],
        check_specs=_check_specs(feed),
        partitions_def=days,
        backfill_policy=BackfillPolicy.single_run(),
        can_subset=False,
    )
    def load(context: AssetExecutionContext, dlt: DagsterDltResource, warehouse: Warehouse):
        stale = None
        with progress.working(f"{feed}: loading"):
            try:
                looking_back = (of := origin.read(home())) is not None and of.kind == origin.LOOK_BACK
                source = unconfigured(feed) if looking_back else source_of(feed)(**_arguments(feed, context))
                info = pipelines.run(source, feed)
            except VendorUnavailable as reason:
                stale, source = str(reason), unconfigured(feed)
                context.log.error(f"Feed {feed} is stale: {stale}")
                info = pipelines.run(source, feed)  # so that its tables exist
            except (DeliveryError, VendorError) as problem:
                raise Failure(
                    f"Feed {feed} was not loaded: {problem} The other feeds were loaded; run again once this is put "
                    "right, nothing is lost or loaded twice.",
                    allow_retries=False,
                ) from None
            if closed := arrivals.close_arrived(feed):
                context.log.info(f"{feed}: {closed:,} rejects are closed, their record arrived")
        stale = stale or _unread(source)
        yield from _materializations(context, dlt, feed, source, info, stale)
        yield from _check_results(feed, source, stale)

    return load


def unconfigured(feed: str) -> DltSource:
    """The feed's source without anywhere to read from: its tables, empty. Empty addresses keep dlt from resolving
    configuration, and so from reading files and meeting vendors."""
    return source_of(feed)(**dict.fromkeys(pipelines.addresses(feed), ""))


def _check_specs(feed: str) -> list[AssetCheckSpec]:
    totals = AssetKey([pipelines.dataset(feed), "control_totals"])
    return [
        AssetCheckSpec(
            UP_TO_DATE,
            asset=totals,
            description="Whoever serves the feed answered, for each of its lists. Else it holds what earlier runs "
            "brought, and the next run catches up.",
        ),
        AssetCheckSpec(
            KNOWN_FIELDS,
            asset=totals,
            description="The source sent no field that the loader does not know. Such a field is kept where the feed "
            "keeps answers whole.",
        ),
    ]


def _check_results(feed: str, source: DltSource, stale: str | None) -> Iterator[AssetCheckResult]:
    totals = AssetKey([pipelines.dataset(feed), "control_totals"])
    yield AssetCheckResult(
        asset_key=totals,
        check_name=UP_TO_DATE,
        passed=stale is None,
        severity=AssetCheckSeverity.ERROR,
        description=stale and f"Feed {feed} is stale: {stale}",
        metadata={"reason": stale} if stale else {},
    )
    added = sorted(set().union(*(resource.added_fields for resource in source.resources.values())))
    yield AssetCheckResult(
        asset_key=totals,
        check_name=KNOWN_FIELDS,
        passed=not added,
        severity=AssetCheckSeverity.WARN,
        description=f"Feed {feed} has new fields: {', '.join(added)}" if added else None,
        metadata={"added_fields": added} if added else {},
    )


def _unread(source: DltSource) -> str | None:
    """Why parts of the feed could not be read although the others were; None where all were."""
    unread = {part: why for resource in source.resources.values() for part, why in resource.unread.items()}
    return "; ".join(f"{part} was not read: {why}" for part, why in sorted(unread.items())) or None


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
    context: AssetExecutionContext,
    dlt: DagsterDltResource,
    feed: str,
    source: DltSource,
    info: LoadInfo,
    stale: str | None,
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
        if stale:
            metadata["stale"] = stale
        if resource.added_fields:
            metadata["added_fields"] = sorted(resource.added_fields)
        if info.loads_ids:
            described = dlt.extract_resource_metadata(context, resource, info, loaded)
            metadata |= {key: value for key, value in described.items() if key.startswith("dagster/")}
        yield MaterializeResult(asset_key=[pipelines.dataset(feed), table], metadata=metadata)
    yield MaterializeResult(asset_key=[pipelines.dataset(feed), "_dlt_loads"], metadata={"new": len(info.loads_ids)})
    rows = sum(count for table, count in counts.items() if table not in ACCOUNTING and not table.startswith("_dlt"))
    progress.report(
        f"{feed}: stale" if stale else f"{feed}: {rows:,} new rows" if configured else f"{feed}: not configured"
    )


feeds = [feed_assets(feed) for feed in FEEDS]
