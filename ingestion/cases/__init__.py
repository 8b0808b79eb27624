"""Investigators' decisions on alerts, out of the case system; a later decision is a further row.

Belongs here: the feed's dlt source. Files come in the documented format; Marble and Unit21 are asked for what they
list.
"""

from collections.abc import Iterable, Iterator
from datetime import date

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.cases import marble, unit21
from ingestion.cases.landing import land
from ingestion.cases.parse import TABLES
from ingestion.cases.wire import Listing
from ingestion.vendor import Refusal, VendorError

FEED = "cases"


@dlt.source(name=FEED, section=FEED)
def cases_source(
    bucket_url: str | None = None,
    start: date | None = None,
    end: date | None = None,
    marble_base_url: str | None = None,
    marble_api_key: TSecretStrValue | None = None,
    unit21_base_url: str | None = None,
    unit21_api_key: TSecretStrValue | None = None,
) -> Iterable[DltResource]:
    """The new case deliveries below `bucket_url`, whose business date lies in the half-open window [start, end), and
    what Marble (`https://api.checkmarble.com`) and Unit21 (`https://api.unit21.com/v1`) say that is new. A system
    whose URL is not set is not asked. Raises VendorError, with what to do, when a system cannot be used."""
    listings = _listings((marble, marble_base_url, marble_api_key), (unit21, unit21_base_url, unit21_api_key))
    added: set[str] = set()
    return canonical.resources(FEED, TABLES, bucket_url, start, end, beside=land(listings, added), added_fields=added)


def _listings(*systems: tuple) -> Iterator[Listing]:
    for module, url, api_key in systems:
        if not url:
            continue
        name = module.VENDOR.upper()
        if not api_key:
            setting = f"SOURCES__CASES__{name}"
            raise VendorError(f"{setting}_BASE_URL is set without {setting}_API_KEY: set both.")
        try:
            yield from module.listings(url, api_key)
        except Refusal as refusal:
            raise VendorError(
                f"{name} refused a list (HTTP {refusal.status}: {refusal.message}): see whether "
                f"SOURCES__CASES__{name}_BASE_URL is the base of its API and the key may read."
            ) from None
