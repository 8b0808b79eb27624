"""Control totals: what the source says it delivered, per extract, table, day and asset.

They are the other side of the reconciliation, so they never come from what a loader parsed: they come from the
source's manifest, else from an independent path over the source (`captured_by` says which).
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa

from ingestion.deliveries import DeliveredFile, Delivery
from ingestion.records import AMOUNT, HASH, TIMESTAMP, raw_schema, utc

CAPTURED_BY = ("manifest", "file_footer", "independent_count", "statement", "api_total", "source_query")

SCHEMA = pa.schema(
    [
        pa.field("extract_id", pa.string(), nullable=False),
        pa.field("feed_code", pa.string(), nullable=False),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("event_date", pa.date32()),
        pa.field("asset_code", pa.string()),
        pa.field("source_rows", pa.int64(), nullable=False),
        pa.field("source_amount", AMOUNT),
        pa.field("source_hash", HASH),
        pa.field("captured_by", pa.string(), nullable=False),
        pa.field("source_uri", pa.string(), nullable=False),
        pa.field("known_at", TIMESTAMP, nullable=False),
    ]
)


def row(
    *,
    extract_id: str,
    feed_code: str,
    table_name: str,
    source_rows: int,
    captured_by: str,
    source_uri: str,
    known_at: datetime,
    event_date: date | None = None,
    asset_code: str | None = None,
    source_amount: Decimal | None = None,
    source_hash: int | None = None,
) -> dict:
    """One control total: grain extract x table x event_date x asset. `known_at` is UTC; `source_uri` is the path
    below the bucket or the endpoint, never an absolute path (a rebuild elsewhere must give the same bytes).
    Raises ValueError on an unknown `captured_by` or a negative count."""
    if captured_by not in CAPTURED_BY:
        raise ValueError(f"captured_by {captured_by!r} is none of {', '.join(CAPTURED_BY)}")
    if source_rows < 0:
        raise ValueError(f"{source_uri}: source_rows {source_rows} is negative")
    return {
        "extract_id": extract_id,
        "feed_code": feed_code,
        "table_name": table_name,
        "event_date": event_date,
        "asset_code": asset_code,
        "source_rows": source_rows,
        "source_amount": source_amount,
        # Nothing has the hash of nothing: it is known, whoever says that there is nothing.
        "source_hash": Decimal(0) if source_hash is None and not source_rows else _number(source_hash),
        "captured_by": captured_by,
        "source_uri": source_uri,
        "known_at": utc(known_at),
    }


def _number(source_hash: int | None) -> Decimal | None:
    return None if source_hash is None else Decimal(source_hash)


def to_table(rows: list[dict]) -> pa.Table:
    """The rows as an Arrow table in the raw shape; `_record_no` counts the totals of one extract from 1."""
    position: Counter[str] = Counter()
    stamped = []
    for total in rows:
        extract_id = total["extract_id"]
        position[extract_id] += 1
        stamped.append(
            {
                **total,
                "_known_at": total["known_at"],
                "_extract_id": extract_id,
                "_record_no": position[extract_id],
            }
        )
    return pa.Table.from_pylist(stamped, schema=raw_schema(SCHEMA))


def record_hash(key: str, amount: Decimal | None) -> int:
    """The record's share of an order-independent hash total: the first 15 hex digits of
    md5(key | amount with exactly 18 decimals, or nothing) as an integer. A table's hash is the sum over its records.
    The same formula is in the dbt macro `record_hash` and in the independent count."""
    text = f"{key}|{'' if amount is None else format(amount, '.18f')}"
    return int(hashlib.md5(text.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()[:15], 16)


RECORD_HASH_SQL = "cast('0x' || left(md5({}), 15) as bigint)"
"""The same of a DuckDB expression of the text; sum it."""


def with_hashes(stated: list[dict], counted: Iterable[dict]) -> list[dict]:
    """The totals that a manifest states, each without a hash with the one that was counted on an independent path for
    the same table, day and asset, or for all of the table where it has one total alone."""
    groups: dict[tuple, list[Decimal | None]] = defaultdict(list)
    for total in counted:
        cell = total["event_date"], total["asset_code"]
        groups[total["table_name"], cell].append(total["source_hash"])
        groups[total["table_name"], None].append(total["source_hash"])
    totals_of = Counter(total["table_name"] for total in stated)

    def hash_of(total: dict) -> Decimal | None:
        is_alone = totals_of[total["table_name"]] == 1
        found = groups[total["table_name"], None if is_alone else (total["event_date"], total["asset_code"])]
        return None if not found or None in found else sum(found, Decimal(0))

    return [t if t["source_hash"] is not None else {**t, "source_hash": hash_of(t)} for t in stated]


def from_manifest(feed: str, delivery: Delivery, file: DeliveredFile) -> list[dict]:
    """The rows a manifest states for one file, of all tables it names; a file without records gives one row with
    source_rows 0.

    Raises ValueError when the manifest states no totals for it: then the caller counts independently."""
    if file.manifest_totals is None:
        raise ValueError(f"{file.uri}: the manifest states no totals")
    common = {
        "extract_id": file.extract_id,
        "feed_code": feed,
        "captured_by": "manifest",
        "source_uri": file.uri,
        "known_at": delivery.known_at,
    }
    return [
        row(
            **common,
            table_name=total.table or file.table,
            event_date=total.event_date,
            asset_code=total.asset_code,
            source_rows=total.rows,
            source_amount=total.amount,
            source_hash=total.hash,
        )
        for total in file.manifest_totals
    ] or [row(**common, table_name=file.table, source_rows=0)]
