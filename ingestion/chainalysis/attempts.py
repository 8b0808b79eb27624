"""Withdrawals that were delivered as pending, asked about before they are paid: the vendor's withdrawal attempts.

Belongs here: which withdrawals, the order of the requests, and what the answers mean. A withdrawal is asked about once,
by its first pending version, also when it has been paid since: what was known before it is part of its history.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from ingestion import pipeline
from ingestion.chainalysis import parse
from ingestion.chainalysis.client import KytClient
from ingestion.chainalysis.movements import FIRST_ADDRESS, exists, network_name, plain
from ingestion.vendor import Refusal

logger = logging.getLogger(__name__)

FIRST_POLL_DELAY, LONGEST_POLL_DELAY = 0.1, 10.0
LEVELS = ("LOW", "MEDIUM", "HIGH", "SEVERE")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A pending withdrawal as the ledger has it; `attempted_at` is naive UTC."""

    ledger_transfer_id: str
    user_id: str
    network: str
    asset_code: str
    address: str
    attempt_identifier: str
    attempted_at: datetime
    asset_amount: Decimal

    def registration(self) -> bytes:
        """The body that registers it. The amount goes as text, as recorded clients send it."""
        return json.dumps(
            {
                "network": self.network,
                "asset": self.asset_code,
                "address": self.address,
                "attemptIdentifier": self.attempt_identifier,
                "assetAmount": plain(self.asset_amount),
                "attemptTimestamp": f"{self.attempted_at.isoformat(timespec='milliseconds')}Z",
            }
        ).encode()


@dataclass(frozen=True, slots=True)
class Answered:
    """One answered attempt: its raw answers, or (`reason_code` set) why there are none."""

    attempt: Attempt
    summary: bytes = b""
    exposures: bytes = b""
    alerts: bytes = b""
    high_risk_addresses: bytes = b""
    networks: bytes | None = None
    reason_code: str | None = None
    reason: str = ""


def pending_withdrawals(connection: duckdb.DuckDBPyConnection) -> list[Attempt]:
    """The withdrawals of `raw_exchange` that were delivered as pending and have not been asked about."""
    if not exists(connection, "raw_exchange", "withdrawals"):
        return []
    has_landed = exists(connection, "raw_chainalysis", "withdrawal_attempts")
    landed = _LANDED.replace("$stands", pipeline.stands("chainalysis")) if has_landed else ""
    found = connection.execute(_PENDING + landed + " order by all", {"first_address": FIRST_ADDRESS}).fetchall()
    return [Attempt(*row[:2], network_name(row[2]), *row[3:]) for row in found]


_PENDING = """
select 'exchange:withdrawal:' || withdrawal_id, account_id, chain_code, asset_code,
    trim(regexp_extract(to_address, $first_address)), withdrawal_id, event_at, amount
from (
    select *, row_number() over (
        partition by withdrawal_id order by _known_at, _extract_id, _record_no) as pending_no
    from raw_exchange.withdrawals
    where status_code = 'pending' and rail_code = 'crypto' and chain_code is not null
        and regexp_matches(to_address, $first_address)
        and _dlt_load_id in (select load_id from raw_exchange._dlt_loads where status = 0)
)
where pending_no = 1
"""

_LANDED = """
and 'exchange:withdrawal:' || withdrawal_id not in (
    select ledger_transfer_id from raw_chainalysis.withdrawal_attempts
    where _dlt_load_id in (select load_id from raw_chainalysis._dlt_loads where status = 0)
    union all
    select raw_record ->> '$.ledger_transfer_id' from raw_chainalysis.rejects
    where table_name = 'withdrawal_attempts' and raw_record ->> '$.ledger_transfer_id' is not null and $stands
        and _dlt_load_id in (select load_id from raw_chainalysis._dlt_loads where status = 0)
)
"""


async def ask(
    client: KytClient, attempts: list[Attempt], concurrency: int, poll_seconds: float, with_networks: bool = False
) -> list[Answered]:
    """The answered attempts, in the given order; one that the vendor is still working on after `poll_seconds` is not
    among them, and comes again with the next run."""
    gate = asyncio.Semaphore(concurrency)

    async def one(attempt: Attempt) -> Answered | None:
        async with gate:
            return await _ask(client, attempt, poll_seconds, with_networks)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(attempt)) for attempt in attempts]
    except* Exception as failed:
        raise failed.exceptions[0] from None
    return [answered for task in tasks if (answered := task.result())]


async def _ask(client: KytClient, attempt: Attempt, poll_seconds: float, with_networks: bool) -> Answered | None:
    try:
        answer = await client.register_attempt(attempt.user_id, attempt.registration())
        summary = parse.attempt(answer)
        delay, waited = FIRST_POLL_DELAY, 0.0
        while summary["updated_at"] is None and waited < poll_seconds:
            await asyncio.sleep(delay)
            waited, delay = waited + delay, min(delay * 2, LONGEST_POLL_DELAY)
            answer = await client.attempt(summary["external_id"])
            summary = parse.attempt(answer)
        if summary["updated_at"] is None:
            return None
        details = ("exposures", "alerts", "high-risk-addresses")
        answers = await asyncio.gather(*(client.attempt(summary["external_id"], detail) for detail in details))
        networks = await network_identifications(client.attempt, summary["external_id"]) if with_networks else None
    except Refusal as refusal:
        reason = f"the vendor refused it with HTTP {refusal.status}: {refusal.message}"
        return Answered(attempt, reason_code="refused_by_vendor", reason=reason)
    except parse.Unreadable as problem:
        return Answered(attempt, summary=answer, reason_code="unreadable_answer", reason=str(problem))
    return Answered(attempt, answer, *answers, networks)


async def network_identifications(ask: Callable[[str, str], Awaitable[bytes]], external_id: str) -> bytes | None:
    """The answer of a transfer or attempt; None where the vendor refuses it, as it does for assets whose movements it
    follows in full."""
    try:
        return await ask(external_id, "network-identifications")
    except Refusal as refusal:
        logger.debug("no network identifications of %s: HTTP %s %s", external_id, refusal.status, refusal.message)
        return None


def row(answered: Answered, added: set[str]) -> dict:
    """The columns of raw `withdrawal_attempts`. Raises Unreadable."""
    attempt, summary = answered.attempt, parse.attempt(answered.summary, added)
    exposure = parse.exposure(answered.exposures, added)
    alerts = [parse.alert(item, added) for item in parse.alert_items(answered.alerts)]
    networks = None if answered.networks is None else parse.networks(answered.networks, added)
    return {
        **summary,
        "ledger_transfer_id": attempt.ledger_transfer_id,
        "user_id": attempt.user_id,
        "asset_code": attempt.asset_code,
        "attempted_at": attempt.attempted_at,
        **{name: exposure[name] for name in ("direct_name", "direct_category_id", "direct_category")},
        # A level that nobody knows yet is the worst: the reviewed map has to say what it is.
        "alert_level_code": max((alert["alert_level_code"] for alert in alerts), key=_rank, default=None),
        "alert_count": len({alert["alert_external_id"] for alert in alerts}),
        "high_risk_address_count": parse.high_risk_addresses(answered.high_risk_addresses),
        "exposures_json": parse.settled(answered.exposures),
        "alerts_json": parse.settled(answered.alerts),
        "high_risk_addresses_json": parse.settled(answered.high_risk_addresses),
        "network_organisation_count": networks and networks["organisation_count"],
        "network_identifications_json": networks and networks["answer_json"],
    }


def _rank(level: str) -> tuple[int, str]:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS), level
