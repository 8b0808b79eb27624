"""Elliptic: counterparty addresses and crypto movements analysed, and what the vendor screened again since.

Belongs here: the feed's dlt source. Requests are in `screening`, their signature in `signing`, records in `parse`,
shapes in `schemas`.
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
from ingestion.elliptic import screening
from ingestion.elliptic.schemas import FEED, TABLES
from ingestion.landing import Extracted, resources
from ingestion.vendor import Refusal, VendorError

__all__ = ["TABLES", "VendorError", "elliptic_source"]

logger = logging.getLogger(__name__)


@dlt.source(name=FEED, section=FEED)
def elliptic_source(
    api_url: str | None = None,
    api_key: TSecretStrValue | None = None,
    api_secret: TSecretStrValue | None = None,
    attempts: int = 7,
    overlap_days: float = 2.0,
    progress: Any = None,
) -> Iterable[DltResource]:
    """Analyses the ledger's counterparties and crypto movements with Elliptic and lands the answers in raw_elliptic.

    `api_url`: `https://aml-api.elliptic.co/v2` at the real vendor; None = not configured: nothing is asked and the
    tables are created empty. `api_secret` is base64, as the vendor gives it. What is asked about comes from
    `raw_exchange`, which is loaded first. `attempts`: tries of one request. `overlap_days`: how far before the newest
    landed analysis the lists are read again, for what the vendor committed late. `progress(stage, done, total)` is
    called now and then.

    Everything of one run is asked before anything lands, and lands in one load package. Raises VendorError, with what
    to do, when the vendor cannot be used or changed its contract, and VendorUnavailable when it does not serve.
    """
    if not api_url:
        logger.info("elliptic is not configured (SOURCES__ELLIPTIC__API_URL): its tables stay empty")
        return resources(FEED, TABLES, False, Extracted)
    extracted, completed = Extracted(), pipeline.completed_extracts(FEED)
    with screening.client(api_url, api_key, api_secret, attempts) as vendor:
        try:
            overlap, progress = timedelta(days=overlap_days), progress or (lambda stage, done, total: None)
            readings = screening.Screening(vendor, ledger.movements(), overlap, progress).run()
        except Refusal as refusal:
            raise VendorError(
                f"Elliptic at {api_url} refused what this loader needs (HTTP {refusal.status}: {refusal.message}). "
                "SOURCES__ELLIPTIC__API_URL must be https://aml-api.elliptic.co/v2 or serve the same paths."
            ) from None
    for reading in readings:
        if why := reading.drift:
            raise changed(why, f"Elliptic at {api_url}")
        reading.into(extracted, TABLES, completed)
    return resources(FEED, TABLES, bool(extracted.totals), lambda: extracted)
