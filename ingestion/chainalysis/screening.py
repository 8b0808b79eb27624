"""One run against the vendor: register, poll, exposures, alerts, categories.

Belongs here: the order of the requests and what each answer means for a movement. Nothing is written; `Screening.run`
gives an `Outcome`, which `landing` turns into raw rows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from ingestion.chainalysis import parse
from ingestion.chainalysis.attempts import Answered, network_identifications
from ingestion.chainalysis.client import KytClient, registration
from ingestion.chainalysis.movements import Movement
from ingestion.chainalysis.tally import Tally
from ingestion.vendor import Refusal

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""stage (registered | screened | still processing), how many, of how many"""

FIRST_POLL_DELAY, LONGEST_POLL_DELAY = 0.1, 10.0


@dataclass(slots=True)
class Screened:
    """A movement whose state changed: `summary` as `parse.summary` gives it. `exposures`, `alerts` and
    `networks` are the vendor's answers, None while it is processing (or where another movement with the same external
    id has them)."""

    movement: Movement
    summary: dict
    exposures: bytes | None = None
    alerts: bytes | None = None
    networks: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A movement that cannot be screened, with the vendor's message or what is wrong with its answer."""

    movement: Movement
    reason_code: str
    reason: str
    answer: str


@dataclass
class Outcome:
    """What came back from the vendor for one batch of movements, and what it counted on the way."""

    screened: list[Screened] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    categories: bytes | None = None
    unchanged: list[Movement] = field(default_factory=list)
    attempts: list[Answered] = field(default_factory=list)
    exposed_again: list[Screened] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    added_members: set[str] = field(default_factory=set)


