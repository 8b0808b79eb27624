"""Watchlists: OFAC, United Nations, European Union, United Kingdom and OpenSanctions, in one set of raw tables.

An extract is one publication (or one set of changes), landed whole; what was added, removed or changed between two is
found downstream. Each list has one place it comes from: a folder of publications, or its publisher's address.
"""

import logging
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import control_totals, landing, rejects
from ingestion.deliveries import Oversized, Total
from ingestion.pipeline import completed_extracts
from ingestion.vendor import Refusal, VendorError, VendorUnavailable
from ingestion.watchlists import places
from ingestion.watchlists.contract import CONTRACTS
from ingestion.watchlists.formats import FORMATS
from ingestion.watchlists.model import SCHEMAS, Rejected, UnusablePublication, share
from ingestion.watchlists.places import Published
from ingestion.watchlists.spool import Spool

FEED = "watchlists"
log = logging.getLogger(__name__)
_LICENCE = (
    "OpenSanctions is switched on: its data is licensed CC BY-NC 4.0, which commercial use is not part of. "
    "A business needs a licence of OpenSanctions (opensanctions.org/licensing)."
)


@dlt.source(name=FEED, section=FEED)
def watchlists_source(
    ofac_sdn_url: str | None = None,
    un_sc_url: str | None = None,
    eu_fsf_url: str | None = None,
    uk_sl_url: str | None = None,
    opensanctions_url: str | None = None,
    eu_fsf_token: TSecretStrValue | None = None,
    retry_seconds: float = 5.0,
    start: date | None = None,
    end: date | None = None,
) -> Iterable[DltResource]:
    """The new publications of each list that has a place: a folder, or an address (http, https) whose current
    publication is fetched if it has changed. `start` and `end` keep publication dates of a half-open window, in
    folders.
    `retry_seconds` is waited before the second try of a fetch, then twice as long, and so on.

    A publisher that does not answer does not stop the other lists: its last publication stays, and the source's
    `unread` says which list and why, which makes the feed stale. Raises VendorUnavailable when no list could be read
    at all."""
    lists = {
        "ofac_sdn": ofac_sdn_url,
        "un_sc": un_sc_url,
        "eu_fsf": eu_fsf_url,
        "uk_sl": uk_sl_url,
        "opensanctions": opensanctions_url,
    }
    wanted = {code: location for code, location in lists.items() if location}
    done = completed_extracts(FEED)
    if opensanctions_url:
        log.warning(_LICENCE)
    folders = [
        published
        for code, location in wanted.items()
        if not places.is_address(location)
        for published in places.in_folder(code, location, done, start, end)
    ]
    asked = {code: location for code, location in wanted.items() if places.is_address(location)}
    unread: dict[str, str] = {}
    added: set[str] = set()

    def extract() -> landing.Extracted:
        extracted = landing.Extracted()
        extracted.tables |= {table: Spool(table) for table in SCHEMAS}
        for published in folders:
            _land(extracted, published, added)
        with tempfile.TemporaryDirectory(prefix="watchlists-") as folder:
            for code, location in asked.items():
                try:
                    target = Path(folder) / code
                    target.mkdir()
                    token = eu_fsf_token if code == "eu_fsf" else None
                    for published in _fetched(code, location, done, target, token, retry_seconds):
                        _land(extracted, published, added)
                except (VendorError, Refusal, UnusablePublication) as error:
                    unread[code] = f"{error} Its last publication stays in force."
                    log.error("%s: %s", code, unread[code])
        if unread and len(unread) == len(wanted):
            raise VendorUnavailable(" ".join(unread.values()))
        return extracted

    return landing.resources(FEED, SCHEMAS, bool(folders or asked), extract, added_fields=added, unread=unread)


def _fetched(
    code: str, location: str, done: set[str], folder: Path, token: str | None, first_delay: float
) -> Iterator[Published]:
    if code == "opensanctions":
        yield from places.opensanctions(location, done, folder, first_delay=first_delay)
        return
    state = dlt.current.source_state(FEED).setdefault("validators", {})
    published = places.at_address(code, location, done, state, folder, token=token, first_delay=first_delay)
    if published:
        yield published


def _land(extracted: landing.Extracted, published: Published, added: set[str]) -> None:
    """Counts the publication on a path of its own, then reads it. One that cannot be used is rejected whole; names in
    it that nobody knows go into `added`. Raises VendorError where a name is gone that its publisher promised."""
    form, numbers = FORMATS[published.format_code], Counter()
    try:
        counted = form.count(published.files)
    except (UnusablePublication, Oversized) as error:
        names = ", ".join(published.files)
        problem = error.problem if isinstance(error, Oversized) else error  # where the file lay is not worth keeping
        reason = f"the publication cannot be used: {problem}"
        _reject(extracted, published, Rejected("entries", "unusable_publication", reason, names), 1)
        _total(extracted, published, "entries", 1, share(""), "independent_count")
        return
    if counted.totals["entries"] and (contract := CONTRACTS.get(published.format_code)):
        added |= contract.hold(published.format_code, counted.names)
    common = {
        "list_code": published.list_code,
        "format_code": published.format_code,
        "published_at": published.published_at,
    }
    for found in form.parse(published.files):
        table = found.table if isinstance(found, Rejected) else found[0]
        numbers[table] += 1
        if isinstance(found, Rejected):
            _reject(extracted, published, found, numbers[table])
        else:
            row = {**found[1], **common, "_record_no": numbers[table]}
            extracted.tables[table].add(row, published.known_at, published.extract_id)
    stated: dict[str, list[Total]] = defaultdict(list)
    for total in published.stated:
        stated[total.table].append(total)
    for table in SCHEMAS:
        rows, digest, captured_by = counted.totals[table], counted.digests[table], "independent_count"
        if found := stated.get(table):
            rows, captured_by = sum(total.rows for total in found), "manifest"
            digest = digest if any(total.hash is None for total in found) else sum(total.hash for total in found)
        _total(extracted, published, table, rows, digest, captured_by)


def _total(
    extracted: landing.Extracted, published: Published, table: str, rows: int, digest: int, captured_by: str
) -> None:
    extracted.totals.append(
        control_totals.row(
            extract_id=published.extract_id,
            feed_code=FEED,
            table_name=table,
            source_rows=rows,
            source_hash=digest,
            captured_by=captured_by,
            source_uri=published.source_uri,
            known_at=published.known_at,
            event_date=published.published_at.date(),
        )
    )


def _reject(extracted: landing.Extracted, published: Published, rejected: Rejected, record_no: int) -> None:
    extracted.rejects.append(
        rejects.row(
            feed_code=FEED,
            table_name=rejected.table,
            extract_id=published.extract_id,
            record_no=record_no,
            reason_code=rejected.code,
            reason=rejected.reason,
            raw_record=rejected.raw,
            first_seen_at=published.known_at,
            event_date=published.published_at.date(),
            record_hash=share(rejected.entry_id),
        )
    )
