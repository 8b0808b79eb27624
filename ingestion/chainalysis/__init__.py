"""Chainalysis KYT: each crypto movement at the exchange's boundary registered with the vendor, and what it answers.

Belongs here: the feed's dlt source. Requests are in `client` and `screening`, records in `parse`, rows in `landing`.
"""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import control_totals, pipeline, records, rejects
from ingestion.chainalysis import listed_alerts
from ingestion.chainalysis.client import KytClient
from ingestion.chainalysis.landing import Landing
from ingestion.chainalysis.movements import Account, Key, Movement, accounts, movements, transfers_to_register
from ingestion.chainalysis.parse import Unreadable
from ingestion.chainalysis.schemas import FEED, MOVEMENTS, TABLES
from ingestion.chainalysis.screening import Progress, Screening
from ingestion.vendor import Refusal, VendorError

__all__ = ["MOVEMENTS", "VendorError", "chainalysis_source", "transfers_to_register"]

logger = logging.getLogger(__name__)


@dlt.source(name=FEED, section=FEED)
def chainalysis_source(
    transfers: Any = None,
    api_url: str | None = None,
    api_key: TSecretStrValue | None = None,
    concurrency: int = 32,
    poll_seconds: float = 45.0,
    attempts: int = 7,
    progress: Any = None,
) -> Iterable[DltResource]:
    """Screens crypto movements with Chainalysis KYT and lands the answers in raw_chainalysis.

    `transfers`: what is to be screened, in the shape of `MOVEMENTS` (an Arrow table, or an iterable of tables, batches
    or mappings); None = what `transfers_to_register` finds in the warehouse, so `raw_exchange` is loaded first.
    `api_url`: the KYT base, `https://api.chainalysis.com/api/kyt` at the real vendor; None = this feed is not
    configured, nothing is asked and the tables are created empty. `concurrency` bounds open connections.
    `poll_seconds`: how long a newly registered transfer is waited for before it lands as pending. `attempts`: tries of
    one request. `progress(stage, done, total)` is called now and then.

    Everything of one run is asked before anything lands, and lands in one load package. Movements that need no
    registration (nothing, or only ones pending since an earlier run) are asked about here and now; otherwise the vendor
    is asked when dlt extracts. Raises VendorError, with what to do, when the vendor cannot be used.
    """
    run = Run(transfers, api_url, api_key, concurrency, poll_seconds, attempts, progress or _no_progress)
    has_new = run.has_new()
    for name, schema in TABLES.items():
        yield _resource(name, schema, lambda name=name: [run.landing.table(name)], has_new)
    yield _resource("control_totals", control_totals.SCHEMA, lambda: [run.landing.control_totals()], has_new)
    yield _resource("rejects", rejects.SCHEMA, lambda: [run.landing.rejects()], has_new)


def _resource(name: str, schema: pa.Schema, tables: Any, has_new: bool) -> DltResource:
    # Without anything new no table is asked for, so that an unconfigured feed never meets the vendor.
    return records.resource(name, schema, tables if has_new else lambda: (), has_new=has_new, contract=records.VENDOR)


def _no_progress(stage: str, done: int, total: int) -> None:
    pass


class Run:
    """One screening of the given movements, made once and shared by the feed's resources."""

    def __init__(
        self,
        transfers: pa.Table | Iterable | None,
        api_url: str | None,
        api_key: str | None,
        concurrency: int,
        poll_seconds: float,
        attempts: int,
        progress: Progress,
    ) -> None:
        self._given, self._api_url, self._api_key = transfers, api_url, api_key
        self._concurrency, self._poll_seconds, self._attempts = concurrency, poll_seconds, attempts
        self._progress = progress

    def has_new(self) -> bool:
        if not self._api_url:
            logger.info("chainalysis is not configured (SOURCES__CHAINALYSIS__API_URL): its tables stay empty")
            return False
        if any(movement.external_id is None for movement in self.movements):
            return True
        return not self.landing.is_empty

    @cached_property
    def movements(self) -> list[Movement]:
        if self._given is not None:
            return movements(self._given)
        if not pipeline.warehouse_path().exists():
            return []
        with pipeline.warehouse() as connection:
            return movements(transfers_to_register(connection))

    @cached_property
    def landing(self) -> Landing:
        return _finish(self._screen())

    async def _screen(self) -> Landing:
        try:
            async with KytClient(self._api_url, self._api_key, self._concurrency, self._attempts) as client:
                screening = Screening(
                    client,
                    self.movements,
                    concurrency=self._concurrency,
                    poll_seconds=self._poll_seconds,
                    progress=self._progress,
                )
                outcome = await screening.run()
                listed = await listed_alerts.account_for(client, outcome, _accounts)
        except Refusal as refusal:
            raise VendorError(
                f"Chainalysis KYT at {self._api_url} refused a list this loader needs (HTTP {refusal.status}: "
                f"{refusal.message}). SOURCES__CHAINALYSIS__API_URL must be the KYT base (https://.../api/kyt), "
                "and the key needs access to /v2/categories and /v1/alerts/."
            ) from None
        except Unreadable as problem:
            raise VendorError(
                f"Chainalysis KYT at {self._api_url} answered a list that cannot be read: {problem}"
            ) from None
        landing = Landing(outcome, listed, pipeline.completed_extracts(FEED))
        if outcome.added_members:
            logger.warning(
                "Chainalysis KYT answers have members this loader does not know (kept in answer_json): %s",
                ", ".join(sorted(outcome.added_members)),
            )
        return landing


def _accounts(keys: Collection[Key]) -> dict[Key, Account]:
    if not keys or not pipeline.warehouse_path().exists():
        return {}
    with pipeline.warehouse() as connection:
        return accounts(connection, keys)


def _finish(work: Coroutine[Any, Any, Landing]) -> Landing:
    """The coroutine's result, also where the calling thread already runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()
