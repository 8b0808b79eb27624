"""What the vendor keeps by user (v1): its score of him, his exposures, transfers and registered addresses.

Belongs here: the requests, and the rows that the answers become. The list of users is read whole; one whose row of it
is not what it was is asked about, and everything said of him lands as of that row (of his transfers what is new or
changed). So it costs five requests a user who moved, and is off until it is asked for.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingestion import wire
from ingestion.chainalysis import parse
from ingestion.chainalysis.client import KytClient
from ingestion.chainalysis.earlier import Earlier
from ingestion.chainalysis.paging import PAGE, whole_list
from ingestion.chainalysis.parse import Unreadable
from ingestion.chainalysis.schemas import FEED, USER_TABLES
from ingestion.reading import Reading
from ingestion.vendor import Refusal

ENDPOINT = "/v1/users/"
LISTED = {"userId", "score", "scoreUpdatedDate", "riskScore", "lastActivity"}
USER = LISTED | {"exposureDetails", "creationDate"}
EXPOSURE = {"cluster", "sentDirectExposure", "sentIndirectExposure", "receivedDirectExposure"}
EXPOSURE |= {"receivedIndirectExposure"}
TRANSFER = {"cluster", "amount", "amountUSD", "rating", "asset", "transferReference", "timestamp"}
ADDRESS = {"address", "asset", "cluster", "rating", "chainalysisIdentification", "customAddress"}
TRANSFERS = {"received": "transfers/received", "sent": "transfers/sent"}
ADDRESSES = {"deposit": "depositaddresses", "withdrawal": "withdrawaladdresses"}


@dataclass
class Said:
    """What was said of one user: his row of the list, the answer about him, and his lists by their name in the path;
    or (`reason_code` set) why there is nothing."""

    listed: dict
    answer: bytes = b""
    lists: dict[str, list[dict]] = field(default_factory=dict)
    reason_code: str | None = None
    reason: str = ""


async def read(client: KytClient, earlier: Earlier, concurrency: int, floor: datetime, added: set[str]) -> Reading:
    """Reads the list of users and everything about those of whom it says something new. `floor` (naive UTC): when a
    row became known that names no time. Raises Unreadable where the list of users itself is none."""
    known = earlier.users()
    users = await whole_list("users", lambda offset: client.user_list(PAGE, offset), _user_id)
    changed = sorted((row for row in users if known.get(_user_id(row)) != parse.text(row)), key=_user_id)
    gate = asyncio.Semaphore(concurrency)

    async def one(row: dict) -> Said:
        async with gate:
            return await _ask(client, row)

    said = await asyncio.gather(*map(one, changed))
    reading, landed = Reading(FEED, ENDPOINT, tuple(USER_TABLES)), earlier.listed_transfers(map(_user_id, changed))
    for about in said:
        _land(reading, about, landed, floor, added)
    return reading


async def _ask(client: KytClient, row: dict) -> Said:
    user_id, said = _user_id(row), Said(row)

    async def whole(name: str, *members: str) -> None:
        def identity(member: dict) -> str:
            return parse.text([member.get(one) for one in members])

        said.lists[name] = await whole_list(
            f"{name} of user {user_id}", lambda offset: client.list_of_user(user_id, name, PAGE, offset), identity
        )

    try:
        said.answer = await client.user(user_id)
        for name in TRANSFERS.values():
            await whole(name, "transferReference", "asset")
        for name in ADDRESSES.values():
            await whole(name, "asset", "address")
    except Refusal as refusal:
        reason = f"the vendor refused it with HTTP {refusal.status}: {refusal.message}"
        return Said(row, reason_code="refused_by_vendor", reason=reason)
    except Unreadable as problem:
        return Said(row, said.answer, reason_code="unreadable_answer", reason=str(problem))
    return said


def _land(reading: Reading, said: Said, landed: dict, floor: datetime, added: set[str]) -> None:
    listed, user_id = said.listed, _user_id(said.listed)
    share = reading.count("users", wire.key(user_id, wire.said(listed, "score"), wire.said(listed, "riskScore")))
    known_at, answer = floor, None
    try:
        known_at = _known_at(listed, floor)
        if said.reason_code:
            raise Unreadable(said.reason)
        answer = parse.document(said.answer)
        row, members = _user(listed, answer, said.answer, added), _exposures(answer)
    except Unreadable as problem:
        record = {"userId": user_id, "listed": parse.text(listed), "answer": said.answer.decode(errors="replace")}
        code = said.reason_code or "unreadable_answer"
        reading.reject("users", known_at, code, str(problem), record, share, answer=answer)
        return
    reading.land("users", known_at, row, answer=answer)
    own = {"user_id": user_id}

    def each(
        table: str, members: list[dict], about: dict, key: Callable[[dict], str], to_row: Callable, *usd: str
    ) -> None:
        """`usd`: the members that hold what is summed."""
        for member in members:
            amounts = [amount for name in usd if (amount := wire.cents(member, name)) is not None]
            share = reading.count(table, key(member), sum(amounts) if amounts else None)
            try:
                reading.land(table, known_at, own | about | to_row(member, added), answer=member)
            except Unreadable as problem:
                record = {"userId": user_id, **about, **(member if isinstance(member, dict) else {"said": member})}
                reading.reject(table, known_at, "unreadable_answer", str(problem), record, share, answer=member)

    def exposed(member: Any) -> str:
        cluster = wire.at(member, "cluster")
        return wire.key(user_id, wire.said(cluster, "name"), wire.said(cluster, "categoryId"))

    each("user_exposures", members, {}, exposed, _exposure, *(EXPOSURE - {"cluster"}))
    for direction, name in TRANSFERS.items():

        def is_new(member: dict, direction: str = direction) -> bool:
            key = user_id, direction, member.get("transferReference"), member.get("asset")
            return landed.get(key) != parse.text(member)

        def listed_as(member: dict, direction: str = direction) -> str:
            named = wire.said(member, "transferReference"), wire.said(member, "asset")
            return wire.key(user_id, direction, *named)

        new = [member for member in parse.distinct(said.lists[name]) if is_new(member)]
        each("listed_transfers", new, {"direction_code": direction}, listed_as, listed_transfer, "amountUSD")
    for kind, name in ADDRESSES.items():

        def registered(member: dict, kind: str = kind) -> str:
            return wire.key(user_id, kind, wire.said(member, "asset"), wire.said(member, "address"))

        members = parse.distinct(said.lists[name])
        each("registered_addresses", members, {"kind_code": kind}, registered, registered_address)


def _user_id(row: dict) -> str:
    return str(row.get("userId"))


def _known_at(listed: dict, floor: datetime) -> datetime:
    times = [parse.timestamp(listed.get(name), name) for name in ("scoreUpdatedDate", "lastActivity")]
    return max((at for at in times if at is not None), default=floor)


def _user(listed: dict, answer: object, body: bytes, added: set[str]) -> dict:
    """The columns of raw `users`."""
    row, user = parse.as_object(listed, "listed user", LISTED, added), parse.as_object(answer, "user", USER, added)
    parse.needs(row, "score", "riskScore")
    return {
        "user_id": parse.required(row, "userId"),
        "score_code": parse.text_of(row, "score"),
        "risk_score_code": parse.text_of(row, "riskScore"),
        "score_updated_at": parse.timestamp(row.get("scoreUpdatedDate"), "scoreUpdatedDate"),
        "last_activity_at": parse.timestamp(row.get("lastActivity"), "lastActivity"),
        "created_at": parse.timestamp(user.get("creationDate"), "creationDate"),
        "listed_json": parse.text(listed),
        "answer_json": body.decode(),
    }


def _exposures(answer: object) -> list:
    details = answer.get("exposureDetails") if isinstance(answer, dict) else None
    if not isinstance(details, list):
        raise Unreadable("the answer about the user has no list exposureDetails")
    return parse.distinct(details)


def _exposure(member: object, added: set[str]) -> dict:
    """The columns of raw `user_exposures` without the user's."""
    row = parse.as_object(member, "exposure of the user", EXPOSURE, added)
    parse.needs(row, *EXPOSURE)
    names = {"sent_direct_usd": "sentDirectExposure", "sent_indirect_usd": "sentIndirectExposure"}
    names |= {"received_direct_usd": "receivedDirectExposure", "received_indirect_usd": "receivedIndirectExposure"}
    return {
        **_cluster(row, added),
        **{column: parse.usd(row[name], name) for column, name in names.items()},
        "answer_json": parse.text(member),
    }


