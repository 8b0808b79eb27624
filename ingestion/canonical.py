"""The loader of canonical files, shared by the feeds a user brings in the documented format.

Belongs here: from deliveries to the feed's dlt resources. Formats of others have a `parse.py` of their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
from dlt.extract import DltResource

from ingestion import addresses, control_totals, independent_count, records, rejects
from ingestion.deliveries import DeliveredFile, Delivery, DeliveryError, deliveries, not_yet_loaded
from ingestion.landing import Extracted
from ingestion.pipeline import completed_extracts
from ingestion.tabular import MalformedRow, Table, pieces, read, stack
from ingestion.validation import Verdict, validate

# Files are read together up to this size: one pass of the rules over many small files, and bounded memory for large.
CHUNK_BYTES = 64 << 20


def resources(
    feed: str,
    tables: tuple[Table, ...],
    bucket_url: str | None,
    start: date | None,
    end: date | None,
    *,
    schemas: Mapping[str, pa.Schema] | None = None,
    beside: Extracted | None = None,
    added_fields: set[str] | None = None,
) -> list[DltResource]:
    """The feed's resources: one per table, then control_totals and rejects.

    `start` and `end` keep business dates of a half-open window; extracts already loaded are left out. `schemas` adds
    raw tables that no canonical file has, or widens one that files share with another source; `beside` is what that
    source brought, `added_fields` what it sent beyond its contract. Raises DeliveryError when a delivery must not be
    loaded as it is."""
    beside = beside or Extracted()
    extraction = extract(feed, tables, bucket_url, start, end)
    has_new = bool(extraction.has_new or beside.totals)
    of_files = {table.name: table for table in tables}

    def rows(name: str) -> Iterator[pa.Table]:
        if name in of_files:
            yield from extraction.rows(of_files[name])
        yield from beside.tables.get(name, ())

    def totals() -> Iterator[pa.Table]:
        yield from extraction.totals()
        yield control_totals.to_table(beside.totals)

    def rejected() -> Iterator[pa.Table]:
        yield from extraction.rejects()
        yield rejects.to_table(beside.rejects)

    shapes = {table.name: table.schema for table in tables} | dict(schemas or {})
    return [
        *(
            records.resource(name, schema, lambda name=name: rows(name), has_new=has_new)
            for name, schema in shapes.items()
        ),
        records.resource("control_totals", control_totals.SCHEMA, totals, has_new=has_new, added_fields=added_fields),
        records.resource("rejects", rejects.SCHEMA, rejected, has_new=has_new),
    ]


def extract(
    feed: str, tables: tuple[Table, ...], bucket_url: str | None, start: date | None, end: date | None
) -> "Extraction":
    """What `resources` is made of, for a feed whose tables also have another origin than files."""
    patterns = {
        f"{table.name}{infix}.{suffix}": table.name
        for table in tables
        for infix in ("", "-*")
        for suffix in ("csv", "parquet")
    }
    found = deliveries(bucket_url, patterns, start=start, end=end)
    return Extraction(feed, tables, not_yet_loaded(found, completed_extracts(feed)) if found else [])


class Extraction:
    """One reading of new deliveries. dlt asks for the tables in order and for the rejects last."""

    def __init__(self, feed: str, tables: tuple[Table, ...], new: list[Delivery]):
        self.feed = feed
        self.tables = tables
        self.has_new = bool(new)
        self._files: dict[str, list[tuple[Delivery, DeliveredFile]]] = defaultdict(list)
        self._rejects: list[dict] = []
        self._read: set[str] = set()
        known = {table.name for table in tables}
        for delivery in new:
            for file in delivery.files:
                if file.table not in known or file.path.suffix not in (".csv", ".parquet"):
                    raise DeliveryError(
                        f"{file.path} ({file.table}) is not a CSV or Parquet file of {', '.join(sorted(known))}."
                    )
                self._files[file.table].append((delivery, file))

    def rows(self, table: Table) -> Iterator[pa.Table]:
        """The table's good rows in delivery order, in few Arrow tables; what is not good goes to the rejects."""
        for chunk, row_groups, first in _chunks(self._files[table.name]):
            yield from self._good_rows(table, chunk, row_groups, first)
        self._read.add(table.name)

    def totals(self) -> Iterator[pa.Table]:
        """Control totals of every new file: the manifest's where it states them, else counted independently, hashes
        included."""
        rows = []
        for table in self.tables:
            files = self._files[table.name]
            rows += independent_count.count(self.feed, table, [p for p in files if p[1].manifest_totals is None])
            counted = self._counted_for_hashes(table)
            for delivery, file in files:
                if file.manifest_totals is not None:
                    stated = control_totals.from_manifest(self.feed, delivery, file)
                    rows += control_totals.with_hashes(stated, counted[file.extract_id])
        yield control_totals.to_table(rows)

    def _counted_for_hashes(self, table: Table) -> dict[str, list[dict]]:
        """By extract the independent count of the files whose manifest leaves a hash open. Only its hash is wanted: a
        number of rows that the manifest has wrong is to show as a difference, and refuses no file."""
        unhashed = [
            (delivery, replace(file, manifest_rows=None))
            for delivery, file in self._files[table.name]
            if any(total.hash is None and total.rows for total in file.manifest_totals or ())
        ]
        found: dict[str, list[dict]] = defaultdict(list)
        for total in independent_count.count(self.feed, table, unhashed):
            found[total["extract_id"]].append(total)
        return found

    def rejects(self) -> Iterator[pa.Table]:
        """The rejects of all tables. Raises RuntimeError when asked before the tables were read."""
        if unread := {table.name for table in self.tables} - self._read:
            raise RuntimeError(f"{self.feed}: rejects asked for before {', '.join(sorted(unread))} were read")
        yield rejects.to_table(self._rejects)

    def _good_rows(
        self, table: Table, chunk: list[tuple[Delivery, DeliveredFile]], row_groups: range | None, first: int
    ) -> Iterator[pa.Table]:
        by_schema: dict[pa.Schema, list[tuple[int, pa.Table, np.ndarray]]] = defaultdict(list)
        for position, (delivery, file) in enumerate(chunk):
            content, numbers, malformed = read(file.path, table, row_groups)
            for row in malformed:
                self._rejects.append(self._malformed(table, delivery, file, row))
            if content.num_rows:
                numbers = np.arange(first, first + content.num_rows) if numbers is None else np.array(numbers)
                by_schema[content.schema].append((position, content, numbers))
        for parts in by_schema.values():
            positions = np.repeat([p for p, _, _ in parts], [content.num_rows for _, content, _ in parts])
            numbers = np.concatenate([numbers for _, _, numbers in parts])
            raw = stack(content for _, content, _ in parts)
            verdict = validate(table, raw)
            for row in sorted(verdict.problems):
                delivery, file = chunk[positions[row]]
                self._rejects.append(
                    reject(
                        self.feed, table, raw, verdict, row,
                        extract_id=file.extract_id,
                        record_no=int(numbers[row]),
                        known_at=delivery.known_at,
                        business_date=delivery.business_date,
                    )
                )  # fmt: skip
            yield _stamped(table, verdict, chunk, positions, numbers)

    def _malformed(self, table: Table, delivery: Delivery, file: DeliveredFile, row: MalformedRow) -> dict:
        return rejects.row(
            feed_code=self.feed,
            table_name=table.name,
            extract_id=file.extract_id,
            record_no=row.record_no,
            reason_code="malformed_row",
            reason=row.reason,
            raw_record=row.text,
            first_seen_at=delivery.known_at,
            event_date=delivery.business_date,
        )


