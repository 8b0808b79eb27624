"""What a case system's list said: the records, each as it was sent, and how many there were on the wire.

Belongs here: counting and telling versions apart, whichever the vendor. Not here: what a vendor's records mean.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from ingestion.contract import changed
from ingestion.control_totals import record_hash
from ingestion.vendor import Answer, VendorError, dumps
from ingestion.wire import key

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]')


class Unusable(Exception):
    """One record cannot be used; `code` is the reject's reason code, the message its reason (without personal data)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class Listing:
    """All records of one list. `read` makes a row of `cases.records` of one of them, or raises Unusable; `wire_rows`
    is what the bytes of the answers hold, or what the vendor says it has (`captured_by`). The first member of
    `identity` that a record has is its id. `needs` are the members that the contract promises of every record, `known`
    the others it speaks of; what is neither goes into `added`."""

    vendor_code: str
    record_type_code: str
    endpoint: str
    read: Callable[[dict, datetime], dict]
    identity: tuple[str, ...]
    captured_by: str = "independent_count"
    needs: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    added: set[str] = field(default_factory=set)
    wire_rows: int = 0
    answered_at: datetime = datetime(1970, 1, 1)
    records: list[tuple[str, Any]] = field(default_factory=list)

    def add(self, answer: Answer, member: str) -> list:
        """Takes over a page, whose records are its member of that name; returns them."""
        if not isinstance(answer.data, dict) or member not in answer.data:
            raise changed(f"{self.vendor_code} answered {self.endpoint} without its list {member!r}")
        page = answer.data[member]
        if page is None:  # how a server written in Go says an empty list
            page = []
        if not isinstance(page, list):
            raise changed(f"{member!r} of {self.vendor_code}{self.endpoint} is no list")
        self.records += [(dumps(record), record) for record in page]
        self.wire_rows += elements(answer.body, member)
        self.answered_at = max(self.answered_at, _answered_at(answer))
        return page

    def share(self, record: Any) -> int:
        """The record's share of the hash: its id, as the record itself says it."""
        return record_hash(key(next(filter(None, (text(record, name) for name in self.identity)), None)), None)

    def row(self, record: Any) -> dict:
        """The row of a record. Raises Unusable, also where a member is missing that the contract promises: read as
        nothing, it would be lost."""
        if not isinstance(record, dict):
            raise Unusable("invalid_record", "the record is no object")
        for member in self.needs:
            if member not in record:
                raise Unusable("missing_member", f"the record has no {member}")
        new = record.keys() - self.known - set(self.needs)
        self.added |= {f"{self.vendor_code}{self.endpoint}.{name}" for name in new}
        return self.read(record, self.answered_at)


def elements(body: bytes, member: str) -> int:
    """How many elements the array `member` of the outermost object has, counted by brackets and not by a JSON reader.
    Elements are objects."""
    depth, inside, name, count = 0, False, b"", 0
    for token in _TOKEN.findall(body):
        if token in (b"{", b"["):
            depth += 1
            inside = inside or (depth == 2 and token == b"[" and name == member.encode())
            count += inside and depth == 3 and token == b"{"
        elif token in (b"}", b"]"):
            depth -= 1
            inside = inside and depth >= 2
        elif depth == 1:
            name = token[1:-1]
    return count


def digest(text: str) -> str:
    """The fingerprint by which a version of a record is known."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def text(record: dict, *path: str | int) -> str | None:
    """The value at the end of the path of members and positions as text; None where there is none."""
    value: Any = record
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    if isinstance(value, dict | list) or value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value).strip() or None


def moment(record: dict, *path: str | int) -> datetime | None:
    """Seconds since 1970 or an ISO time as naive UTC. Raises Unusable."""
    stated = text(record, *path)
    if stated is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,9})?", stated):
            seconds = Decimal(stated)
            found = datetime.fromtimestamp(int(seconds), UTC)
            return found.replace(tzinfo=None, microsecond=int(seconds % 1 * 1_000_000))
        read = datetime.fromisoformat(stated)
    except (ValueError, OverflowError, OSError):
        raise Unusable("invalid_timestamp", f"{path[0]} is not a time") from None
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def _answered_at(answer: Answer) -> datetime:
    """When the vendor says it answered."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC).replace(tzinfo=None)
    except (KeyError, ValueError, TypeError):
        raise VendorError("The case system's answer has no header Date, by which its changes are dated.") from None
