"""OFAC's SDN publication in CSV (sdn, add, alt, sdn_comments) as records.

Belongs here: reading the files of one publication, a pure function of their bytes. Finding or fetching publications is
in the package's `__init__` and `fetch`, control totals on an independent path in `count`.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

FILES = {
    "sdn_entries": "sdn.csv",
    "sdn_addresses": "add.csv",
    "sdn_aliases": "alt.csv",
}
COMMENTS = "sdn_comments.csv"
# OFAC publishes no header row: names and order are those of its data specification
COLUMNS = {
    "sdn_entries": (
        [
            "ent_num",
            "sdn_name",
            "sdn_type",
            "program",
            "title",
            "call_sign",
            "vess_type",
            "tonnage",
            "grt",
            "vess_flag",
            "vess_owner",
            "remarks",
        ]
    ),
    "sdn_addresses": ["ent_num", "add_num", "address", "city", "country", "add_remarks"],
    "sdn_aliases": ["ent_num", "alt_num", "alt_type", "alt_name", "alt_remarks"],
    "digital_currency_addresses": ["ent_num", "asset_code", "address", "mention_no", "is_overflow"],
}
_TYPES = {"mention_no": pa.int64(), "is_overflow": pa.bool_()}
_KEYS = ("ent_num", "add_num", "alt_num", "asset_code", "mention_no", "is_overflow")
SCHEMAS = {
    table: pa.schema(
        [
            *(
                pa.field(
                    name,
                    _TYPES.get(name, pa.string()),
                    nullable=name not in _KEYS and not (table == "digital_currency_addresses" and name == "address"),
                )
                for name in names
            ),
            pa.field("publication_date", pa.date32(), nullable=False),
        ]
    )
    for table, names in COLUMNS.items()
}
_MENTION = re.compile(r"Digital Currency Address - ")
_ADDRESS = re.compile(r"(\w{1,20})\s+([^\s;]+?)\.?(?=;|\s|$)")


class UnusablePublication(ValueError):
    """A file of the publication that must not be loaded: half a list would delist everybody on the other half."""


@dataclass
class Rejected:
    """A record that could not be used; `raw` is its line, or the words of the mention."""

    table: str
    record_no: int
    code: str
    reason: str
    raw: str


@dataclass
class Publication:
    """Rows by table, each with its `_record_no`, and what was rejected."""

    rows: dict[str, list[dict]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)


def parse(files: Mapping[str, bytes]) -> Publication:
    """The records of one publication; `files` maps names of `FILES` (and `COMMENTS`, which a publication may lack) to
    their bytes. All values are text as published, null where OFAC writes `-0- `; the overflow in the comments file is
    appended to the remarks it continues. Raises UnusablePublication."""
    publication = Publication()
    for table, name in FILES.items():
        publication.rows[table] = []
        for number, line in enumerate(_lines(name, files[name]), 1):
            _read(publication, table, number, line)
    overflow = _overflow(files.get(COMMENTS, b""), publication)
    publication.rows["digital_currency_addresses"] = list(_mentions(publication, overflow))
    return publication


def _lines(name: str, raw: bytes) -> Iterator[list[str]]:
    if not raw.strip():
        raise UnusablePublication(f"{name} is empty: fetch the publication again")
    if raw.count(b'"') % 2:
        raise UnusablePublication(f"{name} has a quote that is never closed, it may be cut off: fetch it again")
    # 0x1A is the end-of-file mark of the system that writes the files
    text = raw.rstrip(b"\x1a").decode("latin-1")
    try:
        for line in csv.reader(io.StringIO(text, newline="")):
            if line and line != ["\x1a"]:
                yield line
    except csv.Error as error:
        raise UnusablePublication(f"{name} cannot be read as CSV: {error}") from None


def _read(publication: Publication, table: str, number: int, line: list[str]) -> None:
    names = COLUMNS[table]
    if len(line) != len(names):
        _reject(publication, table, number, line, "malformed_row", f"{len(line)} fields instead of {len(names)}")
        return
    row = {name: _value(text) for name, text in zip(names, line, strict=True)}
    for name in names[: 1 if table == "sdn_entries" else 2]:
        if not (row[name] or "").isdecimal():
            _reject(publication, table, number, line, "invalid_number", f"{name} {row[name]!r} is not a number")
            return
    row["_record_no"] = number
    publication.rows[table].append(row)


def _value(text: str) -> str | None:
    """Null is `-0- `; at the end of a file its last characters may be missing."""
    return None if text.strip() in ("-0-", "-0", "") else text


def _overflow(raw: bytes, publication: Publication) -> dict[str, int]:
    """Appends each overflow to its entry's remarks; returns the length of the remarks that entry had before."""
    lengths: dict[str, int] = {}
    if not raw.strip(b"\x1a \r\n"):
        return lengths
    by_number = {row["ent_num"]: row for row in publication.rows["sdn_entries"]}
    rejected = sum(1 for one in publication.rejected if one.table == "sdn_entries")
    number = len(publication.rows["sdn_entries"]) + rejected
    for line in _lines(COMMENTS, raw):
        row = by_number.get(line[0]) if len(line) == 2 else None
        if row is None:
            # Counted with the entries: a remark nobody can be given to is a lost part of an entry
            number += 1
            reason = f"continues the remarks of entry {line[0]!r}, which the publication does not have"
            _reject(publication, "sdn_entries", number, line, "overflow_without_entry", reason)
            continue
        lengths.setdefault(line[0], len(row["remarks"] or ""))
        row["remarks"] = (row["remarks"] or "") + line[1]
    return lengths


def _mentions(publication: Publication, overflow: Mapping[str, int]) -> Iterator[dict]:
    """Digital-currency addresses in remarks, numbered within their entry. `is_overflow` says that the mention is not
    in sdn.csv alone: part of its words come from the comments file."""
    number = 0
    for entry in publication.rows["sdn_entries"]:
        remarks = entry["remarks"] or ""
        for mention_no, words in enumerate(_MENTION.finditer(remarks), 1):
            number += 1
            found = _ADDRESS.match(remarks, words.end())
            if found is None:
                raw = remarks[words.start() : words.start() + 200]
                reason = f"entry {entry['ent_num']}: no currency code and address follow"
                publication.rejected.append(
                    Rejected("digital_currency_addresses", number, "unreadable_mention", reason, raw)
                )
                continue
            yield {
                "ent_num": entry["ent_num"],
                "asset_code": found.group(1),
                "address": found.group(2),
                "mention_no": mention_no,
                "is_overflow": words.end() - 3 > overflow.get(entry["ent_num"], len(remarks)),
                "_record_no": number,
            }


def _reject(publication: Publication, table: str, number: int, line: list[str], code: str, reason: str) -> None:
    publication.rejected.append(Rejected(table, number, code, reason, ",".join(line)))