def reject(
    feed: str,
    table: Table,
    raw: pa.Table,
    verdict: Verdict,
    row: int,
    *,
    extract_id: str,
    record_no: int,
    known_at: datetime,
    business_date: date,
) -> dict:
    """The reject of row number `row` of `raw`, which `verdict` has problems with. It counts on the day of its event;
    where that cannot be read, on `business_date`."""
    problems = verdict.problems[row]
    values = {name: verdict.values.column(name)[row].as_py() for name in verdict.values.column_names}
    stored = {name: _shown(raw.column(name)[row].as_py()) for name in raw.column_names}
    event = values[table.event]
    return rejects.row(
        feed_code=feed,
        table_name=table.name,
        extract_id=extract_id,
        record_no=record_no,
        reason_code=problems[0][0],
        reason="; ".join(sentence for _, sentence in problems),
        raw_record=stored,
        first_seen_at=known_at,
        event_date=business_date if event is None else date(event.year, event.month, event.day),
        asset_code=stored[table.asset] if table.asset else None,
        amount=values[table.amount] if table.amount else None,
        record_hash=_hash(table, stored, values[table.amount] if table.amount else None),
    )


def _hash(table: Table, stored: dict[str, object], amount: Decimal | None) -> int | None:
    """The record's share of its table's hash; None where the source may read its key or amount otherwise."""
    key = [stored[name] or "" for name in table.key]
    if any(not isinstance(part, str) or "\\x" in part for part in key):
        return None
    if table.amount and amount is None and stored[table.amount]:
        return None
    return control_totals.record_hash(":".join(key), amount)


def _chunks(
    files: list[tuple[Delivery, DeliveredFile]],
) -> Iterable[tuple[list[tuple[Delivery, DeliveredFile]], range | None, int]]:
    """Files to be read together, or some row groups of one large file and the number of their first record."""
    chunk, size = [], 0
    for pair in files:
        parts = pieces(pair[1].path)
        if len(parts) > 1:
            if chunk:
                yield chunk, None, 1
            chunk, size = [], 0
            yield from (([pair], row_groups, first) for row_groups, first in parts)
            continue
        chunk.append(pair)
        size += pair[1].path.stat().st_size
        if size >= CHUNK_BYTES:
            yield chunk, None, 1
            chunk, size = [], 0
    if chunk:
        yield chunk, None, 1


def with_checks(table: Table, values: pa.Table) -> pa.Table:
    """The values with what the loader says about the addresses in them."""
    if not table.addresses:
        return values
    columns = [values.column(name) for name in table.addresses]
    return values.append_column("bad_checksums", addresses.bad_checksums(columns, values.column("chain_code")))


def _stamped(
    declared: Table,
    verdict: Verdict,
    chunk: list[tuple[Delivery, DeliveredFile]],
    positions: np.ndarray,
    numbers: np.ndarray,
) -> pa.Table:
    known_at = pa.array([delivery.known_at for delivery, _ in chunk], records.TIMESTAMP)
    extract_ids = pa.array([file.extract_id for _, file in chunk], pa.string())
    where = pa.array(positions)
    table = with_checks(declared, verdict.values)
    for field, column in zip(
        records.COMMON, (known_at.take(where), extract_ids.take(where), pa.array(numbers, pa.int64())), strict=True
    ):
        table = table.append_column(field, column)
    if verdict.problems:
        good = np.ones(table.num_rows, dtype=bool)
        good[list(verdict.problems)] = False
        table = table.filter(pa.array(good))
    return table


def _shown(value: object) -> object:
    """A stored value as text a JSON reader can show; bytes that are no text are written as escapes."""
    return value.decode("utf-8", "backslashreplace").replace("\0", "\\x00") if isinstance(value, bytes) else value
