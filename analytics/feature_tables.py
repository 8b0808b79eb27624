"""A feature table of windows, built by a kernel: whole, or only where its legs changed.

Belongs here: which rows have to be computed, and replacing them in the warehouse. Not here: the features (velocity.py),
and what a leg is (the SQL of the model's legs, dbt_project/macros/features/counted_legs.sql).

A row depends on the legs of its party in the window that ends with it, and on nothing else. `increments.<table>` keeps
what every party's day was made of, as number and hash of its legs. The next build compares: the days of a party that
differ, for whatever reason, are touched, and the party's rows from the first of them to one longest window after the
last are computed anew and replaced (docs/adr/0021). The comment on that table names the definition it was made with;
where it is missing or another, the table is built whole.
"""

import hashlib
import inspect
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

STATE = "increments"
CHUNK_LEGS = 250_000
"""Legs that go through a kernel at once: about 150 MB with their features."""
PARTITION_LEGS = 4_000_000
"""Legs that are sorted at once: about 1 GB."""
MOST_TOUCHED = 0.25
"""Above this share of the legs it is cheaper to build the whole table."""
MOST_NEAR = 1_000_000
"""Legs of an increment that are held in memory at once, with their features; more build the whole table."""
logger = logging.getLogger(__name__)


class DoesNotFitError(ValueError):
    """The legs are of a kind that the kernel does not compute; the SQL of the model does."""


@dataclass(frozen=True)
class Built:
    """What a build did: `how` (sql, whole, increment, unchanged) and how many rows it wrote."""

    how: str
    rows: int


@dataclass(frozen=True)
class Table:
    """A feature table: `relation` (quoted), its `name`, the SQL that defines it, and the SQL of its legs."""

    relation: str
    name: str
    select: str
    legs: str

    @property
    def state(self) -> str:
        return f'{STATE}."{self.name}"'


