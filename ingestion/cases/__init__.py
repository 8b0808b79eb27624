"""Investigators' decisions on alerts, out of the case system; a later decision is a further row."""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.cases.parse import TABLES

FEED = "cases"


@dlt.source(name=FEED, section=FEED)
def cases_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The new case deliveries below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    return canonical.resources(FEED, TABLES, bucket_url, start, end)
