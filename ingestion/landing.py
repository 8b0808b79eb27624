"""What the loaders of others' formats share: finding files that came without a delivery, and landing what was read.

Belongs here: nothing about a particular format. Canonical files have `canonical.py`.
"""

import gc
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pyarrow as pa
from dlt.extract import DltResource

from ingestion import control_totals, records, rejects
from ingestion.deliveries import MANIFEST, DeliveredFile, Delivery, DeliveryError, deliveries, local_path

# Where nothing says when something became known it counts as known from the beginning: any other constant would hide
# it from a look-back, and the clock would give another warehouse at each rebuild.
ALWAYS_KNOWN = datetime(1970, 1, 1)
_MOMENT = re.compile(rb'"(?:updated|created|received)_?at"\s*:\s*"([0-9T:.+Z-]{19,40})"', re.IGNORECASE)


@dataclass
class Extracted:
    """What one run reads: Arrow tables in the raw shape by table name, control totals and rejects as their rows."""

    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    totals: list[dict] = field(default_factory=list)
    rejects: list[dict] = field(default_factory=list)

    def add(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self.tables.setdefault(table, []).append(rows)


def resources(
    feed: str,
    schemas: Mapping[str, pa.Schema],
    has_new: bool,
    extract: Callable[[], Extracted],
    *,
    added_fields: set[str] | None = None,
    unread: dict[str, str] | None = None,
) -> list[DltResource]:
    """The feed's resources: one per table of `schemas`, then control_totals and rejects. `extract` is called once,
    when dlt asks for the first of them. `added_fields`, `unread`: see `records.resource`."""
    once = cache(extract)
    return [
        *(
            records.resource(name, schema, lambda name=name: once().tables.get(name, ()), has_new=has_new)
            for name, schema in schemas.items()
        ),
        records.resource(
            "control_totals",
            control_totals.SCHEMA,
            lambda: [control_totals.to_table(once().totals)],
            has_new=has_new,
            added_fields=added_fields,
            unread=unread,
        ),
        records.resource("rejects", rejects.SCHEMA, lambda: [rejects.to_table(once().rejects)], has_new=has_new),
    ]


def to_table(rows: list[dict], schema: pa.Schema, known_at: datetime, extract_id: str) -> pa.Table:
    """Rows (with their `_record_no`) as Arrow in the raw shape; a column a row does not have is null.

    Column by column: a third of the time of `pa.Table.from_pylist`."""
    columns = [pa.array([row.get(column.name) for row in rows], column.type) for column in schema]
    count = len(rows)
    columns += [
        pa.repeat(pa.scalar(known_at, records.TIMESTAMP), count),
        pa.repeat(pa.scalar(extract_id, pa.string()), count),
        pa.array([row["_record_no"] for row in rows], pa.int64()),
    ]
    return pa.table(columns, schema=records.raw_schema(schema))


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """For reading one file into many small objects without cycles. In a process that has imported dlt and dagster the
    collector walks all of their objects again and again meanwhile: it took two thirds of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def find(
    bucket_url: str | None,
    patterns: Mapping[str, str],
    known_at: Callable[[Path], datetime],
    *,
    start: date | None = None,
    end: date | None = None,
) -> list[Delivery]:
    """The deliveries below the bucket; where it has neither delivery folders nor a manifest, every file below it that
    matches a pattern (of its path below the bucket or its name), each as a delivery of its own that was known at
    `known_at(path)` (naive UTC). Other files are then none of the feed's business.

    `start` and `end` keep business dates of a half-open window. Raises DeliveryError (see `deliveries`)."""
    if not bucket_url:
        return []
    bucket = local_path(bucket_url)
    if not bucket.is_dir():
        raise DeliveryError(f"{bucket} is not a folder: set bucket_url to the folder that holds the files.")
    if has_deliveries(bucket):
        return deliveries(bucket_url, patterns, start=start, end=end)
    found = []
    for path in sorted(bucket.rglob("*")):
        uri = path.relative_to(bucket).as_posix()
        table = next((t for p, t in patterns.items() if fnmatchcase(uri, p) or fnmatchcase(path.name, p)), None)
        if table is None or not path.is_file() or any(part.startswith(".") for part in Path(uri).parts):
            continue
        moment = known_at(path)
        if (start and moment.date() < start) or (end and moment.date() >= end):
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        file = DeliveredFile(path, path.name, table, uri, f"{uri}:{digest[:16]}")
        found.append(Delivery(path.parent, uri, moment, moment.date(), [file]))
    return sorted(found, key=lambda delivery: (delivery.known_at, delivery.delivery_id))


def newest_moment(raw: bytes) -> datetime:
    """The latest time that a record of a file of JSON says of itself (created, updated or received at; naive UTC);
    ALWAYS_KNOWN where none can be read."""
    moments = [ALWAYS_KNOWN]
    for found in _MOMENT.findall(raw):
        try:
            moments.append(records.utc(datetime.fromisoformat(found.decode())))
        except (ValueError, OverflowError):
            continue
    return max(moments)


def has_deliveries(bucket: Path) -> bool:
    """Whether files arrive here in delivery folders, rather than just lie there."""
    folders = [path for path in bucket.iterdir() if path.is_dir()]
    return any((folder / MANIFEST).is_file() for folder in (bucket, *folders)) or any(
        folder.name.startswith("delivery=") for folder in folders
    )


def pairs(found: Iterable[Delivery]) -> list[tuple[Delivery, DeliveredFile]]:
    return [(delivery, file) for delivery in found for file in delivery.files]