def listed_transfer(member: object, added: set[str]) -> dict:
    """The columns of raw `listed_transfers` without the user's and the direction. The vendor rates received transfers
    alone, and states no amounts when it answers a registration."""
    row = parse.as_object(member, "listed transfer", TRANSFER, added)
    parse.needs(row, "cluster")
    return {
        "transfer_reference": parse.required(row, "transferReference"),
        "asset_code": parse.required(row, "asset"),
        "asset_amount": parse.quantity(row.get("amount"), "amount"),
        "amount_usd": parse.usd(row.get("amountUSD"), "amountUSD"),
        "rating_code": parse.text_of(row, "rating"),
        **_cluster(row, added),
        "transfer_at": parse.timestamp(row.get("timestamp"), "timestamp"),
        "answer_json": parse.text(member),
    }


def registered_address(member: object, added: set[str]) -> dict:
    """The columns of raw `registered_addresses` without the user's and the kind; the vendor rates withdrawal addresses
    alone."""
    row = parse.as_object(member, "registered address", ADDRESS, added)
    return {
        "asset_code": parse.required(row, "asset"),
        "address": parse.required(row, "address"),
        "rating_code": parse.text_of(row, "rating"),
        **_cluster(row, added),
        "answer_json": parse.text(member),
    }


def _cluster(row: dict, added: set[str]) -> dict:
    """Name and category of the entity; null where the vendor knows none."""
    if row.get("cluster") is None:
        return {"cluster_name": None, "category_id": None}
    cluster = parse.as_object(row["cluster"], "cluster", {"name", "categoryId", "category"}, added)
    return {"cluster_name": parse.text_of(cluster, "name"), "category_id": parse.whole_number(cluster, "categoryId")}
