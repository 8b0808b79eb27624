"""Replay of rejects: after a mapping or a parser was put right, the records it could not use are brought in, once.

Belongs here: which rejects are open, reading their extracts again with today's code, loading what is good now. Not
here: how a feed is read, and what a user sees of it.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.extract import DltSource

from ingestion import pipeline, records, rejects
from ingestion.records import TIMESTAMP


class ReplayError(RuntimeError):
    """Rejects that cannot be read again; the message says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a replay of one feed did: `brought_in` by table, and how many of the chosen rejects are still none."""

    feed: str
    brought_in: dict[str, int]
    still_rejected: int


def open_rejects(feed: str) -> pa.Table:
    """The feed's rejects of completed loads that no replay brought in yet, oldest first (see `rejects.SCHEMA`)."""
    schema = pipeline.dataset(feed)
    if not pipeline.warehouse_path().exists():
        return records.empty(rejects.SCHEMA)
    with pipeline.warehouse() as connection:
        if not pipeline.has_table(connection, schema, "rejects"):
            return records.empty(rejects.SCHEMA)
        found = connection.sql(
            f'select * from "{schema}".rejects '  # noqa: S608 (a feed code, never data)
            f'where _dlt_load_id in (select load_id from "{schema}"._dlt_loads where status = 0) '
            "qualify count(replayed_at) over (partition by reject_id) = 0 order by first_seen_at, reject_id"
        )
        return found.to_arrow_table().select(records.raw_schema(rejects.SCHEMA).names)


def replay(
    feed: str, reject_ids: Collection[str] | None = None, make: Callable[[], DltSource] | None = None
) -> Outcome:
    """Reads the extracts of the feed's open rejects (or of the given ones) again and loads the records good now.

    They land with the extract and record number they always had, known just after the newest delivery of all feeds:
    the warehouse's clock is its deliveries', and what was known before stays as it was. A second replay finds nothing
    left to do. `make` makes the source; None: the feed's own, as dlt's configuration says. Raises ReplayError for a
    feed without files to read again and for a file that is no longer there.
    """
    wanted = open_rejects(feed)
    if reject_ids is not None:
        wanted = wanted.filter(pc.is_in(wanted["reject_id"], pa.array(list(reject_ids), pa.string())))
    if not wanted.num_rows:
        return Outcome(feed, {}, 0)
    at = _just_after_newest_delivery()
    with pipeline.reading_again(wanted["extract_id"].unique().to_pylist()):
        source = (make or _source_of(feed))()
        found = {
            name: _known(at, _only(wanted, name, resource))
            for name, resource in source.resources.items()
            if name not in ("control_totals", "rejects")
        }
        read = {id_ for item in source.resources["control_totals"] for id_ in item["extract_id"].to_pylist()}
    if gone := sorted(set(wanted["extract_id"].to_pylist()) - read):
        raise ReplayError(
            f"{feed}: {gone[0].rpartition(':')[0]} is no longer where it was delivered ({len(gone)} such files). "
            "Put it back, unchanged, and replay again; the rejected records themselves are kept whole."
        )
    brought_in = {name: table.num_rows for name, table in found.items() if table.num_rows}
    if brought_in:
        pipeline.run(_load(feed, found, _resolved(wanted, found, at)), feed)
    return Outcome(feed, brought_in, wanted.num_rows - sum(brought_in.values()))


def _source_of(feed: str) -> Callable[[], DltSource]:
    made = pipeline.source_of(feed)
    if "bucket_url" not in pipeline.addresses(feed):
        raise ReplayError(f"{feed} has no files to read again: its vendor is asked again by every run.")
    return made


def _just_after_newest_delivery() -> datetime:
    with pipeline.warehouse() as connection:
        schemas = connection.execute(
            "select table_schema from information_schema.tables "
            "where table_name = 'control_totals' and starts_with(table_schema, 'raw_')"
        ).fetchall()
        newest = [
            moment
            for (schema,) in schemas
            for moment in connection.execute(
                f'select (select max(known_at) from "{schema}".control_totals), '  # noqa: S608 (names from the catalogue)
                f'(select max(replayed_at) from "{schema}".rejects)'
            ).fetchall()[0]
        ]
    return max(moment for moment in newest if moment is not None) + timedelta(microseconds=1)


def _only(wanted: pa.Table, table_name: str, items: Iterable[pa.Table]) -> pa.Table:
    """The rows of a table that were rejected and are good now."""
    chosen = wanted.filter(pc.equal(wanted["table_name"], table_name))
    keys = set(zip(chosen["extract_id"].to_pylist(), chosen["record_no"].to_pylist(), strict=True))
    kept = []
    for item in items:
        pairs = zip(item["_extract_id"].to_pylist(), item["_record_no"].to_pylist(), strict=True)
        kept.append(item.filter(pa.array([pair in keys for pair in pairs], pa.bool_())))
    return pa.concat_tables(kept, promote_options="default")


def _known(at: datetime, table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("_known_at")
    return table.set_column(place, records.COMMON[0], pa.repeat(pa.scalar(at, TIMESTAMP), table.num_rows))


def _resolved(wanted: pa.Table, found: dict[str, pa.Table], at: datetime) -> pa.Table:
    """The second row of each reject that is none any more."""
    good = {
        (name, *pair)
        for name, table in found.items()
        for pair in zip(table["_extract_id"].to_pylist(), table["_record_no"].to_pylist(), strict=True)
    }
    rows = [row for row in wanted.to_pylist() if (row["table_name"], row["extract_id"], row["record_no"]) in good]
    return rejects.to_table([{**row, "replayed_at": at} for row in rows])


def _load(feed: str, found: dict[str, pa.Table], resolved: pa.Table) -> DltSource:
    @dlt.source(name=feed, section=feed)
    def replayed():
        for name, table in found.items():
            yield records.resource(name, table.schema, lambda table=table: [table], contract=records.VENDOR)
        yield records.resource("rejects", rejects.SCHEMA, lambda: [resolved])

    return replayed()
