"""Listings of case systems as rows of `cases.records`: only the versions nobody has landed yet, each known when its
vendor says it was last changed.

An extract is what one list said that is new of one UTC day of knowledge, so that a look-back to the end of a day sees
whole extracts; its id is made of that, so that the same answers give the same id.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter

import duckdb
import pyarrow as pa

from ingestion import control_totals, pipeline, records, rejects
from ingestion.cases.parse import RECORDS
from ingestion.cases.wire import Listing, Unusable, digest
from ingestion.contract import hold_records
from ingestion.landing import Extracted

FEED = "cases"


@dataclass
class _Known:
    """What completed loads brought of a list: fingerprints of its versions, and when the newest of each record became
    known."""

    fingerprints: set[str] = field(default_factory=set)
    newest: dict[str, datetime] = field(default_factory=dict)


@dataclass
class _Day:
    """What became known on one day: (fingerprint, row) and (fingerprint, problem, text, share of the hash); `digest` is
    the sum of all shares."""

    rows: list[tuple[str, dict]] = field(default_factory=list)
    refused: list[tuple[str, Unusable, str, int]] = field(default_factory=list)
    digest: int = 0


def land(listings: Iterable[Listing], added: set[str]) -> Extracted:
    """The new versions of all lists, with what each list has to account for; `added` takes the members of records that
    nobody knows. Raises VendorError where most records of a list are not what its contract says."""
    extracted = Extracted()
    for listing in listings:
        days = _new(listing, _known(listing))
        added |= listing.added
        # More or fewer on the wire than were read belongs to some day: the last one shows it.
        difference = listing.wire_rows - len(listing.records)
        for day in sorted(days):
            _land(listing, day, days[day], difference if day == max(days) else 0, extracted)
    return extracted


def _known(listing: Listing) -> _Known:
    if not pipeline.has_loaded(FEED):
        return _Known()
    completed = "_dlt_load_id in (select load_id from raw_cases._dlt_loads where status = 0)"
    standing = f"{completed} and {pipeline.stands(FEED)}"
    try:
        with pipeline.warehouse() as connection:
            landed = connection.execute(
                "select md5(answer_json), record_id, _known_at from raw_cases.records "  # noqa: S608 (the text above)
                f"where vendor_code = ? and record_type_code = ? and answer_json is not null and {completed}",
                [listing.vendor_code, listing.record_type_code],
            ).fetchall()
            refused = connection.execute(
                f"select md5(raw_record) from raw_cases.rejects where starts_with(extract_id, ?) and {standing}",  # noqa: S608 (as above)
                [f"{_uri(listing)}/"],
            ).fetchall()
    except duckdb.CatalogException:  # loaded before this feed had the table
        return _Known()
    known = _Known({fingerprint for (fingerprint,) in refused})
    for fingerprint, record_id, known_at in landed:
        known.fingerprints.add(fingerprint)
        known.newest[record_id] = max(known.newest.get(record_id, known_at), known_at)
    return known


def _new(listing: Listing, known: _Known) -> dict[date, _Day]:
    days: dict[date, _Day] = defaultdict(_Day)
    seen, usable, unusable = set(known.fingerprints), 0, []
    for text, record in listing.records:
        fingerprint = digest(text)
        if fingerprint in seen:
            usable += 1
            continue
        seen.add(fingerprint)
        share = listing.share(record)
        try:
            row = listing.row(record)
        except Unusable as problem:
            day = days[listing.answered_at.date()]
            day.refused.append((fingerprint, problem, text, share))
            day.digest += share
            unusable.append(str(problem))
            continue
        usable += 1
        known_at = row["updated_at"]
        if (newest := known.newest.get(row["record_id"])) and known_at <= newest:
            # Changed without a later time of change: it was known when the vendor answered so
            known_at = max(listing.answered_at, newest)
        own = {"vendor_code": listing.vendor_code, "record_type_code": listing.record_type_code, "answer_json": text}
        days[known_at.date()].rows.append((fingerprint, row | own | {"_known_at": known_at}))
        days[known_at.date()].digest += share
    hold_records(f"records of {_uri(listing)}", usable, unusable)
    return days


def _land(listing: Listing, day: date, found: _Day, difference: int, extracted: Extracted) -> None:
    fingerprints = sorted(fingerprint for fingerprint, *_ in [*found.rows, *found.refused])
    identity = hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()[:16]
    extract_id = f"{_uri(listing)}/{day}:{identity}"
    # Not as the pages happened to come, and the same whether a record can be used or not.
    numbers = {fingerprint: number for number, fingerprint in enumerate(fingerprints, 1)}
    ordered = sorted(found.rows, key=itemgetter(0))
    rows = [row | {"_extract_id": extract_id, "_record_no": numbers[one]} for one, row in ordered]
    known_at = max([row["_known_at"] for row in rows] + [listing.answered_at] * bool(found.refused))
    extracted.add(RECORDS.name, pa.Table.from_pylist(rows, schema=records.raw_schema(RECORDS.schema)))
    counted = max(len(fingerprints) + difference, 0)
    extracted.totals.append(_total(listing, extract_id, counted, found.digest, known_at))
    extracted.rejects += [
        _reject(extract_id, numbers[one], problem, text, share, known_at)
        for one, problem, text, share in sorted(found.refused, key=itemgetter(0))
    ]


def _uri(listing: Listing) -> str:
    return listing.vendor_code + listing.endpoint


def _total(listing: Listing, extract_id: str, source_rows: int, source_hash: int, known_at: datetime) -> dict:
    return control_totals.row(
        extract_id=extract_id,
        feed_code=FEED,
        table_name=RECORDS.name,
        source_rows=source_rows,
        source_hash=source_hash,
        captured_by=listing.captured_by,
        source_uri=_uri(listing),
        known_at=known_at,
    )


def _reject(extract_id: str, number: int, problem: Unusable, text: str, share: int, known_at: datetime) -> dict:
    return rejects.row(
        feed_code=FEED,
        table_name=RECORDS.name,
        extract_id=extract_id,
        record_no=number,
        reason_code=problem.code,
        reason=str(problem),
        raw_record=text,
        first_seen_at=known_at,
        record_hash=share,
    )
