"""OFAC's list of specially designated nationals, as published in CSV.

An extract is one publication, landed whole; what was added, removed or changed between two is found downstream.
Publications lie in folders named after their date, or the current one is fetched from the list service.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import dlt
from dlt.extract import DltResource

from ingestion import control_totals, landing, rejects
from ingestion.deliveries import Delivery, DeliveryError, Total, deliveries
from ingestion.ofac.count import count
from ingestion.ofac.fetch import fetch
from ingestion.ofac.parse import COMMENTS, FILES, SCHEMAS, UnusablePublication, parse
from ingestion.pipeline import completed_extracts

FEED = "ofac"
PATTERNS = {
    pattern: table for table, name in (*FILES.items(), ("sdn_entries", COMMENTS)) for pattern in (name, name.upper())
}
_FOLDER = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")


@dataclass
class Published:
    """One publication to land. `source_uri` is the folder below the bucket, or the path it was fetched from."""

    extract_id: str
    source_uri: str
    known_at: datetime
    publication_date: date
    files: Mapping[str, bytes]
    stated: tuple[Total, ...] = ()


@dlt.source(name=FEED, section=FEED)
def ofac_source(
    bucket_url: str | None = None,
    base_url: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Iterable[DltResource]:
    """The new publications below `bucket_url`, in folders named YYYY-MM[-DD] or delivery=YYYY-MM-DD, with publication
    dates in the half-open window [start, end); and the current one at `base_url`, if it has changed."""
    done = completed_extracts(FEED)
    found = deliveries(bucket_url, PATTERNS, start=start, end=end, known_at_from=_published_on)
    new = [(extract_id, d) for d in found if (extract_id := _extract_id(d)) not in done]

    def extract() -> landing.Extracted:
        extracted = landing.Extracted()
        for extract_id, delivery in new:
            _land(extracted, _read(extract_id, delivery))
        if base_url:
            state = dlt.current.source_state(FEED).setdefault("validators", {})
            fetched = fetch(base_url, state)
            if fetched:
                published = _fetched(base_url, fetched.files, fetched.published_at)
                if published.extract_id not in done:
                    _land(extracted, published)
        return extracted

    return landing.resources(FEED, SCHEMAS, bool(new or base_url), extract)


def _published_on(folder: Path) -> datetime:
    match = _FOLDER.fullmatch(folder.name)
    try:
        if match:
            year, month, day = match.groups()
            return datetime(int(year), int(month), int(day or 1))
    except ValueError:
        pass
    raise DeliveryError(f"{folder} does not say when it was published: name the folder YYYY-MM-DD or YYYY-MM.")


def _extract_id(delivery: Delivery) -> str:
    folder = delivery.files[0].uri.rpartition("/")[0] if delivery.files else delivery.delivery_id
    return _identity(folder or delivery.path.name, {file.name: file.extract_id.encode() for file in delivery.files})


def _identity(place: str, parts: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(name.lower().encode() + b"\0" + parts[name] + b"\0")
    return f"{place}:{digest.hexdigest()[:16]}"


def _read(extract_id: str, delivery: Delivery) -> Published:
    files = {file.name.lower(): file.path.read_bytes() for file in delivery.files}
    missing = [name for name in FILES.values() if name not in files]
    if missing:
        raise DeliveryError(f"{delivery.path} lacks {', '.join(missing)}: a publication is loaded whole or not at all.")
    stated = tuple(
        Total(t.event_date, t.asset_code, t.rows, t.amount, t.hash, t.table or file.table)
        for file in delivery.files
        if file.manifest_totals is not None and file.name.lower() != COMMENTS
        for t in file.manifest_totals
    )
    match = _FOLDER.fullmatch(delivery.path.name)
    publication_date = _published_on(delivery.path).date() if match else delivery.business_date
    place = extract_id.rpartition(":")[0]
    return Published(extract_id, place, delivery.known_at, publication_date, files, stated)


def _fetched(base_url: str, files: Mapping[str, bytes], published_at: datetime) -> Published:
    day = published_at.date()
    digests = {name: hashlib.sha256(content).digest() for name, content in files.items()}
    # Without the host: a list service on another port must give the same bytes
    return Published(_identity(f"http/{day}", digests), urlsplit(base_url).path, published_at, day, files)


def _land(extracted: landing.Extracted, published: Published) -> None:
    try:
        publication = parse(published.files)
    except UnusablePublication as error:
        raise DeliveryError(f"{published.source_uri}: {error}.") from error
    for table, rows in publication.rows.items():
        rows = [{**row, "publication_date": published.publication_date} for row in rows]
        extracted.add(table, landing.to_table(rows, SCHEMAS[table], published.known_at, published.extract_id))
    for rejected in publication.rejected:
        extracted.rejects.append(
            rejects.row(
                feed_code=FEED,
                table_name=rejected.table,
                extract_id=published.extract_id,
                record_no=rejected.record_no,
                reason_code=rejected.code,
                reason=rejected.reason,
                raw_record=rejected.raw,
                first_seen_at=published.known_at,
                event_date=published.publication_date,
            )
        )
    stated: dict[str, int] = {}
    for total in published.stated:
        stated[total.table] = stated.get(total.table, 0) + total.rows
    for table, rows in count(published.files).items():
        extracted.totals.append(
            control_totals.row(
                extract_id=published.extract_id,
                feed_code=FEED,
                table_name=table,
                source_rows=stated.get(table, rows),
                captured_by="manifest" if table in stated else "independent_count",
                source_uri=published.source_uri,
                known_at=published.known_at,
                event_date=published.publication_date,
            )
        )
