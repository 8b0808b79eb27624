"""Listings of case systems as rows of `cases.records`: only the versions nobody has landed yet, each known when its
vendor says it was last changed.

An extract is what one list said that is new; its id is made of that, so that the same answers give the same id.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import duckdb
import pyarrow as pa

from ingestion import control_totals, pipeline, records, rejects
from ingestion.cases.parse import RECORDS
from ingestion.cases.wire import Listing, Unusable, digest
from ingestion.landing import Extracted

FEED = "cases"


def land(listings: Iterable[Listing]) -> Extracted:
    """The new versions of all lists, with what each list has to account for."""
    extracted = Extracted()
    for listing in listings:
        _land(listing, _known(listing), extracted)
    return extracted


def _known(listing: Listing) -> set[str]:
    """Fingerprints of the versions that a completed load brought in."""
    if not pipeline.completed_extracts(FEED):
        return set()
    completed = "_dlt_load_id in (select load_id from raw_cases._dlt_loads where status = 0)"
    try:
        with pipeline.warehouse() as connection:
            rows = connection.execute(
                "select md5(answer_json) from raw_cases.records "  # noqa: S608 (the text above)
                f"where vendor_code = ? and record_type_code = ? and {completed} "
                f"union select md5(raw_record) from raw_cases.rejects where extract_id like ? and {completed}",
                [listing.vendor_code, listing.record_type_code, f"{_uri(listing)}:%"],
            ).fetchall()
    except duckdb.CatalogException:  # loaded before this feed had the table
        return set()
    return {fingerprint for (fingerprint,) in rows}


def _land(listing: Listing, known: set[str], extracted: Extracted) -> None:
    new: dict[str, tuple[str, dict]] = {}
    for text, record in listing.records:
        if (fingerprint := digest(text)) not in known:
            new.setdefault(fingerprint, (text, record))
    if not new:
        return
    identity = hashlib.sha256("\n".join(sorted(new)).encode()).hexdigest()[:16]
    extract_id = f"{_uri(listing)}:{identity}"
    rows, refused = [], []
    for number, (text, record) in enumerate(new.values(), 1):
        try:
            if not isinstance(record, dict):
                raise Unusable("invalid_record", "the record is no object")
            row = listing.read(record, listing.answered_at)
        except Unusable as problem:
            refused.append((number, problem, text))
            continue
        rows.append(
            row
            | {
                "vendor_code": listing.vendor_code,
                "record_type_code": listing.record_type_code,
                "answer_json": text,
                "_known_at": row["updated_at"],
                "_extract_id": extract_id,
                "_record_no": number,
            }
        )
    known_at = max([row["updated_at"] for row in rows], default=listing.answered_at)
    extracted.add(RECORDS.name, pa.Table.from_pylist(rows, schema=records.raw_schema(RECORDS.schema)))
    # What came and was known before, or came twice, is no record of this extract.
    source_rows = listing.wire_rows - (len(listing.records) - len(new))
    extracted.totals.append(_total(listing, extract_id, source_rows, known_at))
    extracted.rejects += [_reject(extract_id, *one, known_at) for one in refused]


def _uri(listing: Listing) -> str:
    return listing.vendor_code + listing.endpoint


def _total(listing: Listing, extract_id: str, source_rows: int, known_at: datetime) -> dict:
    return control_totals.row(
        extract_id=extract_id,
        feed_code=FEED,
        table_name=RECORDS.name,
        source_rows=source_rows,
        captured_by=listing.captured_by,
        source_uri=_uri(listing),
        known_at=known_at,
    )


def _reject(extract_id: str, number: int, problem: Unusable, text: str, known_at: datetime) -> dict:
    return rejects.row(
        feed_code=FEED,
        table_name=RECORDS.name,
        extract_id=extract_id,
        record_no=number,
        reason_code=problem.code,
        reason=str(problem),
        raw_record=text,
        first_seen_at=known_at,
    )
