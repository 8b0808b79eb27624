"""Replay of rejects: after a mapping or a parser was put right, the records it could not use are brought in, once.

Belongs here: which rejects are open, reading their extracts (or asking their vendor) again with today's code, loading
what is good now. Not here: how a feed is read, and what a user sees of it.

A record of an extract is known by its number. Loaders therefore number what a source holds by its place there, never by
whether they can use it: what is good now lies where its reject lay.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.extract import DltSource

from ingestion import asking_again, control_totals, pipeline, places, records, rejects
from ingestion.records import TIMESTAMP

NEVER = {
    "unusable_publication": "a whole publication of a list comes in by being delivered anew, and not by a replay: "
    "brought in late, it would stand for the list of today",
    "tombstone": "a Kafka message without a value deletes its key and is no event: no replay makes it one",
    "missing_timestamp": "a Kafka message without a time of its own says nowhere when it was known: have it sent again",
}
"""Reason codes that no code and no mapping puts right, with what there is to do instead."""
ANEW = "@replayed"
"""Ends the id of an extract that lands what is in a file of which nothing could be used, nor counted, before."""


class ReplayError(RuntimeError):
    """Rejects that cannot be read again; the message says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a replay of one feed did: `brought_in` by table, how many of the chosen rejects are still none, the extracts
    that could not be read again, which keeps back no other, and `notes` about rejects that no replay can bring in."""

    feed: str
    brought_in: dict[str, int]
    still_rejected: int
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def open_rejects(feed: str) -> pa.Table:
    """The feed's rejects of completed loads that nothing closed yet, oldest first (see `rejects.SCHEMA`)."""
    return _rejects(feed, "qualify count(replayed_at) over (partition by reject_id) = 0")


def closed_rejects(feed: str) -> pa.Table:
    """The feed's rejects that are closed, each by the row that closed it: `replayed_at` says when, `closed_as_code`
    how (replayed, arrived). Oldest first."""
    return _rejects(feed, "and replayed_at is not null")


def _rejects(feed: str, which: str) -> pa.Table:
    schema = pipeline.dataset(feed)
    if not pipeline.warehouse_path().exists():
        return records.empty(rejects.SCHEMA)
    with pipeline.warehouse() as connection:
        if not pipeline.has_table(connection, schema, "rejects"):
            return records.empty(rejects.SCHEMA)
        found = connection.sql(
            f'select * from "{schema}".rejects '  # noqa: S608 (a feed code, never data)
            f'where _dlt_load_id in (select load_id from "{schema}"._dlt_loads where status = 0) '
            f"{which} order by first_seen_at, reject_id"
        )
        return found.to_arrow_table().select(records.raw_schema(rejects.SCHEMA).names)


def replay(
    feed: str, reject_ids: Collection[str] | None = None, make: Callable[[], DltSource] | None = None
) -> Outcome:
    """Reads the extracts of the feed's open rejects (or of the given ones) again and loads the records good now.

    A delivered file's records land with the extract and record number they always had, known just after the newest
    delivery of all feeds: the warehouse's clock is its deliveries', and what was known before stays as it was. A file
    of which nothing could be used lands as an extract of its own where it holds other records than were counted in it.
    A vendor is asked again, and its answer is a new extract with its own totals. A second replay finds nothing left to
    do. `make` makes the source; None: the feed's own, as dlt's configuration says. Raises ReplayError for a feed with
    nothing to read or ask again, and when none of the extracts can be read any more.
    """
    all_open = open_rejects(feed).to_pylist()
    chosen = [r for r in all_open if reject_ids is None or r["reject_id"] in set(reject_ids)]
    never = Counter(reject["reason_code"] for reject in chosen if reject["reason_code"] in NEVER)
    notes = [f"{rows:,} {code}: {NEVER[code]}" for code, rows in sorted(never.items())]
    chosen = [reject for reject in chosen if reject["reason_code"] not in NEVER]
    if not chosen:
        return Outcome(feed, {}, never.total(), notes=tuple(notes))
    extracts = {reject["extract_id"] for reject in chosen}
    then, at = places.held(feed, extracts), _just_after_newest_delivery()
    with (
        pipeline.reading_again(extracts | {extract.removesuffix(ANEW) for extract in extracts}),
        pipeline.asking_again(reject["reject_id"] for reject in chosen),
    ):
        source = (make or _source_of(feed))()
        read = places.renamed(
            {name: _whole(resource) for name, resource in source.resources.items()},
            {extract.removesuffix(ANEW): extract for extract in extracts if extract.endswith(ANEW)},
        )
    came_again = set(read["control_totals"]["_extract_id"].to_pylist()) & extracts
    anew, moved = places.other_than_then(came_again, then, read)
    read = places.renamed(read, {extract: extract + ANEW for extract in anew})
    # What lands anew stands for all that was rejected of it, chosen or not.
    known = {r["reject_id"] for r in chosen}
    chosen += [r for r in all_open if r["extract_id"] in anew and r["reject_id"] not in known]
    stated, refused = read.pop("control_totals"), read.pop("rejects")
    found = {name: _known(at, _only(chosen, name, table, moved)) for name, table in read.items()}
    in_place = dict(pair for name, table in found.items() for pair in _same_place(chosen, name, table))
    new = {name: _of(table, set(table["_extract_id"].to_pylist()) - extracts) for name, table in read.items()}
    whole = {r["reject_id"]: r["extract_id"] + ANEW for r in chosen if r["extract_id"] in anew}
    answers = asking_again.answered(feed, [r for r in chosen if r["reject_id"] not in in_place | whole], new)
    came_in = in_place | whole | answers
    # A new extract lands whole, or its totals would not be those of what lies in raw.
    landed = set(came_in.values()) - extracts
    again = _of(refused, landed)
    closed = asking_again.rejected_again(feed, chosen, again.to_pylist()) | came_in
    unread = _unread(feed, [r for r in chosen if r["reject_id"] not in closed], came_again)
    if len(unread) == len(extracts):
        raise ReplayError(_gone(feed, unread))
    if closed:
        done = [
            {**r, "replayed_at": at, "replayed_into": closed[r["reject_id"]], "closed_as_code": "replayed"}
            for r in chosen
            if r["reject_id"] in closed
        ]
        opened = {extract + ANEW for extract in anew}
        tables = {
            name: pa.concat_tables([found[name], _of(new[name], landed - opened), _known(at, _of(new[name], opened))])
            for name in found
        }
        tables["control_totals"] = pa.concat_tables(
            [_of(stated, landed - opened), _known(at, _of(stated, opened), "known_at")]
        )
        tables["rejects"] = pa.concat_tables([again, rejects.to_table(done)])
        land(feed, tables)
    brought_in = Counter(r["table_name"] for r in chosen if r["reject_id"] in in_place | answers)
    for name, table in new.items():
        brought_in[name] += _of(table, {extract + ANEW for extract in anew}).num_rows
    notes += [_moved(extract) for extract in sorted(moved)]
    still_rejected = len(chosen) - len(came_in) + never.total()
    return Outcome(feed, dict(+brought_in), still_rejected, tuple(unread), tuple(notes))


