"""TRM Labs: counterparty addresses screened, crypto movements monitored, the vendor's alerts.

Belongs here: the feed's dlt source. Requests are in `screening`, records in `parse`, shapes in `schemas`.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import ledger, pipeline
from ingestion.contract import changed
from ingestion.landing import Extracted, resources
from ingestion.trm import alerts, screening
from ingestion.trm.schemas import FEED, TABLES
from ingestion.vendor import Refusal, VendorError

__all__ = ["TABLES", "VendorError", "trm_source"]

logger = logging.getLogger(__name__)


@dlt.source(name=FEED, section=FEED)
def trm_source(
    api_url: str | None = None,
    api_key: TSecretStrValue | None = None,
    poll_seconds: float = 45.0,
    attempts: int = 7,
    overlap_days: float = 2.0,
    compare_count: bool = True,
    progress: Any = None,
) -> Iterable[DltResource]:
    """Screens the ledger's counterparties and crypto movements with TRM Labs and lands the answers in raw_trm.

    `api_url`: `https://api.trmlabs.com` at the real vendor; None = not configured: nothing is asked and the tables are
    created empty. What is asked about comes from `raw_exchange`, which is loaded first. `poll_seconds`: how long newly
    registered transfers are waited for before they land as processing. `attempts`: tries of one request.
    `overlap_days`: how far before the newest landed alert the list is read again, for what the vendor committed late.
    `compare_count`: whether the vendor's own count of transfers is the control total; off for an account in which other
    systems register transfers too. `progress(stage, done, total)` is called now and then.

    Everything of one run is asked before anything lands, and lands in one load package. Raises VendorError, with what
    to do, when the vendor cannot be used or changed its contract, and VendorUnavailable when it does not serve.
    """
    if not api_url:
        logger.info("trm is not configured (SOURCES__TRM__API_URL): its tables stay empty")
        return resources(FEED, TABLES, False, Extracted)
    found, extracted = ledger.movements(), Extracted()
    completed, progress = pipeline.completed_extracts(FEED), progress or (lambda stage, done, total: None)
    with screening.client(api_url, api_key, attempts) as vendor:
        try:
            readings = [
                screening.screen_addresses(vendor, screening.addresses_to_screen(found), progress),
                screening.monitor_transfers(vendor, found, poll_seconds, compare_count, progress),
                alerts.read(vendor, timedelta(days=overlap_days)),
            ]
        except Refusal as refusal:
            raise VendorError(
                f"TRM Labs at {api_url} refused what this loader needs (HTTP {refusal.status}: {refusal.message}). "
                "SOURCES__TRM__API_URL must be https://api.trmlabs.com or an address that serves the same paths."
            ) from None
    for reading in readings:
        if why := reading.drift:
            raise changed(why, f"TRM Labs at {api_url}")
        reading.into(extracted, TABLES, completed)
    return resources(FEED, TABLES, bool(extracted.totals), lambda: extracted)
