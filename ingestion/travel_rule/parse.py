"""Travel-rule messages as records: one row a message and one a person in it.

Belongs here: pure functions from a file's bytes to records or the reason why not. Reasons name members, never values.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa
from pydantic import ValidationError

from ingestion import bounded
from ingestion.records import AMOUNT, TIMESTAMP
from ingestion.travel_rule import count
from ingestion.travel_rule.models import Entity, Identity, Message, Person

MESSAGES = pa.schema(
    [
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("direction_code", pa.string(), nullable=False),
        pa.field("status_code", pa.string(), nullable=False),
        pa.field("transfer_reference_id", pa.string()),
        pa.field("tx_hash", pa.string()),
        pa.field("address", pa.string()),
        pa.field("asset_code", pa.string()),
        pa.field("amount", AMOUNT),
        pa.field("created_at", TIMESTAMP, nullable=False),
        pa.field("updated_at", TIMESTAMP),
        pa.field("ivms_version_code", pa.string(), nullable=False),
        pa.field("originator_accounts", pa.string()),
        pa.field("beneficiary_accounts", pa.string()),
        pa.field("message_json", pa.string(), nullable=False),
    ]
)
PERSONS = pa.schema(
    [
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("person_no", pa.int64(), nullable=False),
        pa.field("role_code", pa.string(), nullable=False),
        pa.field("person_type_code", pa.string(), nullable=False),
        pa.field("person_name", pa.string()),
        pa.field("name_type_code", pa.string()),
        pa.field("address_text", pa.string()),
        pa.field("address_country_code", pa.string()),
        pa.field("national_identifier_id", pa.string()),
        pa.field("national_identifier_type", pa.string()),
        pa.field("national_identifier_country_code", pa.string()),
        pa.field("birth_date_text", pa.string()),
        pa.field("birth_place", pa.string()),
        pa.field("customer_id", pa.string()),
        pa.field("country_code", pa.string()),
    ]
)
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_V2023 = re.compile(
    r'"(?:originator|beneficiary)_?person"\s*:|"natural_?person_?name_?identifier_?type"\s*:|"101\.2023"', re.IGNORECASE
)


class Unusable(Exception):
    """A message that cannot be used; `code` for counting, the message for people, without any value of it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class Read:
    """One record of a file: its text, and either the rows of the message or what is wrong with it. `source` is what the
    count sees of it."""

    text: str
    source: bytes
    message: dict | None = None
    persons: list[dict] = field(default_factory=list)
    problem: Unusable | None = None
    added: set[str] = field(default_factory=set)


def read(raw: bytes, is_lines: bool) -> Iterator[Read]:
    """The records of a file in order: lines of JSON, or one message or an array of them. A file that is no JSON as a
    whole gives as many unusable records as the patterns count in it, at least one."""
    if is_lines:
        for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            if line.strip():
                yield _record(line)
        return
    try:
        elements = list(_elements(raw.decode("utf-8-sig")))
    except ValueError as error:
        text = raw.decode("utf-8", "backslashreplace")
        problem = Unusable("invalid_json", f"the file is not JSON ({_said(error)})")
        for number, source in enumerate(count.messages(raw, is_lines)):
            yield Read(text if number == 0 else "(in the same file)", source, problem=problem)
        return
    for element in elements:
        yield _record(element.encode("utf-8", "surrogatepass"))


def _elements(text: str) -> Iterator[str]:
    """The text of each element of a JSON array, or the text itself where it is none."""
    body = text.strip()
    bounded.json_of(body)
    if not body.startswith("["):
        yield body
        return
    decoder, at = json.JSONDecoder(), _BETWEEN.match(body, 1).end()
    while body[at] != "]":
        _, end = decoder.raw_decode(body, at)
        yield body[at:end]
        at = _BETWEEN.match(body, end).end()


def _record(raw: bytes) -> Read:
    text = raw.decode("utf-8", "backslashreplace").strip()
    try:
        return _parsed(raw, text)
    except Unusable as problem:
        return Read(text, raw, problem=problem)


def _parsed(raw: bytes, text: str) -> Read:
    try:
        whole = bounded.json_of(raw.decode("utf-8"), parse_float=Decimal, object_pairs_hook=_once)
    except ValueError as error:
        raise Unusable("invalid_json", f"the record is not JSON ({_said(error)})") from None
    if not isinstance(whole, dict):
        raise Unusable("invalid_message", "the record is no JSON object")
    added: set[str] = set()
    try:
        message = Message.model_validate(whole, context=added)
    except ValidationError as error:
        raise Unusable("invalid_message", _sentence(error)) from None
    except RecursionError:
        raise Unusable("invalid_message", "the record is nested too deeply") from None
    persons = [_person(message.messageid, number, *one) for number, one in enumerate(message.ivms101.people(), 1)]
    if (named := count.persons(raw)) != len(persons):
        raise Unusable(
            "unplaced_person", f"the message names {named} persons, {len(persons)} of them where IVMS101 has them"
        )
    row = _message(message, text)
    for values in (row, *persons):
        for member, value in values.items():
            if isinstance(value, str) and not _is_text(value):
                raise Unusable("invalid_text", f"{member} has a NUL or half a surrogate pair in it")
    return Read(text, raw, row, persons, added=added)


def _message(message: Message, text: str) -> dict:
    identity: Identity = message.ivms101
    return {
        "message_id": message.messageid,
        "direction_code": message.direction,
        "status_code": message.status,
        "transfer_reference_id": _said_text(message.transferreference),
        "tx_hash": _said_text(message.txhash),
        "address": _said_text(message.address),
        "asset_code": _said_text(message.asset),
        "amount": message.amount,
        "created_at": message.createdat,
        "updated_at": message.updatedat,
        "ivms_version_code": "101.2023" if _V2023.search(text) else "101",
        "originator_accounts": _joined(identity.originator.accountnumber),
        "beneficiary_accounts": _joined(identity.beneficiary.accountnumber),
        "message_json": text,
    }


def _person(message_id: str, number: int, role: str, person: Person) -> dict:
    entity: Entity = person.naturalperson or person.legalperson
    name = entity.name.legal
    address = next((one for one in entity.geographicaddress if one.text), None)
    identification, birth = entity.nationalidentification, entity.dateandplaceofbirth
    return {
        "message_id": message_id,
        "person_no": number,
        "role_code": role,
        "person_type_code": "natural" if person.naturalperson else "legal",
        "person_name": name.text if name else None,
        "name_type_code": name.nameidentifiertype if name else None,
        "address_text": address.text if address else None,
        "address_country_code": address.country if address else None,
        "national_identifier_id": _said_text(identification.nationalidentifier),
        "national_identifier_type": identification.nationalidentifiertype,
        "national_identifier_country_code": identification.countryofissue,
        "birth_date_text": _said_text(birth.dateofbirth),
        "birth_place": _said_text(birth.placeofbirth),
        "customer_id": _said_text(entity.customeridentification),
        "country_code": entity.countryofresidence or entity.countryofregistration,
    }


def _said_text(value: str | None) -> str | None:
    """Blank is the same as absent."""
    return value if value and value.strip() else None


def _joined(accounts: list[str]) -> str | None:
    return ";".join(account for account in accounts if account.strip()) or None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _once(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is given twice")
    return found


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return type(error).__name__ if isinstance(error, UnicodeError) else str(error)


def _sentence(error: ValidationError) -> str:
    """What pydantic found, without the values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    said = [f"{'.'.join(map(str, problem['loc'])) or 'the message'}: {problem['msg']}" for problem in problems[:5]]
    return "; ".join(said) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
