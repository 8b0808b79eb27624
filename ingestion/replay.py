"""Replay of rejects: after a mapping or a parser was put right, the records it could not use are brought in, once.

Belongs here: which rejects are open, reading their extracts (or asking their vendor) again with today's code, loading
what is good now. Not here: how a feed is read, and what a user sees of it.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.extract import DltSource

from ingestion import asking_again, control_totals, pipeline, records, rejects
from ingestion.records import TIMESTAMP

WHOLE = {"unusable_publication"}
"""Reasons of a reject that stands for a whole file, which has no place for the records that were in it."""


class ReplayError(RuntimeError):
    """Rejects that cannot be read again; the message says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a replay of one feed did: `brought_in` by table, how many of the chosen rejects are still none, and the
    extracts that could not be read again, which keeps back no other."""

    feed: str
    brought_in: dict[str, int]
    still_rejected: int
    unread: tuple[str, ...] = ()


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

    A delivered file's records land with the extract and record number they always had, known just after the newest
    delivery of all feeds: the warehouse's clock is its deliveries', and what was known before stays as it was. A vendor
    is asked again, and its answer is a new extract with its own totals. A second replay finds nothing left to do.
    `make` makes the source; None: the feed's own, as dlt's configuration says. Raises ReplayError for a feed with
    nothing to read or ask again, and when none of the files is there any more.
    """
    wanted = open_rejects(feed)
    if reject_ids is not None:
        wanted = wanted.filter(pc.is_in(wanted["reject_id"], pa.array(list(reject_ids), pa.string())))
    if not wanted.num_rows:
        return Outcome(feed, {}, 0)
    chosen, at = wanted.to_pylist(), _just_after_newest_delivery()
    extracts = {reject["extract_id"] for reject in chosen}
    with pipeline.reading_again(extracts), pipeline.asking_again(reject["reject_id"] for reject in chosen):
        source = (make or _source_of(feed))()
        read = {name: _whole(resource) for name, resource in source.resources.items()}
    stated, refused = read.pop("control_totals"), read.pop("rejects")
    unread = _unread(feed, chosen, set(stated["extract_id"].to_pylist()))
    if len(unread) == len(extracts):
        raise ReplayError(
            f"{feed}: {unread[0].rpartition(':')[0]} is no longer where it was delivered ({len(unread)} such files). "
            "Put it back, unchanged, and replay again; the rejected records themselves are kept whole."
        )
    found = {name: _known(at, _only(chosen, name, table)) for name, table in read.items()}
    in_place = dict(pair for name, table in found.items() for pair in _same_place(chosen, name, table))
    new = {name: _of(table, set(table["_extract_id"].to_pylist()) - extracts) for name, table in read.items()}
    came_in = in_place | asking_again.answered(feed, chosen, new)
    # A new answer's extract lands whole, or its totals would not be those of what lies in raw.
    landed = set(came_in.values()) - extracts
    again = _of(refused, landed)
    closed = asking_again.rejected_again(feed, chosen, again.to_pylist()) | came_in
    if closed:
        done = [
            {**r, "replayed_at": at, "replayed_into": closed[r["reject_id"]]}
            for r in chosen
            if r["reject_id"] in closed
        ]
        tables = {name: pa.concat_tables([found[name], _of(new[name], landed)]) for name in found}
        tables["control_totals"] = _of(stated, landed)
        tables["rejects"] = pa.concat_tables([again, rejects.to_table(done)])
        pipeline.run(_load(feed, tables), feed)
    brought_in = Counter(reject["table_name"] for reject in chosen if reject["reject_id"] in came_in)
    return Outcome(feed, dict(brought_in), len(chosen) - len(came_in), tuple(unread))


def _source_of(feed: str) -> Callable[[], DltSource]:
    made = pipeline.source_of(feed)
    if not (pipeline.has_folder(feed) or asking_again.is_asked(feed)):
        raise ReplayError(
            f"{feed} has no files to read again, and its source cannot be asked again about single records. Have them "
            "sent anew; the rejected records themselves are kept whole."
        )
    return made


def _whole(resource: dlt.sources.DltResource) -> pa.Table:
    return pa.concat_tables(list(resource), promote_options="default")


def _unread(feed: str, chosen: list[dict], read: set[str]) -> list[str]:
    """The extracts whose files did not come again. What a vendor answered is in no file."""
    return sorted(
        {
            reject["extract_id"]
            for reject in chosen
            if reject["extract_id"] not in read and not asking_again.is_asked(feed, reject["table_name"])
        }
    )


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


def _only(chosen: list[dict], table_name: str, table: pa.Table) -> pa.Table:
    """The rows of a table that were rejected and are good now."""
    keys = {
        (reject["extract_id"], reject["record_no"])
        for reject in chosen
        if reject["table_name"] == table_name and reject["reason_code"] not in WHOLE
    }
    return table.filter(pa.array([place in keys for place in _places(table)], pa.bool_()))


def _same_place(chosen: list[dict], table_name: str, found: pa.Table) -> list[tuple[str, str]]:
    """Reject id and extract id of the rejects in whose place a good row is now."""
    good = set(_places(found))
    mine = [reject for reject in chosen if reject["table_name"] == table_name]
    return [(r["reject_id"], r["extract_id"]) for r in mine if (r["extract_id"], r["record_no"]) in good]


def _places(table: pa.Table) -> list[tuple[str, int]]:
    return list(zip(table["_extract_id"].to_pylist(), table["_record_no"].to_pylist(), strict=True))


def _of(table: pa.Table, extracts: Collection[str]) -> pa.Table:
    return table.filter(pc.is_in(table["_extract_id"], pa.array(sorted(extracts), pa.string())))


def _known(at: datetime, table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("_known_at")
    return table.set_column(place, records.COMMON[0], pa.repeat(pa.scalar(at, TIMESTAMP), table.num_rows))


def _load(feed: str, tables: dict[str, pa.Table]) -> DltSource:
    own = {"control_totals": control_totals.SCHEMA, "rejects": rejects.SCHEMA}

    @dlt.source(name=feed, section=feed)
    def replayed():
        for name, table in tables.items():
            schema = own.get(name, table.schema)
            yield records.resource(name, schema, lambda table=table: [table], contract=records.VENDOR)

    return replayed()
