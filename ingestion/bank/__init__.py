"""Bank statements and payment notifications: ISO 20022 camt.053 and camt.054 (versions 2 to 8), MT940 and Nacha files.

An extract is one file; its name says the format. A file lying outside a delivery folder was known when it says it was
made. A file that cannot be used is rejected whole, one reject per payment it should have brought.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import ModuleType

import dlt
from dlt.extract import DltResource

from ingestion import landing
from ingestion.bank import accounting, count, mt940, mt940_count, nacha, nacha_count
from ingestion.bank.accounting import FEED, SCHEMAS
from ingestion.bank.document import instant_or_none
from ingestion.bank.message import Message, UnusableFile
from ingestion.bank.parse import parse
from ingestion.deliveries import DeliveredFile, Delivery, not_yet_loaded
from ingestion.pipeline import completed_extracts

LARGEST = 128 << 20
"""Bytes. A statement is read as a whole; a larger file is no bank statement, or has to be asked for in parts."""
_HEAD = 1 << 16


@dataclass(frozen=True)
class _Format:
    """How a file is read, and the independent patterns that count what is in it."""

    parse: Callable[[bytes, str], Message]
    count: ModuleType


_CAMT = _Format(lambda raw, _: parse(raw), count)  # XML says its encoding itself
_MT940 = _Format(mt940.parse, mt940_count)
_NACHA = _Format(nacha.parse, nacha_count)
FORMATS = {"xml": _CAMT, "sta": _MT940, "mt940": _MT940, "940": _MT940, "ach": _NACHA, "nacha": _NACHA}
PATTERNS = {
    f"{folder}*.{suffix}": "entries"
    for name in FORMATS
    for suffix in dict.fromkeys((name, name.upper()))
    for folder in ("", "**/")
}


@dlt.source(name=FEED, section=FEED)
def bank_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None, encoding: str = "utf-8"
) -> Iterable[DltResource]:
    """The new files below `bucket_url`, whose business date lies in the half-open window [start, end). `encoding` is
    that of MT940 and Nacha files."""
    found = landing.find(bucket_url, PATTERNS, _created_at, start=start, end=end)
    new = landing.pairs(not_yet_loaded(found, completed_extracts(FEED))) if found else []
    added: set[str] = set()
    return landing.resources(FEED, SCHEMAS, bool(new), lambda: _extract(new, encoding, added), added_fields=added)


def _format(path: Path) -> _Format:
    return FORMATS[path.suffix[1:].lower()]


def _created_at(path: Path) -> datetime:
    # An MT940 has its date at its end, and all of its statements count.
    size = LARGEST if _format(path) is _MT940 and path.stat().st_size <= LARGEST else _HEAD
    with path.open("rb") as stream:
        return instant_or_none(_format(path).count.created_at(stream.read(size))) or landing.ALWAYS_KNOWN


def _extract(new: list[tuple[Delivery, DeliveredFile]], encoding: str, added: set[str]) -> landing.Extracted:
    extracted = landing.Extracted()
    for delivery, file in new:
        if file.path.stat().st_size > LARGEST:
            with file.path.open("rb") as stream:
                head = stream.read(_HEAD)
            error = UnusableFile("file_too_large", f"the file has more than {LARGEST:,} bytes: ask for it in parts")
            accounting.reject_file(extracted, delivery, file, head, error, None)
            continue
        read, raw = _format(file.path), file.path.read_bytes()
        try:
            with landing.no_garbage_collection():
                message = read.parse(raw, encoding)
        except UnusableFile as error:
            accounting.reject_file(extracted, delivery, file, raw, error, read.count)
            continue
        added |= message.added
        for table, rows in (("statements", message.statements), ("entries", message.entries)):
            extracted.add(table, landing.to_table(rows, SCHEMAS[table], delivery.known_at, file.extract_id))
        extracted.rejects += [accounting.reject(delivery, file, rejected) for rejected in message.rejected]
        extracted.totals += accounting.totals(delivery, file, raw, read.count)
    return extracted
