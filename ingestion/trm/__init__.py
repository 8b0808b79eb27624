"""TRM Labs: counterparty addresses screened, crypto movements monitored, the vendor's alerts.

Belongs here: the feed's dlt source. Requests are in `screening`, records in `parse`, shapes in `schemas`.
"""

import logging
from collections.abc import Iterable
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import ledger, pipeline
from ingestion.landing import Extracted, resources
from ingestion.trm import screening
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
    progress: Any = None,
) -> Iterable[DltResource]:
    """Screens the ledger's counterparties and crypto movements with TRM Labs and lands the answers in raw_trm.

    `api_url`: `https://api.trmlabs.com` at the real vendor; None = not configured: nothing is asked and the tables are
    created empty. What is asked about comes from `raw_exchange`, which is loaded first. `poll_seconds`: how long newly
    registered transfers are waited for before they land as processing. `attempts`: tries of one request.
    `progress(stage, done, total)` is called now and then.

    Everything of one run is asked before anything lands, and lands in one load package. Raises VendorError, with what
    to do, when the vendor cannot be used, and VendorUnavailable when it does not serve.
    """
    if not api_url:
        logger.info("trm is not configured (SOURCES__TRM__API_URL): its tables stay empty")
        return resources(FEED, TABLES, False, Extracted)
    extracted = _ask(api_url, api_key, poll_seconds, attempts, progress or (lambda stage, done, total: None))
    return resources(FEED, TABLES, bool(extracted.totals), lambda: extracted)


def _ask(api_url: str, api_key: str | None, poll_seconds: float, attempts: int, progress: Any) -> Extracted:
    found, extracted = ledger.movements(), Extracted()
    completed = pipeline.completed_extracts(FEED)
    with screening.client(api_url, api_key, attempts) as vendor:
        try:
            readings = [
                screening.screen_addresses(vendor, screening.addresses_to_screen(found), progress),
                screening.monitor_transfers(vendor, found, poll_seconds, progress),
                screening.read_alerts(vendor),
            ]
        except Refusal as refusal:
            raise VendorError(
                f"TRM Labs at {api_url} refused what this loader needs (HTTP {refusal.status}: {refusal.message}). "
                "SOURCES__TRM__API_URL must be https://api.trmlabs.com or an address that serves the same paths."
            ) from None
    for reading in readings:
        reading.into(extracted, TABLES, completed)
    return extracted
