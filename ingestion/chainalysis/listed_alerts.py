"""The vendor's own list of alerts (v1), read from two cursors on, against the alerts fetched transfer by transfer.

New alerts come by `createdAt`, status changes by `alertStatusCreatedAt`; each cursor goes back by `LAG` behind what
landed, and behind the oldest transfer that finished in this run, because a vendor may commit late. Every state of an
alert is kept. The list is also the control total of raw `alerts`, and the only place where an alert shows up that was
raised after its transfer had been fetched. A new row of it is of one of four kinds: on a transfer finished in this
run; on one that is still pending (counted when it is finished); on one that landed earlier, a late alert, which is
fetched; on a transfer that is not of ours, which is a reject of `alerts`. One on no transfer at all is about a user's
behaviour and only has its states.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingestion import wire
from ingestion.chainalysis import parse
from ingestion.chainalysis.client import KytClient
from ingestion.chainalysis.earlier import Account, Earlier, State
from ingestion.chainalysis.movements import Key
from ingestion.chainalysis.paging import PAGE, READINGS, whole_list
from ingestion.chainalysis.screening import Outcome, Screened
from ingestion.chainalysis.tally import CountedAlert
from ingestion.vendor import Refusal, VendorError

LAG = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LateAlert:
    """An alert on a transfer that landed earlier; known when the list says it was created."""

    key: Key
    external_id: str
    item: dict
    known_at: datetime


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row of the list that says something new; `known_at` is when it was created or got its status."""

    row: dict
    known_at: datetime


@dataclass
class Listed:
    late: list[LateAlert] = field(default_factory=list)
    unknown: list[ListedRow] = field(default_factory=list)
    states: list[ListedRow] = field(default_factory=list)


async def read(client: KytClient, **since: datetime) -> list[dict]:
    """Every row of the list, or of its part since a cursor (`createdAt`, `alertStatusCreatedAt`), once."""
    return await whole_list(
        "alerts",
        lambda offset: client.alert_list(PAGE, offset, **since),
        lambda row: str(row.get("alertIdentifier")),
    )


async def account_for(client: KytClient, outcome: Outcome, earlier: Earlier) -> Listed:
    """Reads the list and puts what this run has to account for into the outcome's tally.

    A finished transfer with more alerts on the list than it was answered with is asked once more."""
    listed, by_key = Listed(), defaultdict(list)
    with_answers_last = sorted(outcome.screened, key=lambda s: s.alerts is not None)
    finished = {s.movement.key: s for s in with_answers_last if s.summary["updated_at"] is not None}
    pending = {s.movement.key for s in outcome.screened} | {movement.key for movement in outcome.unchanged}
    for _ in range(READINGS):
        rows = await _since_the_cursors(client, earlier, [s.summary["updated_at"] for s in finished.values()])
        if not _is_behind(rows, finished):
            break
    known = earlier.states({str(row.get("alertIdentifier")) for row in rows})
    known_alerts = {identifier for identifier, _, _ in known}
    for row in rows:
        by_key[_key(row)].append(row)
        if (state := _state(row)) not in known:
            listed.states.append(ListedRow(row, _known_at(row)))
            outcome.tally.listed_state(_known_at(row).date(), state, wire.cents(row, "alertAmountUsd"))
    again = earlier.keys_again()
    new = {
        key: [
            row for row in found
            if key in finished or key in again or str(row.get("alertIdentifier")) not in known_alerts
        ]
        for key, found in by_key.items()
    }  # fmt: skip
    accounts = earlier.accounts([key for key in new if new[key] and key not in finished and key not in pending])
    for key in again & accounts.keys():
        new[key] = [row for row in new[key] if str(row.get("alertIdentifier")) not in accounts[key].alerts]
    for key, found in sorted(new.items(), key=lambda pair: str(pair[0])):
        found.sort(key=lambda row: (str(row.get("createdAt")), str(row.get("alertIdentifier"))))
        if key in finished:
            await _on_finished(client, outcome, finished[key], found)
        elif found and key not in pending and key[1] is not None:
            await _on_others(client, outcome, listed, key, accounts.get(key), found)
    return listed


def _is_behind(rows: list[dict], finished: dict[Key, Screened]) -> bool:
    """Whether the list does not show yet what the transfers themselves were answered with."""
    listed = Counter(map(_key, rows))
    return any(s.alerts is not None and _count(s.alerts) > listed[key] for key, s in finished.items())


async def _since_the_cursors(client: KytClient, earlier: Earlier, finished: list[datetime]) -> list[dict]:
    created_at, status_at = earlier.cursors()
    if created_at is None:
        return await read(client)
    created = await read(client, createdAt=min([created_at, *finished]) - LAG)
    changed = await read(client, alertStatusCreatedAt=(status_at or created_at) - LAG)
    return list({str(row.get("alertIdentifier")): row for row in created + changed}.values())


async def _on_finished(client: KytClient, outcome: Outcome, screened: Screened, rows: list[dict]) -> None:
    if screened.alerts is not None and _count(screened.alerts) < len(rows):
        screened.alerts = await client.transfer(screened.summary["external_id"], "alerts")
    day = outcome.tally.day_of(screened.movement)
    outcome.tally.alerts += [CountedAlert(day, *_identity(row)) for row in rows]


async def _on_others(
    client: KytClient, outcome: Outcome, listed: Listed, key: Key, account: Account | None, rows: list[dict]
) -> None:
    if account is None:
        listed.unknown += [ListedRow(row, _created_at(row)) for row in rows]
        outcome.tally.alerts += [CountedAlert(_created_at(row).date(), *_identity(row)) for row in rows]
        return
    try:
        answer = await client.transfer(account.external_id, "alerts")
    except Refusal as refusal:
        raise VendorError(
            f"Chainalysis KYT lists an alert on transfer {account.external_id} and refuses its alerts "
            f"(HTTP {refusal.status}: {refusal.message}). Ask the vendor; nothing of this run was kept."
        ) from None
    known_at = max(map(_created_at, rows))
    listed.late += [
        LateAlert(key, account.external_id, item, known_at)
        for item in parse.alert_items(answer)
        if not (isinstance(item, dict) and item.get("externalId") in account.alerts)
    ]
    outcome.tally.alerts += [CountedAlert(known_at.date(), *_identity(row)) for row in rows]


def _key(row: dict) -> Key:
    direction = row.get("direction")
    return row.get("userId"), row.get("transferReference"), direction.lower() if isinstance(direction, str) else None


def _identity(row: dict) -> tuple[str, object]:
    return str(row.get("alertIdentifier")), parse.usd(row.get("alertAmountUsd"), "alertAmountUsd")


def _state(row: dict) -> State:
    status = row.get("alertStatus")
    status_at = parse.timestamp(row.get("alertStatusCreatedAt"), "alertStatusCreatedAt")
    return str(row.get("alertIdentifier")), None if status is None else str(status), status_at


def _created_at(row: dict) -> datetime:
    created_at = parse.timestamp(row.get("createdAt"), "createdAt")
    if created_at is None:
        raise parse.Unreadable("a row of the alerts list has no createdAt")
    return created_at


def _known_at(row: dict) -> datetime:
    return max(_created_at(row), _state(row)[2] or _created_at(row))


def _count(answer: bytes) -> int:
    try:
        return len(parse.alert_items(answer))
    except parse.Unreadable:
        return 0
