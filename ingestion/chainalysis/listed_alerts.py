"""The vendor's own list of alerts (v1), read to its end, against the alerts fetched transfer by transfer.

The list is the control total of raw `alerts`, and the only place where an alert shows up that was raised after its
transfer had been fetched. Each row of it is of one of four kinds: on a transfer finished in this run; on one that is
still pending (counted when it is finished); on one that landed earlier (an excess over what landed then is a late
alert, and is fetched); on no transfer of ours, which is a reject.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from ingestion.chainalysis import parse
from ingestion.chainalysis.client import KytClient
from ingestion.chainalysis.movements import Account, Key
from ingestion.chainalysis.screening import Outcome, Screened
from ingestion.chainalysis.tally import CountedAlert
from ingestion.vendor import Refusal, VendorError

PAGE = 100
READINGS = 3

NOTHING = Account(None, frozenset(), 0)

Accounts = Callable[[Collection[Key]], dict[Key, Account]]
"""What earlier runs accounted for on each key of the list."""


@dataclass(frozen=True, slots=True)
class LateAlert:
    """An alert on a transfer that landed earlier; known when the list says it was created."""

    key: Key
    external_id: str
    item: dict
    known_at: datetime


@dataclass(frozen=True, slots=True)
class UnknownAlert:
    """A row of the list that belongs to no screened transfer."""

    row: dict
    known_at: datetime
    reason_code: str
    reason: str


@dataclass
class Listed:
    late: list[LateAlert] = field(default_factory=list)
    unknown: list[UnknownAlert] = field(default_factory=list)


async def read(client: KytClient) -> list[dict]:
    """Every row of the list. Raises VendorError when the list does not hold as many rows as its `total` says, also
    after reading it again (a row created between two pages shifts the rest)."""
    for _ in range(READINGS):
        total, rows = parse.listing(await client.alert_list(PAGE, 0))
        page = rows
        while page and len(rows) < total:
            total, page = parse.listing(await client.alert_list(PAGE, len(rows)))
            rows = rows + page
        identifiers = {str(row.get("alertIdentifier")) for row in rows}
        if len(rows) == total == len(identifiers):
            return rows
    raise VendorError(
        f"Chainalysis KYT: the alerts list says total {total} and holds {len(rows)} rows, {len(identifiers)} of them "
        "different. It changes while it is read, or the vendor's paging is wrong; run again when it is quiet."
    )


async def account_for(client: KytClient, outcome: Outcome, accounts: Accounts) -> Listed:
    """Reads the list and puts what this run has to account for into the outcome's tally.

    `accounts` says what earlier runs accounted for. A finished transfer with more alerts on the list than it was
    answered with is asked once more."""
    listed, by_key = Listed(), defaultdict(list)
    for row in await read(client):
        by_key[_key(row)].append(row)
    with_answers_last = sorted(outcome.screened, key=lambda s: s.alerts is not None)
    finished = {s.movement.key: s for s in with_answers_last if s.summary["updated_at"] is not None}
    pending = {s.movement.key for s in outcome.screened} | {movement.key for movement in outcome.unchanged}
    earlier = accounts([key for key in by_key if key not in finished and key not in pending])
    for key, rows in sorted(by_key.items(), key=lambda pair: str(pair[0])):
        rows.sort(key=lambda row: (str(row.get("createdAt")), str(row.get("alertIdentifier"))))
        if key in finished:
            await _on_finished(client, outcome, finished[key], rows)
        elif key not in pending:
            await _on_others(client, outcome, listed, key, earlier.get(key, NOTHING), rows)
    return listed


async def _on_finished(client: KytClient, outcome: Outcome, screened: Screened, rows: list[dict]) -> None:
    if screened.alerts is not None and _count(screened.alerts) < len(rows):
        screened.alerts = await client.transfer(screened.summary["external_id"], "alerts")
    day = outcome.tally.day_of(screened.movement)
    outcome.tally.alerts += [CountedAlert(day, *_identity(row)) for row in rows]


async def _on_others(
    client: KytClient, outcome: Outcome, listed: Listed, key: Key, account: Account, rows: list[dict]
) -> None:
    excess = rows[len(account.alerts) + account.rejected :]
    if not excess:
        return
    if account.external_id is None:
        listed.unknown += [_unknown(row) for row in excess]
        outcome.tally.alerts += [CountedAlert(_created_at(row).date(), *_identity(row)) for row in excess]
        return
    try:
        answer = await client.transfer(account.external_id, "alerts")
    except Refusal as refusal:
        raise VendorError(
            f"Chainalysis KYT lists an alert on transfer {account.external_id} and refuses its alerts "
            f"(HTTP {refusal.status}: {refusal.message}). Ask the vendor; nothing of this run was kept."
        ) from None
    known_at = max(map(_created_at, excess))
    listed.late += [
        LateAlert(key, account.external_id, item, known_at)
        for item in parse.alert_items(answer)
        if not (isinstance(item, dict) and item.get("externalId") in account.alerts)
    ]
    outcome.tally.alerts += [CountedAlert(known_at.date(), *_identity(row)) for row in excess]


def _unknown(row: dict) -> UnknownAlert:
    if row.get("transferReference") is None:
        return UnknownAlert(
            row, _created_at(row), "not_on_a_transfer", "the vendor lists an alert that is on no transfer"
        )
    reason = "the vendor lists an alert on a transfer that was not screened from this ledger"
    return UnknownAlert(row, _created_at(row), "unknown_transfer", reason)


def _key(row: dict) -> Key:
    direction = row.get("direction")
    return row.get("userId"), row.get("transferReference"), direction.lower() if isinstance(direction, str) else None


def _identity(row: dict) -> tuple[str, object]:
    return str(row.get("alertIdentifier")), parse.usd(row.get("alertAmountUsd"), "alertAmountUsd")


def _created_at(row: dict) -> datetime:
    created_at = parse.timestamp(row.get("createdAt"), "createdAt")
    if created_at is None:
        raise parse.Unreadable("a row of the alerts list has no createdAt")
    return created_at


def _count(answer: bytes) -> int:
    try:
        return len(parse.alert_items(answer))
    except parse.Unreadable:
        return 0
