"""Customers and their accounts, with their later changes: a change is a further row, nothing is overwritten."""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.kyc.parse import TABLES

FEED = "kyc"


@dlt.source(name=FEED, section=FEED)
def kyc_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The new KYC deliveries below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    return canonical.resources(FEED, TABLES, bucket_url, start, end)
