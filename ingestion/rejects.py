"""Rejects: records that cannot be used, whole and with the reason, one row per record.

A reject is not an error of the run: it is counted against the control totals like a loaded record. A record that came
in has a second row, equal but for `replayed_at` (when), `closed_as_code` (replayed or arrived) and `_extract_id`, the
extract in which it came in: its own (from then on it counts as loaded there), that of a vendor's new answer
(replay.py), or the later one that brought it by itself (arrivals.py)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa

from ingestion.records import AMOUNT, HASH, TIMESTAMP, raw_schema, utc

SCHEMA = pa.schema(
    [
        pa.field("reject_id", pa.string(), nullable=False),
        pa.field("feed_code", pa.string(), nullable=False),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("extract_id", pa.string(), nullable=False),
        pa.field("record_no", pa.int64(), nullable=False),
        pa.field("event_date", pa.date32()),
        pa.field("asset_code", pa.string()),
        pa.field("amount", AMOUNT),
        pa.field("reason_code", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw_record", pa.string(), nullable=False),
        pa.field("first_seen_at", TIMESTAMP, nullable=False),
        pa.field("replayed_at", TIMESTAMP),
        pa.field("closed_as_code", pa.string()),
        pa.field("record_hash", HASH),
    ]
)


def row(
    *,
    feed_code: str,
    table_name: str,
    extract_id: str,
    record_no: int,
    reason_code: str,
    reason: str,
    raw_record: str | Mapping,
    first_seen_at: datetime,
    event_date: date | None = None,
    asset_code: str | None = None,
    amount: Decimal | None = None,
    record_hash: int | None = None,
) -> dict:
    """One reject. `reason` names field and value in a plain sentence; `raw_record` is the record as delivered (a
    mapping is written as JSON); `event_date` is the record's own where it can be read, else the delivery's business
    date; `amount` only where it is a plain decimal; `first_seen_at` is the delivery's known-at time (UTC);
    `record_hash` is its share of the source's hash (see `control_totals.record_hash`), None where nobody can tell."""
    if isinstance(raw_record, Mapping):
        raw_record = json.dumps(raw_record, ensure_ascii=False, default=str)
    return {
        "reject_id": identity(feed_code, table_name, extract_id, record_no),
        "feed_code": feed_code,
        "table_name": table_name,
        "extract_id": extract_id,
        "record_no": record_no,
        "event_date": event_date,
        "asset_code": asset_code,
        "amount": amount,
        "reason_code": reason_code,
        "reason": reason,
        "raw_record": raw_record,
        "first_seen_at": utc(first_seen_at),
        "replayed_at": None,
        "closed_as_code": None,
        "record_hash": None if record_hash is None else Decimal(record_hash),
    }


def identity(feed_code: str, table_name: str, extract_id: str, record_no: int) -> str:
    """The reject id of what lies in this place: the same however often it is rejected there."""
    said = json.dumps([feed_code, table_name, extract_id, record_no])
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()


def to_table(rows: list[dict]) -> pa.Table:
    """The rows as an Arrow table in the raw shape."""
    stamped = [
        {
            **reject,
            "_known_at": reject["replayed_at"] or reject["first_seen_at"],
            "_extract_id": reject.get("replayed_into") or reject["extract_id"],
            "_record_no": reject["record_no"],
        }
        for reject in rows
    ]
    return pa.Table.from_pylist(stamped, schema=raw_schema(SCHEMA))
