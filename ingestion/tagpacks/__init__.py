"""GraphSense TagPacks: who an address is attributed to, by whom, on what ground and how surely.

An extract is one pack. A pack lying outside a delivery folder was known on its newest `lastmod`; one without any was
always known.
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import dlt
from dlt.extract import DltResource

from ingestion import bounded, control_totals, landing, rejects
from ingestion.deliveries import DeliveredFile, Delivery, not_yet_loaded
from ingestion.pipeline import completed_extracts
from ingestion.tagpacks import count
from ingestion.tagpacks.parse import TAGS, Rejected, UnusablePack, parse

FEED = "tagpacks"
PATTERNS = {f"{folder}*.{suffix}": "tags" for folder in ("", "**/") for suffix in ("yaml", "yml")}


@dlt.source(name=FEED, section=FEED)
def tagpacks_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The new packs below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    found = landing.find(bucket_url, PATTERNS, _last_modified, start=start, end=end)
    new = landing.pairs(not_yet_loaded(found, completed_extracts(FEED))) if found else []
    added: set[str] = set()
    return landing.resources(FEED, {"tags": TAGS}, bool(new), lambda: _extract(new, added), added_fields=added)


def _last_modified(path: Path) -> datetime:
    day = count.newest_lastmod(bounded.document(path))
    try:
        return datetime.fromisoformat(day) if day else landing.ALWAYS_KNOWN
    except ValueError:
        return landing.ALWAYS_KNOWN


def _extract(new: list[tuple[Delivery, DeliveredFile]], added: set[str]) -> landing.Extracted:
    extracted = landing.Extracted()
    for delivery, file in new:
        raw = bounded.document(file.path)
        addresses = count.tags(raw)
        announced = sum(total.rows for total in file.manifest_totals or ())
        try:
            with landing.no_garbage_collection():
                pack = parse(raw, file.uri)
        except UnusablePack as error:
            # One reject per tag the pack should have brought, at least one: the pack itself
            addresses = addresses or [""]
            tags = len(addresses) if file.manifest_totals is None else announced
            shown = raw[:2_000].decode("utf-8", "backslashreplace")
            known = addresses if tags == len(addresses) else [None] * tags
            rejected = [Rejected(number, error.code, str(error), shown, own) for number, own in enumerate(known, 1)]
        else:
            extracted.add("tags", landing.to_table(pack.tags, TAGS, delivery.known_at, file.extract_id))
            rejected = pack.rejected
            added |= pack.added
        extracted.rejects += [_reject(delivery, file, one) for one in rejected]
        counted = [_counted(delivery, file, addresses)]
        extracted.totals += (
            counted
            if file.manifest_totals is None
            else control_totals.with_hashes(control_totals.from_manifest(FEED, delivery, file), counted)
        )
    return extracted


def _counted(delivery: Delivery, file: DeliveredFile, addresses: list[str | None]) -> dict:
    return control_totals.row(
        extract_id=file.extract_id,
        feed_code=FEED,
        table_name="tags",
        source_rows=len(addresses),
        source_hash=count.digest(addresses),
        captured_by="independent_count",
        source_uri=file.uri,
        known_at=delivery.known_at,
    )


def _reject(delivery: Delivery, file: DeliveredFile, rejected: Rejected) -> dict:
    return rejects.row(
        feed_code=FEED,
        table_name="tags",
        extract_id=file.extract_id,
        record_no=rejected.record_no,
        reason_code=rejected.code,
        reason=rejected.reason,
        raw_record=rejected.raw.replace("\0", "\\x00"),
        first_seen_at=delivery.known_at,
        record_hash=count.digest([rejected.address]),
    )
