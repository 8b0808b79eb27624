"""Travel-rule messages: IVMS101 payloads in an envelope that names the transfer, in JSON and JSON-lines files.

An extract is one file. A file lying outside a delivery folder was known at the newest time a message in it gives.
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import dlt
from dlt.extract import DltResource

from ingestion import bounded, control_totals, landing, rejects
from ingestion.deliveries import DeliveredFile, Delivery, not_yet_loaded
from ingestion.pipeline import completed_extracts
from ingestion.travel_rule import count
from ingestion.travel_rule.parse import MESSAGES, PERSONS, Read, read

FEED = "travel_rule"
PATTERNS = {"*.json": "messages", "*.jsonl": "messages", "*.ndjson": "messages"}
SCHEMAS = {"messages": MESSAGES, "persons": PERSONS}


@dlt.source(name=FEED, section=FEED)
def travel_rule_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The new message files below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    found = landing.find(bucket_url, PATTERNS, _known_at, start=start, end=end)
    new = landing.pairs(not_yet_loaded(found, completed_extracts(FEED))) if found else []
    added: set[str] = set()
    return landing.resources(FEED, SCHEMAS, bool(new), lambda: _extract(new, added), added_fields=added)


def _known_at(path: Path) -> datetime:
    return landing.newest_moment(_content(path))


def _content(path: Path) -> bytes:
    return bounded.lines(path) if _is_lines(path) else bounded.document(path)


def _is_lines(path: Path) -> bool:
    return path.suffix != ".json"


def _extract(new: list[tuple[Delivery, DeliveredFile]], added: set[str]) -> landing.Extracted:
    extracted = landing.Extracted()
    for delivery, file in new:
        raw, is_lines = _content(file.path), _is_lines(file.path)
        messages, persons = [], []
        number = person_number = 0
        with landing.no_garbage_collection():
            for number, record in enumerate(read(raw, is_lines), 1):
                added |= record.added
                if record.problem is None:
                    messages.append({**record.message, "_record_no": number})
                    for person in record.persons:
                        person_number += 1
                        persons.append({**person, "_record_no": person_number})
                else:
                    person_number = _reject(extracted, delivery, file, number, person_number, record)
        for table, rows in (("messages", messages), ("persons", persons)):
            extracted.add(table, landing.to_table(rows, SCHEMAS[table], delivery.known_at, file.extract_id))
        extracted.totals += _totals(delivery, file, raw, is_lines)
    return extracted


def _reject(
    extracted: landing.Extracted, delivery: Delivery, file: DeliveredFile, number: int, last_person: int, record: Read
) -> int:
    """Rejects the message and everybody in it; returns the number of the last person of the file so far."""
    _add_reject(extracted, delivery, file, "messages", number, record, record.text)
    named = count.persons(record.source)
    for person in range(last_person + 1, last_person + named + 1):
        where = f'{{"in_message_record_no": {number}}}'
        _add_reject(extracted, delivery, file, "persons", person, record, where)
    return last_person + named


def _add_reject(
    extracted: landing.Extracted,
    delivery: Delivery,
    file: DeliveredFile,
    table: str,
    number: int,
    record: Read,
    text: str,
) -> None:
    extracted.rejects.append(
        rejects.row(
            feed_code=FEED,
            table_name=table,
            extract_id=file.extract_id,
            record_no=number,
            reason_code=record.problem.code,
            reason=str(record.problem),
            raw_record=text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode(),
            first_seen_at=delivery.known_at,
            event_date=delivery.business_date,
            record_hash=count.share(record.source),
        )
    )


def _totals(delivery: Delivery, file: DeliveredFile, raw: bytes, is_lines: bool) -> list[dict]:
    """The manifest's totals; what it says nothing of, table or hash, as the patterns count it."""
    stated = [] if file.manifest_totals is None else control_totals.from_manifest(FEED, delivery, file)
    named = {total["table_name"] for total in stated}
    rows = {"messages": len(count.messages(raw, is_lines)), "persons": count.persons(raw)}
    digests = count.digests(raw, is_lines)
    counted = [
        control_totals.row(
            extract_id=file.extract_id,
            feed_code=FEED,
            table_name=table,
            source_rows=rows[table],
            source_hash=digests[table],
            captured_by="independent_count",
            source_uri=file.uri,
            known_at=delivery.known_at,
        )
        for table in rows
    ]
    more = [total for total in counted if total["table_name"] not in named]
    return control_totals.with_hashes(stated, counted) + more
