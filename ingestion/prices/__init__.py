"""Reference rates: what one unit of an asset was worth in USD on a UTC day, and from an hour of it on."""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.prices.parse import TABLES

FEED = "prices"


@dlt.source(name=FEED, section=FEED)
def prices_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The new rate deliveries below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    return canonical.resources(FEED, TABLES, bucket_url, start, end)
