"""What identity vendors' answers become: raw tables, and the few ways in which a value is read.

Belongs here: shapes and readers all vendors share. What a vendor's answer looks like is in the module named after it.
Reasons name members, never values: the values are personal data.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingestion import bounded, wire
from ingestion.kyc.parse import DOCUMENTS, REVIEWS
from ingestion.records import TIMESTAMP
from ingestion.vendor import dumps

APPLICANTS = pa.schema(
    [
        pa.field("vendor_code", pa.string(), nullable=False),
        pa.field("applicant_id", pa.string(), nullable=False),
        pa.field("party_id", pa.string()),
        pa.field("applicant_type_code", pa.string()),
        pa.field("status_code", pa.string()),
        pa.field("country_code", pa.string()),
        pa.field("created_at", TIMESTAMP),
        pa.field("updated_at", TIMESTAMP, nullable=False),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
WEBHOOKS = pa.schema(
    [
        pa.field("vendor_code", pa.string(), nullable=False),
        pa.field("webhook_id", pa.string(), nullable=False),
        pa.field("event_type_code", pa.string(), nullable=False),
        pa.field("applicant_id", pa.string()),
        pa.field("event_at", TIMESTAMP, nullable=False),
        pa.field("received_at", TIMESTAMP),
        pa.field("body_json", pa.string(), nullable=False),
    ]
)


def _widened(schema: pa.Schema) -> pa.Schema:
    """A vendor may not know the customer by the exchange's id, nor say what kind of document it saw."""
    free = ("party_id", "document_type_code")
    return pa.schema([column.with_nullable(True) if column.name in free else column for column in schema])


SCHEMAS = {
    "documents": _widened(DOCUMENTS.schema),
    "reviews": _widened(REVIEWS.schema),
    "applicants": APPLICANTS,
    "webhooks": WEBHOOKS,
}


class Unusable(Exception):
    """A record that cannot be used; `code` for counting, the message for people, without any value of it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class Reject:
    """A record of an answer that cannot be used, for the table it was meant for; `key` is what its table's hash is
    over (see `count`)."""

    table: str
    problem: Unusable
    record: str
    key: str


def reject(table: str, problem: Unusable, element: Any) -> Reject:
    """An element of a vendor's list that cannot be used, known by its `id`."""
    return Reject(table, problem, dumps(element), wire.key(wire.said(element, "id")))


@dataclass
class Applicant:
    """One applicant as a vendor answered about it: `text` is the answer whole, `known_at` (naive UTC) the latest moment
    the vendor itself names."""

    vendor: str
    applicant_id: str
    text: str
    known_at: datetime
    row: dict = field(default_factory=dict)
    parts: list[tuple[str, dict] | Reject] = field(default_factory=list)
    """Rows of documents and reviews, and what cannot be one, in the order of the answer."""
    added: set[str] = field(default_factory=set)

    @property
    def documents(self) -> list[dict]:
        return self._rows("documents")

    @property
    def reviews(self) -> list[dict]:
        return self._rows("reviews")

    @property
    def rejects(self) -> list[Reject]:
        return [part for part in self.parts if isinstance(part, Reject)]

    def _rows(self, table: str) -> list[dict]:
        return [part[1] for part in self.parts if not isinstance(part, Reject) and part[0] == table]

    def hold(self, value: Any, name: str, needs: Iterable[str], known: Set[str]) -> None:
        """Holds an object of the answer against the contract: a member that is neither needed nor known goes into
        `added` as `name.member`. Raises Unusable where a needed member is missing: read as nothing, it would be lost.
        """
        said = mapping(value, name)
        for member in needs:
            if member not in said:
                raise Unusable("missing_member", f"{name} has no {member}")
        self.added |= {f"{self.vendor}.{name}.{member}" for member in said.keys() - set(needs) - known}

    def add(self, table: str, record: Any, key: str | None, make: Callable[..., dict], *given: Any) -> None:
        """Adds what `make(record, *given)` says of the applicant to a table, or the record (with its key) to the
        rejects where it raises Unusable."""
        shared = {"vendor_code": self.vendor, "applicant_id": self.applicant_id, "valid_from_at": self.known_at}
        try:
            self.parts.append((table, {"party_id": self.row["party_id"]} | shared | make(record, *given)))
        except Unusable as problem:
            said = json.dumps(record, ensure_ascii=True, default=str)
            self.parts.append(Reject(table, problem, said, wire.key(key)))


def parse(text: str | bytes) -> dict:
    """A JSON object with exact numbers. Raises Unusable."""
    try:
        read = bounded.json_of(text, parse_float=Decimal)
    except ValueError:
        raise Unusable("invalid_json", "the record is not JSON") from None
    return mapping(read, "the record")


def mapping(value: Any, member: str) -> dict:
    """The JSON object; an absent one is empty. Raises Unusable."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Unusable("invalid_record", f"{member} is no object")
    return dict(value)


def listed(value: Any, member: str) -> list:
    """The JSON array; an absent one is empty. Raises Unusable."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unusable("invalid_record", f"{member} is no array")
    return value


def text(value: Any, member: str, required: bool = False) -> str | None:
    """Text that a table can hold; blank is the same as absent. Raises Unusable."""
    if value is None or (isinstance(value, str) and not value.strip()):
        if required:
            raise Unusable("missing_value", f"{member} is empty and required")
        return None
    if not isinstance(value, str):
        raise Unusable("invalid_record", f"{member} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unusable("invalid_text", f"{member} has half a surrogate pair in it") from None
    if "\0" in value:
        raise Unusable("invalid_text", f"{member} has a NUL in it")
    return value


def instant(value: Any, member: str, required: bool = False) -> datetime | None:
    """An ISO time as naive UTC; without an offset it is UTC. Raises Unusable."""
    said = text(value, member, required)
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise Unusable("invalid_timestamp", f"{member} is no ISO time") from None


def day(value: Any, member: str) -> date | None:
    """An ISO date. Raises Unusable."""
    said = text(value, member)
    try:
        return None if said is None else date.fromisoformat(said)
    except ValueError:
        raise Unusable("invalid_date", f"{member} is no ISO date") from None


def labels(value: Any, member: str) -> str | None:
    """A list of labels as sorted text joined by semicolons; None where there is none. Raises Unusable."""
    return ";".join(sorted({text(one, member, required=True) for one in listed(value, member)})) or None


def without_repeats(elements: Iterable[Any]) -> list[Any]:
    """The elements of a list, each once, ordered by their `id` and not by the vendor's page: a page repeats an element
    when others are added or removed while the list is read. Of several with the same id the last one read counts."""
    found: dict[tuple[str, str], Any] = {}
    for element in elements:
        identifier = element.get("id") if isinstance(element, dict) else None
        key = (identifier, "") if isinstance(identifier, str) else ("", dumps(element))
        found[key] = element
    return [found[key] for key in sorted(found)]