class Screening:
    """`poll_seconds` is how long a newly registered transfer is waited for before it is left pending for the next run;
    one that is pending since an earlier run is asked about once. `exposed_again` and `identified_again` are landed
    transfers whose exposures, or network identifications, alone are asked for. `with_networks`: network identifications
    are asked for."""

    def __init__(
        self,
        client: KytClient,
        movements: list[Movement],
        *,
        concurrency: int,
        poll_seconds: float,
        progress: Progress,
        exposed_again: list[Screened] | None = None,
        identified_again: list[Screened] | None = None,
        with_networks: bool = False,
    ) -> None:
        self._exposed_again, self._identified_again = exposed_again or [], identified_again or []
        self._with_networks = with_networks
        self.client, self.movements, self.outcome = client, movements, Outcome()
        self._concurrency, self._poll_seconds, self._progress = concurrency, poll_seconds, progress
        self._summaries: dict[str, dict] = {}
        self._external_ids = {m.ledger_transfer_id: m.external_id for m in movements if m.external_id}
        self._asker: dict[str, str] = {}
        self._waiting: list[Movement] = []
        self._forgotten: set[str] = set()

    @property
    def tally(self) -> Tally:
        return self.outcome.tally

    async def run(self) -> Outcome:
        fresh = [movement for movement in self.movements if movement.external_id is None]
        if fresh:
            self.outcome.categories = await self.client.categories()
            self.tally.listed_categories(self.outcome.categories)
        await self._each(fresh, self._register, "registered")
        registered = [m for m in self.movements if m.ledger_transfer_id in self._external_ids]
        for movement in registered:
            # Of movements that the vendor takes for one, the first in order asks for its details, whoever comes first.
            self._asker.setdefault(self._external_ids[movement.ledger_transfer_id], movement.ledger_transfer_id)
        await self._each(registered, self._poll, "screened")
        await self._poll_again()
        self._leave_pending()
        for one in self._exposed_again:
            await self._expose_again(one)
        for one in self._identified_again:
            await self._identify(one)
            if one.networks is not None:
                self.outcome.exposed_again.append(one)
        return self.outcome

    async def _identify(self, one: Screened) -> None:
        """The network identifications of a finished transfer, where the vendor has them for its asset."""
        external_id = one.summary["external_id"]
        one.networks = await network_identifications(self.client.transfer, external_id)
        if one.networks is not None:
            self.tally.identified(one.movement, external_id, one.networks)

    async def _expose_again(self, one: Screened) -> None:
        """The exposures of a transfer that landed without them, because nobody could read them."""
        try:
            one.exposures = await self.client.transfer(one.summary["external_id"], "exposures")
        except Refusal as refusal:
            logger.warning("the exposures of %s: %s", one.summary["external_id"], _said(refusal))
            return
        self.tally.exposed(one.movement, one.summary["external_id"], one.exposures)
        self.outcome.exposed_again.append(one)

    async def _each(
        self, movements: Iterable[Movement], work: Callable[[Movement], Awaitable[None]], stage: str | None = None
    ) -> None:
        remaining, done, total = iter(movements), 0, len(self.movements)

        async def worker() -> None:
            nonlocal done
            for movement in remaining:
                await work(movement)
                done += 1
                if stage and done % 250 == 0:
                    self._progress(stage, done, total)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(worker())
        except* Exception as failed:
            raise failed.exceptions[0] from None
        if stage and done:
            self._progress(stage, done, total)

    async def _register(self, movement: Movement) -> None:
        """Registers a movement for the first time, or again after the vendor forgot it."""
        again = movement.ledger_transfer_id in self._external_ids
        body = registration(
            movement.network,
            movement.asset_code,
            movement.transfer_reference,
            movement.direction_code,
            movement.transfer_at,
            movement.asset_amount,
        )
        try:
            answer = await self.client.register(movement.user_id, body)
        except Refusal as refusal:
            if again:
                self.tally.refused(movement)
            self._refuse(movement, "refused_by_vendor", _said(refusal), refusal.message)
            return
        if not again:
            self.tally.registered(movement, "accepted")
        summary = self._summary(movement, answer)
        if summary:
            self._summaries[movement.ledger_transfer_id] = summary
            self._external_ids[movement.ledger_transfer_id] = summary["external_id"]

    async def _poll(self, movement: Movement) -> None:
        external_id = self._external_ids[movement.ledger_transfer_id]
        try:
            answer = await self.client.transfer(external_id)
            self.tally.summarised(movement, answer)
            summary = self._summary(movement, answer)
            if summary is None:
                return
            if summary["updated_at"] is None:
                if movement.external_id and movement.ledger_transfer_id not in self._forgotten:
                    self.outcome.unchanged.append(movement)
                else:
                    self._waiting.append(movement)
                return
            screened = Screened(movement, summary)
            if self._asker.setdefault(external_id, movement.ledger_transfer_id) == movement.ledger_transfer_id:
                screened.exposures, screened.alerts = await asyncio.gather(
                    self.client.transfer(external_id, "exposures"), self.client.transfer(external_id, "alerts")
                )
                self.tally.exposed(movement, external_id, screened.exposures)
                if self._with_networks:
                    await self._identify(screened)
            self.outcome.screened.append(screened)
        except Refusal as refusal:
            if refusal.status == 404:
                await self._register_forgotten(movement)
            else:
                self.tally.refused(movement)
                self._refuse(movement, "refused_by_vendor", _said(refusal), refusal.message)

    async def _register_forgotten(self, movement: Movement) -> None:
        """The vendor does not know a transfer that it had accepted (it was restored, or restarted): the same
        registration gives the same id, and the screening of this movement starts over."""
        self._forgotten.add(movement.ledger_transfer_id)
        await self._register(movement)
        if movement.ledger_transfer_id in self._external_ids:
            self._waiting.append(movement)

    async def _poll_again(self) -> None:
        delay, waited = FIRST_POLL_DELAY, 0.0
        while self._waiting and waited < self._poll_seconds:
            await asyncio.sleep(delay)
            waited, delay = waited + delay, min(delay * 2, LONGEST_POLL_DELAY)
            self._progress("still processing", len(self._waiting), len(self.movements))
            batch, self._waiting = sorted(self._waiting, key=lambda m: m.ledger_transfer_id), []
            await self._each(batch, self._poll)

    def _leave_pending(self) -> None:
        for movement in self._waiting:
            if movement.external_id:
                self.outcome.unchanged.append(movement)
            else:
                self.outcome.screened.append(Screened(movement, self._summaries[movement.ledger_transfer_id]))
        if self._forgotten:
            logger.warning("the vendor had forgotten %d registered transfers; registered again", len(self._forgotten))

    def _summary(self, movement: Movement, answer: bytes) -> dict | None:
        try:
            return parse.summary(answer, self.outcome.added_members)
        except parse.Unreadable as problem:
            self._refuse(movement, "unreadable_answer", str(problem), answer.decode(errors="replace"))
            return None

    def _refuse(self, movement: Movement, reason_code: str, reason: str, answer: str) -> None:
        self._external_ids.pop(movement.ledger_transfer_id, None)
        self.tally.registered(movement, "refused")
        self.outcome.refused.append(Refused(movement, reason_code, reason, answer))


def _said(refusal: Refusal) -> str:
    return f"the vendor refused it with HTTP {refusal.status}: {refusal.message}"
