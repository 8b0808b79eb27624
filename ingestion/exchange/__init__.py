"""The exchange's own ledger: deposits, withdrawals, internal transfers, trades, and the addresses it assigned."""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.exchange.parse import TABLES

FEED = "exchange"


@dlt.source(name=FEED, section=FEED)
def exchange_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The ledger's new deliveries below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    return canonical.resources(FEED, TABLES, bucket_url, start, end)
