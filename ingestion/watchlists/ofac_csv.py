"""OFAC's SDN publication in CSV (sdn, add, alt, sdn_comments) as records, and its count on a path of its own.

Belongs here: reading the files of one publication. OFAC's XML forms are in `ofac_xml` and `ofac_advanced`.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count as numbers
from pathlib import Path

from ingestion import bounded
from ingestion.contract import MOST_UNUSABLE
from ingestion.watchlists.mentions import labelled
from ingestion.watchlists.model import Found, Rejected, UnusablePublication, child, entry
from ingestion.watchlists.xml import Counted

FILES = {"entries": "sdn.csv", "places": "add.csv", "names": "alt.csv"}
COMMENTS = "sdn_comments.csv"
_QUOTED = re.compile(rb'"([^"]*)"')
_ENDS = re.compile(rb"[\r\n,]")
# OFAC publishes no header row: names and order are those of its data specification
COLUMNS = {
    "entries": (
        ["ent_num", "sdn_name", "sdn_type", "program", "title", "call_sign", "vess_type", "tonnage", "grt", "vess_flag"]
        + ["vess_owner", "remarks"]
    ),
    "places": ["ent_num", "add_num", "address", "city", "country", "add_remarks"],
    "names": ["ent_num", "alt_num", "alt_type", "alt_name", "alt_remarks"],
}
# What tells that a column is the one its place says: other columns move when one before them is taken away or put in.
_KINDS = {
    "ent_num": re.compile(rb"\d+"),
    "add_num": re.compile(rb"\d+"),
    "alt_num": re.compile(rb"\d+"),
    "sdn_type": re.compile(rb"(?i)individual|entity|vessel|aircraft"),
    "alt_type": re.compile(rb"(?i)[anf]\.?k\.?a\.?"),
}
_NULL = re.compile(rb"-0-?|")


def columns(name: str) -> list[str]:
    """The names of a file's columns, as the contract of the form has them."""
    (table,) = (table for table, file in FILES.items() if file == name)
    return [f"{name} {column}" for column in COLUMNS[table]]


def parse(files: Mapping[str, Path]) -> Iterator[Found]:
    """The records of one publication; `files` maps names of `FILES` (and `COMMENTS`, which a publication may lack) to
    where they lie. All values are text as published, null where OFAC writes `-0- `; the overflow in the comments file
    is appended to the remarks it continues. Raises UnusablePublication."""
    overflows, unreadable = _overflows(files)
    for row in _rows("entries", files):
        if isinstance(row, Rejected):
            yield row
            continue
        number, before = row["ent_num"], len(row["remarks"] or "")
        if pieces := overflows.pop(number, None):
            row["remarks"] = (row["remarks"] or "") + "".join(pieces)
        yield entry(
            number,
            json.dumps(row, ensure_ascii=False),
            entry_type=row["sdn_type"],
            name=row["sdn_name"],
            program=row["program"],
            remarks=row["remarks"],
        )
        yield from _mentions(number, row["remarks"] or "", before)
    # Counted with the entries: a remark nobody can be given to is a lost part of an entry
    for number, pieces in overflows.items():
        reason = f"continues the remarks of entry {number!r}, which the publication does not have"
        yield from (
            Rejected("entries", "overflow_without_entry", reason, f"{number},{piece}", number) for piece in pieces
        )
    yield from unreadable
    for row in _rows("places", files):
        yield row if isinstance(row, Rejected) else child(
            "places", row["ent_num"], place_no=row["add_num"], place_type="address", address=row["address"],
            city=row["city"], country=row["country"], note=_note(row, "add_remarks"),
        )  # fmt: skip
    for row in _rows("names", files):
        yield row if isinstance(row, Rejected) else child(
            "names", row["ent_num"], name_no=row["alt_num"], name_type=row["alt_type"], name=row["alt_name"],
            note=_note(row, "alt_remarks"),
        )  # fmt: skip


def _lines(name: str, raw: bytes) -> Iterator[list[str]]:
    # 0x1A is the end-of-file mark of the system that writes the files
    text = raw.rstrip(b"\x1a").decode("latin-1")
    try:
        for line in bounded.csv_rows(io.StringIO(text, newline="")):
            if line and line != ["\x1a"]:
                yield line
    except csv.Error as error:
        raise UnusablePublication(f"{name} cannot be read as CSV: {error}") from None


def _rows(table: str, files: Mapping[str, Path]) -> Iterator[dict | Rejected]:
    """The file's records by column. What OFAC puts behind its columns has the number of its place for a name."""
    lines = list(_lines(FILES[table], bounded.lines(files[FILES[table]])))
    width = _width(map(len, lines), len(COLUMNS[table]))
    names = [name for name, _ in zip(_named(COLUMNS[table]), range(width), strict=False)]
    for line in lines:
        yield _read(table, line, names)


def _named(known: list[str]) -> Iterator[str]:
    yield from known
    yield from (f"column {number}" for number in numbers(len(known) + 1))


def _width(widths: Iterable[int], known: int) -> int:
    """How many columns a file has: as many as are known, or more where most of its lines have so many."""
    found = Counter(widths)
    most, lines = found.most_common(1)[0] if found else (known, 0)
    return most if most > known and 2 * lines > found.total() else known


def _note(row: dict, column: str) -> str | None:
    """The remarks of a part, with what stands behind its columns."""
    behind = [f"{name}: {value}" for name, value in row.items() if name.startswith("column ") and value]
    return "; ".join([*filter(None, [row[column]]), *behind]) or None


