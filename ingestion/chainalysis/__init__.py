"""Chainalysis: each crypto movement at the exchange's boundary registered with KYT, pending withdrawals asked about
before they are paid, counterparty addresses screened, and what the vendor answers.

Belongs here: the feed's dlt source. Requests are in `client` and `screening`, records in `parse`, rows in `landing`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import dlt
import duckdb
import pyarrow as pa
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import control_totals, pipeline, records, rejects
from ingestion.chainalysis import listed_alerts, users
from ingestion.chainalysis.addresses import RISK, SANCTIONS, Wanted, risk_vendor, sanctions_vendor, to_screen
from ingestion.chainalysis.addresses import Screened as ScreenedAddresses
from ingestion.chainalysis.attempts import Attempt, ask, pending_withdrawals
from ingestion.chainalysis.client import KytClient
from ingestion.chainalysis.earlier import Earlier
from ingestion.chainalysis.landing import Landing
from ingestion.chainalysis.movements import Movement, movements, transfers_to_register
from ingestion.chainalysis.parse import Unreadable
from ingestion.chainalysis.schemas import ADDRESS_TABLES, FEED, MOVEMENTS, TABLES, USER_TABLES
from ingestion.chainalysis.screening import Progress, Screened, Screening
from ingestion.contract import changed
from ingestion.landing import Extracted
from ingestion.reading import Reading
from ingestion.vendor import Refusal, VendorError

__all__ = ["MOVEMENTS", "VendorError", "chainalysis_source", "transfers_to_register"]

logger = logging.getLogger(__name__)

Found = TypeVar("Found")


@dlt.source(name=FEED, section=FEED)
def chainalysis_source(
    transfers: Any = None,
    api_url: str | None = None,
    api_key: TSecretStrValue | None = None,
    risk_url: str | None = None,
    sanctions_url: str | None = None,
    sanctions_api_key: TSecretStrValue | None = None,
    concurrency: int = 32,
    poll_seconds: float = 45.0,
    attempts: int = 7,
    rescreen_days: float = 7.0,
    network_identifications: bool = False,
    user_lists: bool = False,
    progress: Any = None,
) -> Iterable[DltResource]:
    """Screens crypto movements, pending withdrawals and addresses with Chainalysis into raw_chainalysis.

    `transfers`: what is to be screened, in the shape of `MOVEMENTS` (an Arrow table, or an iterable of tables, batches
    or mappings); None = what the warehouse's ledger holds, so `raw_exchange` is loaded first.
    `api_url`: the KYT base, `https://api.chainalysis.com/api/kyt` at the real vendor; `risk_url`: the base of address
    screening, `https://api.chainalysis.com/api/risk`, with the same key; `sanctions_url`: the free sanctions API,
    `https://public.chainalysis.com`, with `sanctions_api_key`. What is None is off: nothing is asked, its tables are
    there and empty. `concurrency` bounds open connections. `poll_seconds`: how long a newly registered transfer is
    waited for before it lands as pending. `attempts`: tries of one request. `rescreen_days`: how old the answer about
    an address may get before it is asked about again, beside after a movement. `network_identifications`: whether each
    finished transfer and attempt is asked which of the vendor's customers is on its other side. `user_lists`: whether
    the vendor's users, their exposures, transfers and registered addresses (v1) are read. `progress(stage, done,
    total)` is called now and then.

    Everything of one run is asked before anything lands, and lands in one load package. Movements that need no
    registration (nothing, or only ones pending since an earlier run) are asked about here and now; otherwise the vendor
    is asked when dlt extracts. Raises VendorError, with what to do, when the vendor cannot be used, VendorUnavailable
    when it does not serve now.
    """
    run = Run(
        transfers, api_url, api_key, concurrency, poll_seconds, attempts, progress or _no_progress,
        (risk_url, api_key), (sanctions_url, sanctions_api_key), rescreen=timedelta(days=rescreen_days),
        with_networks=network_identifications, with_users=user_lists,
    )  # fmt: skip
    has_new = run.has_new()
    for name, schema in TABLES.items():
        yield _resource(name, schema, lambda name=name: [run.table(name)], has_new, run.added)
    yield _resource("control_totals", control_totals.SCHEMA, lambda: [run.control_totals()], has_new, run.added)
    yield _resource("rejects", rejects.SCHEMA, lambda: [run.rejects()], has_new, run.added)


def _resource(name: str, schema: pa.Schema, tables: Any, has_new: bool, added: set[str]) -> DltResource:
    # Without anything new no table is asked for, so that an unconfigured feed never meets the vendor.
    asked = tables if has_new else lambda: ()
    return records.resource(name, schema, asked, has_new=has_new, contract=records.VENDOR, added_fields=added)


def _no_progress(stage: str, done: int, total: int) -> None:
    pass


class Run:
    """One screening of the given movements, made once and shared by the feed's resources. `risk` and `sanctions` are
    URL and key of the two address products."""

    def __init__(
        self,
        transfers: pa.Table | Iterable | None,
        api_url: str | None,
        api_key: str | None,
        concurrency: int,
        poll_seconds: float,
        attempts: int,
        progress: Progress,
        risk: tuple[str | None, str | None] = (None, None),
        sanctions: tuple[str | None, str | None] = (None, None),
        pending: list[Attempt] | None = None,
        rescreen: timedelta = timedelta(days=7),
        with_networks: bool = False,
        with_users: bool = False,
    ) -> None:
        self._given, self._given_pending, self._api_url, self._api_key = transfers, pending, api_url, api_key
        self._concurrency, self._poll_seconds, self._attempts = concurrency, poll_seconds, attempts
        self._progress, self._risk, self._sanctions, self._rescreen = progress, risk, sanctions, rescreen
        self._with_networks, self._with_users = with_networks, with_users
        self.added: set[str] = set()

    def has_new(self) -> bool:
        if not (self._api_url or self._risk[0] or self._sanctions[0]):
            logger.info("chainalysis is not configured (SOURCES__CHAINALYSIS__API_URL): its tables stay empty")
            return False
        if self._api_url and (self.pending or any(movement.external_id is None for movement in self.movements)):
            return True
        if any(wanted.addresses for wanted in self.addresses.values()):
            return True
        return bool(self._api_url) and not (self.landing.is_empty and self.users is None)

    def table(self, name: str) -> pa.Table:
        if name in ADDRESS_TABLES:
            rows = self.screened_addresses.rows[name]
            return pa.Table.from_pylist(rows, schema=records.raw_schema(ADDRESS_TABLES[name]))
        if name in USER_TABLES:
            found = self.users.tables.get(name) if self.users else None
            return found[0] if found else records.empty(USER_TABLES[name])
        return self.landing.table(name) if self._api_url else records.empty(TABLES[name])

    def control_totals(self) -> pa.Table:
        own = control_totals.to_table(self.screened_addresses.totals + (self.users.totals if self.users else []))
        return pa.concat_tables([self.landing.control_totals(), own]) if self._api_url else own

    def rejects(self) -> pa.Table:
        own = rejects.to_table(self.screened_addresses.rejects + (self.users.rejects if self.users else []))
        return pa.concat_tables([self.landing.rejects(), own]) if self._api_url else own

    @cached_property
    def movements(self) -> list[Movement]:
        if self._given is not None:
            return movements(self._given)
        return self._from_ledger(lambda ledger: movements(transfers_to_register(ledger)), [])

    @cached_property
    def pending(self) -> list[Attempt]:
        if self._given is not None or self._given_pending is not None:
            return self._given_pending or []
        return self._from_ledger(pending_withdrawals, [])

    @staticmethod
    def _asked_again(table: str) -> list[Screened]:
        """Landed transfers whose exposures, or network identifications, a replay asks for again, because nobody could
        read them."""
        return [
            Screened(movement, {"external_id": external_id, "updated_at": updated_at})
            for movement, external_id, updated_at in Earlier().details_again(table)
        ]

    @cached_property
    def addresses(self) -> dict[str, Wanted]:
        """Product -> the addresses to ask it about."""
        on = [product for product, (url, _) in ((RISK, self._risk), (SANCTIONS, self._sanctions)) if url]
        return {
            product.code: self._from_ledger(
                lambda ledger, product=product: to_screen(ledger, product, self._rescreen), Wanted()
            )
            for product in on
        }

    @staticmethod
    def _from_ledger(read: Callable[[duckdb.DuckDBPyConnection], Found], nothing: Found) -> Found:
        if not pipeline.warehouse_path().exists():
            return nothing
        with pipeline.warehouse() as connection:
            return read(connection)

    @cached_property
    def landing(self) -> Landing:
        return _finish(self._screen())

    @cached_property
    def users(self) -> Extracted | None:
        """What the vendor says by user, asked after the movements, which are part of it; None where that is off or
        nothing is new."""
        if not (self._with_users and self._api_url):
            return None
        _ = self.landing
        if self._given is None:
            floor = Earlier().ledger_known_at()
        else:
            floor = max((movement.transfer_at for movement in self.movements), default=None)
        if floor is None:
            return None
        extracted = Extracted()
        _finish(self._read_users(floor)).into(extracted, USER_TABLES, pipeline.completed_extracts(FEED))
        return extracted if extracted.totals else None

    async def _read_users(self, floor: datetime) -> Reading:
        async with KytClient(self._api_url, self._api_key, self._concurrency, self._attempts) as client:
            try:
                reading = await users.read(client, Earlier(), self._concurrency, floor, self.added)
            except Refusal as refusal:
                raise VendorError(
                    f"Chainalysis KYT at {self._api_url} refused its list of users (HTTP {refusal.status}: "
                    f"{refusal.message}). The key needs access to /v1/users/, or set SOURCES__CHAINALYSIS__USER_LISTS "
                    "to false."
                ) from None
            except Unreadable as problem:
                raise VendorError(
                    f"Chainalysis KYT at {self._api_url} answered a list of users that cannot be read: {problem}"
                ) from None
        if why := reading.drift:
            raise changed(why, f"Chainalysis KYT at {self._api_url}")
        return reading

    @cached_property
    def screened_addresses(self) -> ScreenedAddresses:
        screened = ScreenedAddresses(added=self.added)
        if (asked := self.addresses.get(RISK.code)) and asked.addresses:
            screened.ask(RISK, risk_vendor(*self._risk, self._attempts), asked, self._progress)
        if (asked := self.addresses.get(SANCTIONS.code)) and asked.addresses:
            screened.ask(SANCTIONS, sanctions_vendor(*self._sanctions, self._attempts), asked, self._progress)
        return screened

    async def _screen(self) -> Landing:
        try:
            async with KytClient(self._api_url, self._api_key, self._concurrency, self._attempts) as client:
                screening = Screening(
                    client,
                    self.movements,
                    concurrency=self._concurrency,
                    poll_seconds=self._poll_seconds,
                    progress=self._progress,
                    exposed_again=self._asked_again("exposures"),
                    identified_again=self._asked_again("network_identifications"),
                    with_networks=self._with_networks,
                )
                outcome = await screening.run()
                outcome.attempts = await ask(
                    client, self.pending, self._concurrency, self._poll_seconds, self._with_networks
                )
                for one in outcome.attempts:
                    attempt = one.attempt
                    outcome.tally.attempted(
                        attempt.ledger_transfer_id, attempt.attempted_at.date(), attempt.asset_amount, one.summary
                    )
                listed = await listed_alerts.account_for(client, outcome, Earlier())
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
        self.added |= outcome.added_members
        if why := landing.drift:
            raise changed(why, f"Chainalysis KYT at {self._api_url}")
        return landing


def _finish(work: Coroutine[Any, Any, Found]) -> Found:
    """The coroutine's result, also where the calling thread already runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()
