"""The exchange's own ledger: deposits, withdrawals, internal transfers, trades, and the addresses it assigned.

Belongs here: the feed's dlt source, over canonical files or straight from the ledger's PostgreSQL database.
"""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import canonical
from ingestion.deliveries import DeliveryError
from ingestion.exchange import snapshot
from ingestion.exchange.parse import FEED, TABLES


@dlt.source(name=FEED, section=FEED)
def exchange_source(
    bucket_url: str | None = None,
    credentials: TSecretStrValue | None = None,
    database_schema: str = "public",
    cursor_column: str = "updated_at",
    lag_hours: float = 6.0,
    start: date | None = None,
    end: date | None = None,
) -> Iterable[DltResource]:
    """The ledger's new records, from files or from its database (one of the two).

    `bucket_url`: deliveries of canonical files; those whose business date lies in the half-open window [start, end).
    `credentials`: a PostgreSQL address with user and password; the tables (or views) of `database_schema` are named and
    have columns as the canonical files, and a `cursor_column` that says when a row was last written. Each load reads
    what was written since the newest loaded row less `lag_hours`, and leaves out what is loaded; `end` leaves out what
    was written on that UTC day or later (`start` does not: what a load left out must come with the next).

    Raises DeliveryError when both are set, or files or tables are not as documented, and VendorUnavailable when the
    database does not answer."""
    if not credentials:
        return canonical.resources(FEED, TABLES, bucket_url, start, end)
    if bucket_url:
        raise DeliveryError(
            "exchange: both SOURCES__EXCHANGE__BUCKET_URL and SOURCES__EXCHANGE__CREDENTIALS are set: keep one."
        )
    return snapshot.resources(credentials, database_schema, cursor_column, lag_hours, end)
