"""Freshness of the feeds: how far each lags behind the others, and whether a day of deliveries is missing.

Belongs here: both checks and their arithmetic. Not here: whether a source answered (assets/feeds.py).

The clock of both is the data, never ours: a feed is compared with the newest known-at time of all feeds, so that a
sandbox world of the past, and a rebuild, get the answer of their own day. A feed that every other one lags behind is
therefore fresh; that nothing at all comes in any more, a schedule that does not run says.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    multi_asset_check,
)

from ingestion import pipeline as pipelines
from orchestration.assets.feeds import FEEDS, passport
from orchestration.resources import Warehouse

IS_FRESH, HAS_EVERY_DAY = "is_fresh", "has_every_day"
CRITICAL = ("exchange", "onchain")
"""Feeds that hold what is monitored: a missing day of theirs stops the run before the warehouse is built."""
_FOLDER = r"^delivery=(\d{4}-\d{2}-\d{2})"


@dataclass(frozen=True)
class Delivered:
    """What completed loads of a feed brought: its newest known-at time (naive UTC; None where nothing came), and the
    days of its delivery folders. Files outside such folders, and vendors, have no days."""

    newest: datetime | None
    days: frozenset[date]


def delivered(connection: duckdb.DuckDBPyConnection, feed: str) -> Delivered:
    """What the control totals of a feed say was delivered."""
    schema = pipelines.dataset(feed)
    if not pipelines.has_table(connection, schema, "control_totals"):
        return Delivered(None, frozenset())
    rows = connection.execute(
        "select try_cast(regexp_extract(extract_id, $folder, 1) as date), max(known_at) "  # noqa: S608 (a feed code)
        f"from {schema}.control_totals "
        f"where _dlt_load_id in (select load_id from {schema}._dlt_loads where status = 0) group by all",
        {"folder": _FOLDER},
    ).fetchall()
    return Delivered(max((at for _, at in rows), default=None), frozenset(day for day, _ in rows if day))


def missing_days(days: Collection[date], delivered_on: str | None) -> list[date]:
    """The days between the first and the last one delivered on which nothing came although something should have.
    `delivered_on`: every_day, weekdays (Monday to Friday), or None for a feed without such days."""
    if not days or delivered_on is None:
        return []
    between = (min(days) + timedelta(days=number) for number in range((max(days) - min(days)).days))
    last_weekday = {"every_day": 6, "weekdays": 4}[delivered_on]
    return [day for day in between if day not in days and day.weekday() <= last_weekday]


def lateness(feed: str, newest: datetime | None, as_of: datetime | None, is_configured: bool) -> str | None:
    """Why the feed is not fresh, in a sentence; None where it is. `as_of` is the newest known-at time of all feeds."""
    if newest is None:
        return f"Feed {feed} is configured and has never delivered anything." if is_configured else None
    allowed = passport(feed)["max_age_hours"]
    if allowed is None or as_of - newest <= timedelta(hours=allowed):
        return None
    hours = (as_of - newest).total_seconds() / 3600
    return (
        f"Feed {feed} knows nothing newer than {newest:%Y-%m-%d %H:%M} UTC, {hours:.0f} hours before the newest feed; "
        f"{allowed} are allowed. See whether its deliveries arrive."
    )


def gap(feed: str, days: Collection[date]) -> str | None:
    """Which days of delivery are missing, in a sentence; None where none is."""
    missing = missing_days(days, passport(feed)["delivered_on"])
    if not missing:
        return None
    named = ", ".join(map(str, missing[:10])) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
    return (
        f"Feed {feed} has deliveries before and after, but none of {named}. Deliver it (a day on which nothing "
        "happened is a delivery of empty files) and run again."
    )


def _result(feed: str, check: str, reason: str | None) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=_totals(feed),
        check_name=check,
        passed=reason is None,
        severity=AssetCheckSeverity.ERROR if check == HAS_EVERY_DAY and feed in CRITICAL else AssetCheckSeverity.WARN,
        description=reason,
        metadata={"reason": reason} if reason else {},
    )


def _totals(feed: str) -> AssetKey:
    return AssetKey([pipelines.dataset(feed), "control_totals"])


def _every_day(feed: str) -> AssetCheckSpec:
    return AssetCheckSpec(
        HAS_EVERY_DAY,
        asset=_totals(feed),
        description="No day is missing between the first and the last delivery.",
        blocking=feed in CRITICAL,
    )


def _fresh(feed: str) -> AssetCheckSpec:
    age = passport(feed)["max_age_hours"]
    limit = f"at most {age} hours older than" if age else "there, however much older than"
    return AssetCheckSpec(
        IS_FRESH, asset=_totals(feed), description=f"What is known of the feed is {limit} what is known of the newest."
    )


def _blocking(feed: str) -> AssetChecksDefinition:
    """An op of its own: what reads only this feed need not wait for the others."""

    @multi_asset_check(name=f"delivery_days_{feed}", specs=[_every_day(feed)])
    def check(warehouse: Warehouse):
        with warehouse.connect() as connection:
            yield _result(feed, HAS_EVERY_DAY, gap(feed, delivered(connection, feed).days))

    return check


def _of_all() -> AssetChecksDefinition:
    with_days = [feed for feed in FEEDS if feed not in CRITICAL and passport(feed)["delivered_on"]]

    @multi_asset_check(name="freshness", specs=[*map(_fresh, FEEDS), *map(_every_day, with_days)], can_subset=True)
    def check(context: AssetCheckExecutionContext, warehouse: Warehouse):
        with warehouse.connect() as connection:
            found = {feed: delivered(connection, feed) for feed in FEEDS}
        selected = context.selected_asset_check_keys
        for one in _results(found, with_days):
            if AssetCheckKey(one.asset_key, one.check_name) in selected:
                yield one

    return check


def _results(found: Mapping[str, Delivered], with_days: Collection[str]) -> Iterator[AssetCheckResult]:
    as_of = max((one.newest for one in found.values() if one.newest), default=None)
    for feed, one in found.items():
        yield _result(feed, IS_FRESH, lateness(feed, one.newest, as_of, pipelines.configured(feed)))
    for feed in with_days:
        yield _result(feed, HAS_EVERY_DAY, gap(feed, found[feed].days))


checks = [*map(_blocking, CRITICAL), _of_all()]