def _source_of(feed: str) -> Callable[[], DltSource]:
    made = pipeline.source_of(feed)
    if not (pipeline.has_folder(feed) or asking_again.is_asked(feed) or feed in asking_again.BY_PLACE):
        raise ReplayError(
            f"{feed} has no files to read again, and its source cannot be asked again about single records. Have them "
            "sent anew; the rejected records themselves are kept whole."
        )
    return made


def _whole(resource: dlt.sources.DltResource) -> pa.Table:
    return pa.concat_tables(list(resource), promote_options="default")


def _unread(feed: str, still: list[dict], came_again: set[str]) -> list[str]:
    """The extracts of these rejects that did not come again. What a vendor answered is in no file, and asking for it
    again gives another extract."""
    return sorted(
        {
            reject["extract_id"]
            for reject in still
            if reject["extract_id"] not in came_again
            and not asking_again.is_answer(feed, reject["table_name"], reject["extract_id"])
        }
    )


def _gone(feed: str, unread: list[str]) -> str:
    first, files = unread[0].rpartition(":")[0], f"({len(unread)} such)"
    if feed in asking_again.BY_PLACE and unread[0].startswith(asking_again.BY_PLACE[feed]):
        return (
            f"{feed}: {first} {files} cannot be asked for again: its source is not configured here, or no longer has "
            "it (a reorganised chain, a topic's retention). Have it sent anew; the rejected records themselves are "
            "kept whole."
        )
    return (
        f"{feed}: {first} is no longer where it was delivered ({len(unread)} such files). "
        "Put it back, unchanged, and replay again; the rejected records themselves are kept whole."
    )


def _moved(extract: str) -> str:
    return (
        f"{extract.rpartition(':')[0]} is read as other records than were counted when it was loaded, so that nobody "
        "can tell which of them are in the warehouse already: have what was rejected of it sent anew."
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


def _only(chosen: list[dict], table_name: str, table: pa.Table, moved: set[str]) -> pa.Table:
    """The rows of a table that were rejected and are good now."""
    keys = {
        (reject["extract_id"], reject["record_no"])
        for reject in chosen
        if reject["table_name"] == table_name and reject["extract_id"] not in moved
    }
    return table.filter(pa.array([place in keys for place in places.of(table)], pa.bool_()))


def _same_place(chosen: list[dict], table_name: str, found: pa.Table) -> list[tuple[str, str]]:
    """Reject id and extract id of the rejects in whose place a good row is now."""
    good = set(places.of(found))
    mine = [reject for reject in chosen if reject["table_name"] == table_name]
    return [(r["reject_id"], r["extract_id"]) for r in mine if (r["extract_id"], r["record_no"]) in good]


def _of(table: pa.Table, extracts: Collection[str]) -> pa.Table:
    return table.filter(pc.is_in(table["_extract_id"], pa.array(sorted(extracts), pa.string())))


def _known(at: datetime, table: pa.Table, *more: str) -> pa.Table:
    """The rows as known at this time; `more` are other columns that say the same."""
    for name in ("_known_at", *more):
        place = table.schema.get_field_index(name)
        moments = pa.repeat(pa.scalar(at, TIMESTAMP), table.num_rows)
        table = table.set_column(place, table.schema.field(place), moments)
    return table


def land(feed: str, tables: dict[str, pa.Table]) -> None:
    """Lands these tables (raw shape) as one load of the feed."""
    pipeline.run(_load(feed, tables), feed)


def _load(feed: str, tables: dict[str, pa.Table]) -> DltSource:
    own = {"control_totals": control_totals.SCHEMA, "rejects": rejects.SCHEMA}

    @dlt.source(name=feed, section=feed)
    def replayed():
        for name, table in tables.items():
            schema = own.get(name, table.schema)
            yield records.resource(name, schema, lambda table=table: [table], contract=records.VENDOR)

    return replayed()