def build(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    legs_table: str,
    least_legs: int,
    full_refresh: bool,
    most_touched: float = MOST_TOUCHED,
) -> Built:
    """Makes `table` what its SQL says, in the fastest way that gives the same rows.

    With fewer than `least_legs` rows in `legs_table`, or where the legs do not fit the kernel, by the SQL itself. An
    increment reads at most the share `most_touched` of the legs. Killed at any moment it leaves a table as it was
    before or as it is after, and the next build is right."""
    connection.execute(f"create schema if not exists {STATE}").fetchall()
    all_legs = _number(connection, f"select count(*) from {legs_table}")
    if all_legs < least_legs:
        return _by_sql(connection, table)
    from analytics import velocity as kernel  # numba takes a third of a second to import

    definition = definition_of(table, kernel)
    try:
        is_current = not full_refresh and _is_current(connection, table, definition)
        built = _increment(connection, table, kernel, most_touched) if is_current else None
        return built or _whole(connection, table, kernel, definition, 1 + all_legs // PARTITION_LEGS)
    except DoesNotFitError as reason:
        logger.warning("%s: %s; built by its SQL", table.name, reason)
        return _by_sql(connection, table)


def definition_of(table: Table, kernel) -> str:
    """A hash of all that decides what a table of given legs holds: SQL, code, and the engine whose hashes are kept."""
    from analytics import kernels

    digest = hashlib.sha256(f"{duckdb.__version__} {kernel.LOOK_BACK} {table.select} {table.legs}".encode())
    for module in (inspect.getmodule(definition_of), kernel, kernels):
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()


def _by_sql(connection: duckdb.DuckDBPyConnection, table: Table) -> Built:
    connection.execute(f"drop table if exists {table.state}").fetchall()
    connection.execute(f"create or replace table {table.relation} as ({table.select})").fetchall()
    return Built("sql", _number(connection, f"select count(*) from {table.relation}"))


def _whole(connection: duckdb.DuckDBPyConnection, table: Table, kernel, definition: str, partitions: int) -> Built:
    _check_accounts(connection, f"({table.legs})")
    connection.execute(f"drop table if exists {table.state}").fetchall()
    misfits: list[DoesNotFitError] = []
    with connection.cursor() as reading:
        connection.register("computed", _computed(_chunks(reading, table, kernel, partitions), kernel, misfits))
        columns = _columns(connection, table)
        try:  # one statement: a reader never sees half a table
            connection.execute(f"create or replace table {table.relation} as select {columns} from computed").fetchall()
        except duckdb.Error as error:  # it says of what went wrong in our code only that something did
            raise misfits[0] if misfits else error from None
        finally:
            connection.unregister("computed")
    connection.execute("begin").fetchall()
    connection.execute(f"create table {table.state} as {_days(table, kernel)}").fetchall()
    connection.execute(f"comment on table {table.state} is '{definition}'").fetchall()
    connection.execute("commit").fetchall()
    return Built("whole", _number(connection, f"select count(*) from {table.relation}"))


def _increment(connection: duckdb.DuckDBPyConnection, table: Table, kernel, most_touched: float) -> Built | None:
    """Replaces the rows whose windows may hold something else than before. None where the whole is built faster."""
    days = [day for (day,) in connection.execute(_changed_days(table, kernel)).fetchall()]
    if not days:
        return Built("unchanged", 0)
    if None in days:
        raise DoesNotFitError("a leg has no time")
    connection.execute(f"create or replace temp table touched as {_touched(table, kernel, days)}").fetchall()
    connection.execute(f"create or replace temp table reach as {_reach(kernel)}").fetchall()
    connection.execute(f"create or replace temp table near as {_near(table, kernel, days)}").fetchall()
    legs = _number(connection, "select count(*) from near")
    if legs > min(MOST_NEAR, most_touched * _number(connection, f"select sum(leg_count) from {table.state}")):
        return None
    legs_near = connection.sql("select * from near order by party_id, event_at").to_arrow_reader(CHUNK_LEGS)
    connection.register("computed", _computed(_by_party(legs_near), kernel, []).read_all())
    columns = _columns(connection, table)
    within = "event_at >= reach.from_at and event_at < reach.to_at"
    connection.execute("begin").fetchall()
    try:
        connection.execute(
            f"delete from {table.relation} as old using reach where old.party_id = reach.party_id and old.{within}"
        ).fetchall()
        written = connection.execute(
            f"insert into {table.relation} select {columns} from computed join reach using (party_id) where {within}"
        ).fetchall()[0][0]
        _check_accounts(connection, table.relation, "where account_id in (select account_id from near)")
        connection.execute(
            f"delete from {table.state} as old using touched "
            "where old.party_id = touched.party_id and old.day = touched.day"
        ).fetchall()
        connection.execute(
            f"insert into {table.state} select party_id, day, leg_count, leg_hash from touched where leg_count > 0"
        ).fetchall()
        connection.execute("commit").fetchall()
    except BaseException:
        connection.execute("rollback").fetchall()
        raise
    connection.unregister("computed")
    return Built("increment", written)


def _days(table: Table, kernel, where: str = "true") -> str:
    """What every party's day is made of now."""
    return (
        "select party_id, cast(event_at as date) as day, count(*) as leg_count, "
        f"sum(hash({', '.join(kernel.INPUTS)})) as leg_hash "
        f"from ({table.legs}) where {where} group by all"
    )


def _changed_days(table: Table, kernel) -> str:
    """The days on which anything differs from the last build."""
    now = _days(table, kernel).replace("select party_id, ", "select ")
    return f"""
        select day
        from ({now}) as now
        full join (
            select day, sum(leg_count) as leg_count, sum(leg_hash) as leg_hash from {table.state} group by day
        ) as before using (day)
        where now.leg_count is distinct from before.leg_count or now.leg_hash is distinct from before.leg_hash
    """


def _touched(table: Table, kernel, days: Sequence[date]) -> str:
    """The days of parties that differ from the last build, with what they are made of now (maybe 0 legs)."""
    listed = ", ".join(f"date '{day}'" for day in days)
    # The bounds are literals, so that DuckDB skips what lies outside before it looks for own transfers.
    changed = f"{_between(days)} and cast(event_at as date) in ({listed})"
    return f"""
        select party_id, day, coalesce(now.leg_count, 0) as leg_count, now.leg_hash
        from ({_days(table, kernel, changed)}) as now
        full join (from {table.state} where day in ({listed})) as before
            using (party_id, day)
        where now.leg_count is distinct from before.leg_count or now.leg_hash is distinct from before.leg_hash
    """


def _reach(kernel) -> str:
    """For each party that is touched, the instants from which and before which its rows are computed anew."""
    return f"""
        select
            party_id,
            cast(min(day) as timestamp) as from_at,
            cast(max(day) + 1 as timestamp) + interval '{kernel.LOOK_BACK}' as to_at
        from touched
        group by party_id
    """


def _near(table: Table, kernel, days: Sequence[date]) -> str:
    """The legs that the rows within reach depend on."""
    return f"""
        select legs.*
        from (from ({table.legs}) where {_between(days, kernel.LOOK_BACK)}) as legs
        join reach using (party_id)
        where event_at >= from_at - interval '{kernel.LOOK_BACK}' and event_at < to_at
    """


def _between(days: Sequence[date], around: str = "0 days") -> str:
    return (
        f"event_at >= timestamp '{min(days)}' - interval '{around}' "
        f"and event_at < timestamp '{max(days)}' + interval '1 day' + interval '{around}'"
    )


def _chunks(reading: duckdb.DuckDBPyConnection, table: Table, kernel, partitions: int) -> Iterator[pa.Table]:
    """All legs by party and time, in tables that divide no party. Sorted in partitions by the hash of the party, so
    that memory does not grow with the number of legs."""
    columns = ", ".join(kernel.INPUTS)
    for partition in range(partitions):
        legs = reading.sql(
            f"select {columns} from ({table.legs}) where hash(party_id) % {partitions} = {partition} "
            "order by hash(party_id), party_id, event_at"  # a number first: texts with a common beginning sort slowly
        )
        yield from _by_party(legs.to_arrow_reader(CHUNK_LEGS // 2))


def _by_party(legs: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Sorted legs in tables of about CHUNK_LEGS that divide no party."""
    held: list[pa.RecordBatch] = []
    for batch in legs:
        held.append(batch)
        if sum(one.num_rows for one in held) >= CHUNK_LEGS:
            together = pa.Table.from_batches(held)
            parties = together.column("party_id")
            last = pc.index(parties, parties[-1]).as_py()
            if last:
                yield together.slice(0, last)
                held = together.slice(last).to_batches()
    yield pa.Table.from_batches(held, legs.schema)


def _computed(chunks: Iterator[pa.Table], kernel, misfits: list[DoesNotFitError]) -> pa.RecordBatchReader:
    """Features of all chunks, one batch a chunk; smaller batches would be written to the file twice. What does not fit
    is added to `misfits` before it is raised, as it may be raised into DuckDB."""
    first = kernel.features(next(chunks))

    def batches() -> Iterator[pa.RecordBatch]:
        yield from first.combine_chunks().to_batches()
        for chunk in chunks:
            try:
                features = kernel.features(chunk)
            except DoesNotFitError as misfit:
                misfits.append(misfit)
                raise
            yield from features.combine_chunks().to_batches()

    return pa.RecordBatchReader.from_batches(first.schema, batches())


def _columns(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """The columns of the model's SQL, in its order and types: a kernel that lacks one fails."""
    described: Sequence[tuple] = connection.execute(f"describe {table.select}").fetchall()
    return ", ".join(f'cast(computed."{name}" as {kind}) as "{name}"' for name, kind, *_ in described)


def _is_current(connection: duckdb.DuckDBPyConnection, table: Table, definition: str) -> bool:
    """Whether table and state are there, belong together, and were made by the same definition."""
    made_by = connection.execute(
        "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [STATE, table.name]
    ).fetchall()
    if made_by != [(definition,)]:
        return False
    try:
        rows = _number(connection, f"select count(*) from {table.relation}")
    except duckdb.CatalogException:
        return False
    return rows == _number(connection, f"select coalesce(sum(leg_count), 0) from {table.state}")


def _check_accounts(connection: duckdb.DuckDBPyConnection, legs: str, where: str = "") -> None:
    """An account whose legs are of two parties would be counted in two pieces."""
    shared = f"select 1 from {legs} {where} group by account_id having min(party_id) <> max(party_id) limit 1"
    if connection.execute(shared).fetchall():
        raise DoesNotFitError("an account belongs to two parties")


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
