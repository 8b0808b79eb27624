"""Behaviour events: the canonical table, and Kafka messages as its rows.

Belongs here: what an event is and why a message is none. Where messages come from is `kafka.py`'s business.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa

from ingestion import bounded, records, rejects, wire
from ingestion.control_totals import record_hash
from ingestion.tabular import TIMESTAMP, Column, Table
from ingestion.validation import validate

FEED = "behaviour"
EVENT_TYPES = (
    "login",
    "logout",
    "device_added",
    "device_removed",
    "password_changed",
    "two_factor_changed",
    "email_changed",
    "phone_changed",
    "address_changed",
    "bank_account_added",
    "withdrawal_address_added",
    "api_key_created",
)
EVENTS = Table(
    "events",
    (
        Column("event_id", required=True),
        Column("event_type_code", required=True, codes=EVENT_TYPES),
        Column("outcome_code", required=True, codes=("success", "failure", "challenged", "blocked")),
        Column("account_id"),  # an attempt to log in can name an account that does not exist
        Column("party_id"),
        Column("device_id"),
        Column("ip_address"),
        Column("country_code", pattern="[A-Z]{2}", pattern_name="a country code of two capital letters"),
        Column("user_agent_hash"),
        Column("event_at", TIMESTAMP, required=True),
        Column("payload_json"),
    ),
    key=("event_id",),
    event="event_at",
)
TABLES = (EVENTS,)
MEMBERS = tuple(column.name for column in EVENTS.columns if column.name != "payload_json")
TRANSPORT = (
    pa.field("transport_code", pa.string(), nullable=False),
    pa.field("topic", pa.string()),
    pa.field("partition_no", pa.int64()),
    pa.field("offset_no", pa.int64()),
    pa.field("message_key", pa.string()),
    pa.field("headers_json", pa.string()),
)
SCHEMA = pa.schema([*EVENTS.schema, *TRANSPORT])
_JSON_TYPES = {bool: "a truth value", dict: "an object", list: "a list", int: "a number", float: "a number"}


@dataclass(frozen=True)
class Message:
    """One message as the broker delivered it; `known_at` is its timestamp (naive UTC), None where it has none."""

    offset: int
    known_at: datetime | None
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None


class NotAnEvent(Exception):
    """Why a message is not an event: a code and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def from_files(table: pa.Table) -> pa.Table:
    """Rows of canonical files in the shape of the raw table."""
    for field in TRANSPORT:
        value = pa.scalar("file" if field.name == "transport_code" else None, field.type)
        table = table.append_column(field, pa.repeat(value, table.num_rows))
    return table


def from_messages(
    topic: str, partition: int, extract_id: str, first: int, messages: Sequence[Message]
) -> tuple[pa.Table, list[dict]]:
    """The events among the messages in the raw shape, and the rejects. `_record_no` is the offset's place behind
    `first`, from 1."""
    good: list[tuple[Message, dict]] = []
    rejected: list[dict] = []

    def reject(message: Message, code: str, reason: str, event_date: date | None) -> None:
        known_at = message.known_at or datetime(1970, 1, 1)
        rejected.append(
            rejects.row(
                feed_code=FEED,
                table_name=EVENTS.name,
                extract_id=extract_id,
                record_no=message.offset - first + 1,
                reason_code=code,
                reason=f"{topic}/{partition}/{message.offset}: {reason}",
                raw_record=_whole(topic, partition, message),
                first_seen_at=known_at,
                event_date=event_date or known_at.date(),
                record_hash=share(message),
            )
        )

    for message in messages:
        try:
            good.append((message, event_of(message)))
        except NotAnEvent as problem:
            reject(message, problem.code, problem.reason, None)
    raw = pa.table(
        {name: pa.array([event.get(name) or None for _, event in good], pa.binary()) for name in MEMBERS}
        | {"payload_json": pa.array([message.value for message, _ in good], pa.binary())}
    )
    verdict = validate(EVENTS, raw)
    for row, problems in sorted(verdict.problems.items()):
        event_at = verdict.values.column("event_at")[row].as_py()
        reason = "; ".join(sentence for _, sentence in problems)
        reject(good[row][0], problems[0][0], reason, event_at.date() if event_at else None)
    return _stamped(
        verdict.values, [m for m, _ in good], verdict.problems, topic, partition, extract_id, first
    ), rejected


def share(message: Message) -> int:
    """The message's share of the hash: its event's id, as the message itself says it."""
    return record_hash(wire.key(wire.said(wire.document(message.value or b""), "event_id")), None)


def event_of(message: Message) -> dict[str, bytes]:
    """The members of the message that are columns, as UTF-8. Raises NotAnEvent for a message without a value, one
    that is no JSON object, and one with a member of another type than text."""
    if message.known_at is None:
        raise NotAnEvent("missing_timestamp", "the message has no usable timestamp, so nothing says when it was known")
    if message.value is None:
        raise NotAnEvent("tombstone", "the message has a key and no value: a deletion, which is no event")
    try:
        event = bounded.json_of(message.value.decode("utf-8"), object_pairs_hook=_no_member_twice)
    except UnicodeDecodeError:
        raise NotAnEvent("invalid_text", "the message is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise NotAnEvent("malformed_row", f"the message is not JSON: {error}") from None
    except ValueError as error:
        raise NotAnEvent("malformed_row", f"the message cannot be read as JSON: {error}") from None
    if not isinstance(event, dict):
        raise NotAnEvent("malformed_row", "the message is JSON, but not an object")
    values = {}
    for name in MEMBERS:
        value = event.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise NotAnEvent("invalid_type", f"{name} is {_JSON_TYPES[type(value)]}, it must be text")
        try:
            values[name] = value.encode()
        except UnicodeEncodeError:
            raise NotAnEvent("invalid_text", f"{name} holds half of a UTF-16 pair, which is no text") from None
    return values


def _no_member_twice(pairs: list[tuple[str, object]]) -> dict:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object names a member twice")
    return members


def _stamped(
    values: pa.Table,
    messages: list[Message],
    problems: dict,
    topic: str,
    partition: int,
    extract_id: str,
    first: int,
) -> pa.Table:
    count = len(messages)
    more = (
        pa.repeat(pa.scalar("kafka"), count),
        pa.repeat(pa.scalar(topic), count),
        pa.repeat(pa.scalar(partition, pa.int64()), count),
        pa.array([m.offset for m in messages], pa.int64()),
        pa.array([_text(m.key) for m in messages], pa.string()),
        pa.array([_headers(m.headers) for m in messages], pa.string()),
        pa.array([m.known_at for m in messages], records.TIMESTAMP),
        pa.repeat(pa.scalar(extract_id), count),
        pa.array([m.offset - first + 1 for m in messages], pa.int64()),
    )
    for field, column in zip((*TRANSPORT, *records.COMMON), more, strict=True):
        values = values.append_column(field, column)
    good = np.ones(count, dtype=bool)
    good[list(problems)] = False
    return values.filter(pa.array(good))


def _text(value: bytes | None) -> str | None:
    """Bytes as text; what is not UTF-8, and NUL, is written as an escape."""
    return None if value is None else value.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _headers(headers: tuple[tuple[str, bytes | None], ...]) -> str | None:
    return json.dumps([[name, _text(value)] for name, value in headers]) if headers else None


def _whole(topic: str, partition: int, message: Message) -> dict:
    return {
        "topic": topic,
        "partition": partition,
        "offset": message.offset,
        "key": _text(message.key),
        "headers": [[name, _text(value)] for name, value in message.headers],
        "value": _text(message.value),
    }
