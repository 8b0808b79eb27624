"""What every list is read into: five tables, and the records a parser finds.

Belongs here: the common shape, and the small helpers all parsers share. One publisher's format is in its own module.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from ingestion import wire
from ingestion.control_totals import record_hash
from ingestion.records import TIMESTAMP

_KEY = (
    ("list_code", pa.string(), False),
    ("published_at", TIMESTAMP, False),
    ("entry_id", pa.string(), False),
)
_COLUMNS = {
    "entries": (
        ("format_code", pa.string(), False),
        ("op_code", pa.string(), False),
        ("is_whole", pa.bool_(), False),
        ("entry_type", pa.string(), True),
        ("name", pa.string(), True),
        ("program", pa.string(), True),
        ("listed_on_text", pa.string(), True),
        ("remarks", pa.string(), True),
        ("record_text", pa.string(), False),
        ("content_hash", pa.string(), False),
    ),
    "names": (
        ("name_no", pa.string(), False),
        ("name_type", pa.string(), True),
        ("name_quality", pa.string(), True),
        ("name", pa.string(), True),
        ("note", pa.string(), True),
    ),
    "places": (
        ("place_no", pa.string(), False),
        ("place_type", pa.string(), False),
        ("address", pa.string(), True),
        ("city", pa.string(), True),
        ("country", pa.string(), True),
        ("note", pa.string(), True),
    ),
    "identifiers": (
        ("identifier_no", pa.string(), False),
        ("identifier_type", pa.string(), False),
        ("value", pa.string(), True),
        ("country", pa.string(), True),
        ("date_precision_code", pa.string(), True),
        ("note", pa.string(), True),
        ("is_valid", pa.bool_(), False),
        ("invalid_reason_code", pa.string(), True),
    ),
    "digital_currency_addresses": (
        ("asset_code", pa.string(), False),
        ("address", pa.string(), False),
        ("mention_no", pa.int64(), False),
        ("is_overflow", pa.bool_(), False),
    ),
}
SCHEMAS = {
    table: pa.schema([pa.field(name, kind, nullable=nullable) for name, kind, nullable in (*_KEY, *columns)])
    for table, columns in _COLUMNS.items()
}
_NUMBERS = {"names": "name_no", "places": "place_no", "identifiers": "identifier_no"}
LISTED, DELETED = "LISTED", "DEL"


class UnusablePublication(ValueError):
    """A publication that must not be loaded: half a list would delist everybody on the other half."""


@dataclass(frozen=True)
class Rejected:
    """A record that could not be used; `raw` is the record as published, `entry_id` the id of the entry it is of, empty
    where it has none."""

    table: str
    code: str
    reason: str
    raw: str
    entry_id: str = ""


Found = tuple[str, dict] | Rejected
"""A row of a table, or a reject; in the order of the publication."""


def share(entry_id: str) -> int:
    """The share of a record of an entry in its table's hash: which entry it is of."""
    return record_hash(wire.key(entry_id), None)


def entry(entry_id: str, record_text: str, *, content: str | None = None, **columns: object) -> tuple[str, dict]:
    """The row of an entry. `record_text` is the publisher's whole record; `content` what of it says something about the
    entry, where that is less (a publisher's own "last seen" changes every day and nothing else does)."""
    digest = hashlib.md5((content or record_text).encode(), usedforsecurity=False).hexdigest()
    row = {"op_code": LISTED, "is_whole": True, "record_text": record_text, "content_hash": digest}
    return "entries", {"entry_id": entry_id, **row, **columns}


def child(table: str, entry_id: str, **columns: object) -> tuple[str, dict]:
    """A row of one of the other tables."""
    defaults = {"identifiers": {"is_valid": True}, "digital_currency_addresses": {"is_overflow": False}}
    return table, {"entry_id": entry_id, **defaults.get(table, {}), **columns}


def numbered(found: list[Found]) -> list[Found]:
    """What was found of one entry, each of its parts with a number of its own: the publisher's where there is one that
    no other part has, else one made of what the part says, so that a list in another order is not a change. The same
    words twice get a suffix."""
    seen: Counter[tuple[str, str]] = Counter()
    for one in found:
        if isinstance(one, Rejected) or one[0] not in _NUMBERS:
            continue
        table, row = one
        column = _NUMBERS[table]
        number = row.pop(column, None)
        if not number or seen[table, number]:
            said = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
            number = hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()[:12]
        seen[table, number] += 1
        row[column] = number if seen[table, number] == 1 else f"{number}-{seen[table, number]}"
    return found


def rejected_whole(found: Iterable[Found], code: str, reason: str) -> list[Rejected]:
    """An entry that cannot be used and all of its parts, each as the reject of its own table."""
    parts = []
    for one in found:
        if isinstance(one, Rejected):
            parts.append(one)
        else:
            table, row = one
            raw = row.get("record_text") or json.dumps(row, ensure_ascii=False, default=str)
            parts.append(Rejected(table, code, reason, raw, row["entry_id"]))
    return parts


def checked(found: list[Found], entry_id: str | None, seen: set[str]) -> list[Found]:
    """What was found of one entry, or its rejects: an entry needs an id that the publication has once.
    Its parts are numbered."""
    if not entry_id:
        return list(rejected_whole(found, "missing_id", "the entry has no id of its publisher"))
    if entry_id in seen:
        return list(rejected_whole(found, "duplicate_id", f"entry {entry_id!r} is in the publication already"))
    seen.add(entry_id)
    return numbered(found)


def text_of(parts: Iterable[str | None], separator: str = " ") -> str | None:
    """The parts that hold something, joined; None where none does."""
    return separator.join(part.strip() for part in parts if part and part.strip()) or None
