"""From one snapshot of the ledger's database to raw rows, rejects and control totals.

An extract is what one load brings of one table and one UTC day on which the database wrote it. The cursor says when a
row was last written; a transaction may commit long after it wrote, so each load looks back by a lag and leaves out
the versions that are there already.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
from dlt.extract import DltResource

from ingestion import canonical, control_totals, pipeline, records, rejects
from ingestion.exchange.database import Asked, Snapshot, Total, snapshot
from ingestion.exchange.parse import FEED, TABLES
from ingestion.landing import ALWAYS_KNOWN
from ingestion.tabular import Table
from ingestion.validation import validate

PREFIX = "postgresql"
# An address is assigned on a chain: the same text may be one address on several.
IDENTITY = {table.name: table.key for table in TABLES} | {"addresses": ("address", "chain_code")}
CHUNK_ROWS = 500_000
_FOREVER = datetime(9999, 12, 31)


def resources(credentials: str, schema: str, cursor: str, lag_hours: float, end: date | None) -> list[DltResource]:
    """The feed's resources out of the database: one per table, then control_totals and rejects.

    The database is asked here whether it has anything new, and read when dlt extracts, each in a snapshot of its own.
    `end` leaves out what was written on that UTC day or later."""
    load = _Load(credentials, schema, cursor, timedelta(hours=lag_hours), end)
    has_new = load.has_new()
    return [
        *(
            records.resource(table.name, table.schema, lambda table=table: load.rows(table), has_new=has_new)
            for table in TABLES
        ),
        records.resource("control_totals", control_totals.SCHEMA, load.totals, has_new=has_new),
        records.resource("rejects", rejects.SCHEMA, load.rejected, has_new=has_new),
    ]


class _Load:
    """One reading. dlt asks for the tables in order and for the rejects last; the snapshot lasts from the first to
    the last."""

    def __init__(self, credentials: str, schema: str, cursor: str, lag: timedelta, end: date | None) -> None:
        self._where = (credentials, schema, cursor)
        self._cursor, self._schema, self._lag = cursor, schema, lag
        self._until = datetime.combine(end, time()) if end else _FOREVER
        self._completed = pipeline.completed_extracts(FEED)
        self._asked = cache(self._what_to_ask)
        self._open = ExitStack()
        self._snapshot: Snapshot | None = None
        self._found: dict[str, dict[date | None, list[Total]]] = {}
        self._rejects: list[dict] = []

    def has_new(self) -> bool:
        with snapshot(*self._where) as now:
            return any(self._new(now, table) for table in TABLES)

    def rows(self, table: Table) -> Iterator[pa.Table]:
        """The table's good rows in the order in which they were written."""
        if self._snapshot is None:
            self._snapshot = self._open.enter_context(snapshot(*self._where))
        found = self._found[table.name] = self._new(self._snapshot, table)
        for days in _chunks(found):
            raw, written, moments = self._snapshot.versions(table, IDENTITY[table.name], self._asked(table.name), days)
            if raw.num_rows:
                yield self._good_rows(table, raw, written, moments, found)

    def totals(self) -> Iterator[pa.Table]:
        rows = []
        for table, found in self._found.items():
            for day, totals in found.items():
                known_at = _known_at(totals)
                rows += [
                    control_totals.row(
                        extract_id=_extract_id(table, day, totals),
                        feed_code=FEED,
                        table_name=table,
                        event_date=total.event_date or ALWAYS_KNOWN.date(),
                        asset_code=total.asset_code,
                        source_rows=total.rows,
                        source_amount=total.amount,
                        source_hash=total.hash,
                        captured_by="source_query",
                        source_uri=f"{PREFIX}:{self._schema}.{table}",
                        known_at=known_at,
                    )
                    for total in totals
                ]
        yield control_totals.to_table(rows)

    def rejected(self) -> Iterator[pa.Table]:
        self._open.close()
        yield rejects.to_table(self._rejects)

    def _new(self, now: Snapshot, table: Table) -> dict[date | None, list[Total]]:
        """The database's totals of what is not loaded, by the day on which it was written."""
        found: dict[date | None, list[Total]] = {}
        for total in now.totals(table, IDENTITY[table.name], self._asked(table.name)):
            found.setdefault(total.written_on, []).append(total)
        return {d: t for d, t in found.items() if _extract_id(table.name, d, t) not in self._completed}

    def _good_rows(
        self,
        table: Table,
        raw: pa.Table,
        written: list[date | None],
        moments: pa.Array,
        found: dict[date | None, list[Total]],
    ) -> pa.Table:
        verdict = validate(table, raw)
        ids = {day: _extract_id(table.name, day, found[day]) for day in set(written)}
        numbers, last = [], dict.fromkeys(ids, 0)
        for row, day in enumerate(written):
            last[day] += 1
            numbers.append(last[day])
            if day is None:
                says = f"{self._cursor} does not say when the row was written (empty, before 1970 or in the future)"
                verdict.problems.setdefault(row, []).append(("invalid_cursor", says))
        known = moments.fill_null(ALWAYS_KNOWN)
        for row in sorted(verdict.problems):
            day = written[row]
            self._rejects.append(
                canonical.reject(
                    FEED, table, raw, verdict, row,
                    extract_id=ids[day],
                    record_no=numbers[row],
                    known_at=known[row].as_py(),
                    business_date=day or ALWAYS_KNOWN.date(),
                )
            )  # fmt: skip
        columns = (known, pa.array([ids[day] for day in written], pa.string()), pa.array(numbers, pa.int64()))
        rows = canonical.with_checks(table, verdict.values)
        for field, column in zip(records.COMMON, columns, strict=True):
            rows = rows.append_column(field, column)
        good = np.ones(rows.num_rows, dtype=bool)
        good[list(verdict.problems)] = False
        return rows.filter(pa.array(good))

    def _what_to_ask(self, table: str) -> Asked:
        since = datetime(1970, 1, 1)
        if not pipeline.warehouse_path().exists():
            return Asked(since, self._until, ())
        with pipeline.warehouse() as connection:
            if not self._completed:
                return Asked(since, self._until, ())
            ours = f"_extract_id like '{PREFIX}:%' and _dlt_load_id in (select load_id from raw_{FEED}._dlt_loads where status = 0)"  # fmt: skip  # noqa: E501, S608
            (newest,) = connection.execute(
                f"select max(_known_at) from raw_{FEED}.control_totals where table_name = ? and {ours}",  # noqa: S608 (names of this package)
                [table],
            ).fetchone()
            if newest is None:
                return Asked(since, self._until, ())
            since = max(since, newest - self._lag)
            key = " || ':' || ".join(f"coalesce({name}, '')" for name in IDENTITY[table])
            shown = " || ':' || ".join(f"coalesce(raw_record->>'$.{name}', '')" for name in IDENTITY[table])
            known = connection.execute(
                f"select {key}, _known_at from raw_{FEED}.{table} where _known_at >= $since and {ours} union all "  # noqa: S608 (names of this package)
                f"select {shown}, _known_at from raw_{FEED}.rejects where table_name = $table and _known_at >= $since and {ours}",  # fmt: skip  # noqa: E501
                {"since": since, "table": table},
            ).fetchall()
        return Asked(since, self._until, known)


def _chunks(found: dict[date | None, list[Total]]) -> Iterator[Sequence[date | None]]:
    days, rows = [], 0
    for day, totals in found.items():
        days.append(day)
        rows += sum(total.rows for total in totals)
        if rows >= CHUNK_ROWS:
            yield days
            days, rows = [], 0
    if days:
        yield days


def _extract_id(table: str, day: date | None, totals: Sequence[Total]) -> str:
    said = "|".join(f"{t.event_date} {t.asset_code} {t.rows} {t.hash} {t.versions}" for t in totals)
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return f"{PREFIX}:{table}:{day or 'unknown_day'}:{digest}"


def _known_at(totals: Sequence[Total]) -> datetime:
    return max((total.newest for total in totals if total.newest is not None), default=ALWAYS_KNOWN)