def _read(table: str, line: list[str], names: list[str]) -> dict | Rejected:
    raw = ",".join(line)
    if len(line) != len(names):
        reason = f"{len(line)} fields instead of {len(names)}"
        return Rejected(table, "malformed_row", reason, raw, line[0].strip())
    row = {name: _value(text) for name, text in zip(names, line, strict=True)}
    for name in names[: 1 if table == "entries" else 2]:
        if not (row[name] or "").isdecimal():
            return Rejected(table, "invalid_number", f"{name} {row[name]!r} is not a number", raw, line[0].strip())
    return row


def _value(text: str) -> str | None:
    """Null is `-0- `; at the end of a file its last characters may be missing."""
    return None if text.strip() in ("-0-", "-0", "") else text


def _overflows(files: Mapping[str, Path]) -> tuple[dict[str, list[str]], list[Rejected]]:
    """The pieces of overflow by entry number, and the lines that are none."""
    raw = bounded.lines(files[COMMENTS]) if COMMENTS in files else b""
    found: dict[str, list[str]] = {}
    bad = []
    for line in _lines(COMMENTS, raw):
        if len(line) == 2:
            found.setdefault(line[0].strip(), []).append(line[1])
        else:
            reason = f"{len(line)} fields instead of 2 in the overflow of remarks"
            bad.append(Rejected("entries", "malformed_row", reason, ",".join(line), line[0].strip()))
    return found, bad


def _mentions(number: str, remarks: str, before: int) -> Iterator[Found]:
    """Digital-currency addresses in remarks, numbered within their entry. `is_overflow` says that the mention is not
    in sdn.csv alone: part of its words come from the comments file."""
    for mention_no, (end, code, words) in enumerate(labelled(remarks), 1):
        if code is None:
            reason = f"entry {number}: no currency code and address follow"
            yield Rejected("digital_currency_addresses", "unreadable_mention", reason, words, number)
        else:
            yield child(
                "digital_currency_addresses", number, asset_code=code, address=words, mention_no=mention_no,
                is_overflow=end - 3 > before,
            )  # fmt: skip


def count(files: Mapping[str, Path]) -> Counted:
    """Records by table from lines and patterns over the raw bytes, without a CSV reader. An overflow without an entry
    counts with the entries; digital-currency addresses are the mentions in remarks after every overflow is put behind
    its entry's line. Raises UnusablePublication for an empty file and for one with a quote that is never closed,
    Oversized for one that must not be held in memory."""
    read = {name: bounded.lines(path) for name, path in files.items()}
    for name in (*FILES.values(), *([COMMENTS] if COMMENTS in read else [])):
        if not read[name].strip() and name != COMMENTS:
            raise UnusablePublication(f"{name} is empty: fetch the publication again")
        if read[name].count(b'"') % 2:
            raise UnusablePublication(f"{name} has a quote that is never closed, it may be cut off: fetch it again")
    counted = Counted()
    for table, name in FILES.items():
        found = [line.split(b",") for line in lines(read[name])]
        for fields in found:
            counted.add(table, _text(fields[0].strip()))
        counted.names |= {f"{name} {column}" for column in _recognised(COLUMNS[table], found)}
    spliced, orphans = splice(read["sdn.csv"], read.get(COMMENTS, b""))
    for number in orphans:
        counted.add("entries", _text(number))
    number = b""
    for line in spliced.splitlines():
        first = line.partition(b",")[0].strip()
        number = first if first.isdigit() else number  # else the line goes on with the one before
        counted.add("digital_currency_addresses", _text(number), line.count(b"Digital Currency Address - "))
    return counted  # identifiers stand in the remarks only


def _text(number: bytes) -> str:
    return number.decode("latin-1")


def lines(raw: bytes) -> list[bytes]:
    """Each line that holds something, without quotes, whatever line ends and commas are inside them, and without the
    end-of-file mark."""
    plain = _QUOTED.sub(lambda quoted: _ENDS.sub(b" ", quoted[1]) or b" ", raw.rstrip(b"\x1a"))
    return [line for line in plain.splitlines() if line.strip(b"\x1a")]


def _recognised(known: list[str], found: list[list[bytes]]) -> set[str]:
    """The columns that a file has: those that most of its lines are wide enough for and that, where their kind is
    known, hold it; and those behind them that nobody knows."""
    width = _width(map(len, found), len(known))
    short = Counter(min(len(fields), width) for fields in found)
    names = set()
    for place, name in zip(range(width), _named(known), strict=False):
        lacking = sum(lines for fields, lines in short.items() if fields <= place)
        values = [fields[place].strip() for fields in found if len(fields) > place]
        said = [value for value in values if not _NULL.fullmatch(value)]
        odd = sum(1 for value in said if name in _KINDS and not _KINDS[name].fullmatch(value))
        if not (_is_most(lacking, len(found)) or _is_most(odd, len(said))):
            names.add(name)
    return names


def _is_most(lines: int, of: int) -> bool:
    return lines >= max(MOST_UNUSABLE, of - lines + 1)


def splice(entries: bytes, comments: bytes) -> tuple[bytes, list[bytes]]:
    """sdn.csv with the overflow of each entry directly behind it, and the entry's number of each overflow that belongs
    to none."""
    overflows: dict[bytes, list[bytes]] = {}
    for line in comments.rstrip(b"\x1a").splitlines():
        number, comma, text = line.partition(b",")
        if comma:
            overflows.setdefault(number.strip(), []).append(text.strip().removeprefix(b'"').removesuffix(b'"'))
    parts = []
    for line in entries.splitlines():
        pieces = overflows.pop(line.partition(b",")[0].strip(), [])
        parts.append(line.rstrip().removesuffix(b'"') + b"".join(pieces) if pieces else line)
    return b"\n".join(parts), [number for number, pieces in overflows.items() for _ in pieces]
