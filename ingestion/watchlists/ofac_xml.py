"""OFAC's SDN.XML as records."""

from collections.abc import Iterator
from pathlib import Path

from ingestion.watchlists.dates import precision
from ingestion.watchlists.mentions import LABEL, labelled
from ingestion.watchlists.model import Found, Rejected, checked, child, entry, text_of
from ingestion.watchlists.xml import Rules, elements, every, record, say

_FACTS = {
    "id": ("idNumber", None),
    "dateOfBirthItem": ("dateOfBirth", "birth_date"),
    "nationality": ("country", "nationality"),
    "citizenship": ("country", "citizenship"),
}
RULES = Rules(
    root="sdnList",
    entry_id=("sdnEntry/uid",),
    tables={
        "entries": ("sdnList/sdnEntry",),
        "names": ("akaList/aka",),
        "places": ("addressList/address", "placeOfBirthList/placeOfBirthItem"),
        "identifiers": (
            "idList/id",
            "dateOfBirthList/dateOfBirthItem",
            "nationalityList/nationality",
            "citizenshipList/citizenship",
        ),
    },
    labelled=("idType",),
    stated=("Publish_Date",),
)


def parse(path: Path) -> Iterator[Found]:
    """The records of one publication, each entry followed by its parts; text as published."""
    seen: set[str] = set()
    for element in elements(path, "sdnEntry"):
        number = say(element, "uid")
        yield from checked(list(_entry(element, number or "")), number, seen)


def _entry(element, number: str) -> Iterator[Found]:
    programs = text_of((one.text for one in element.iterfind("programList/program")), "; ")
    text = record(element)
    yield entry(
        number,
        text,
        entry_type=say(element, "sdnType"),
        name=text_of((say(element, "lastName"), say(element, "firstName")), ", "),
        program=programs,
        remarks=say(element, "remarks"),
    )
    for one in every(element, "aka"):
        yield child(
            "names", number, name_no=say(one, "uid"), name_type=(say(one, "type") or "").strip(".") or None,
            name_quality=say(one, "category"), name=text_of((say(one, "lastName"), say(one, "firstName")), ", "),
        )  # fmt: skip
    for one in every(element, "address"):
        lines = text_of((say(one, f"address{n}") for n in (1, 2, 3)), ", ")
        city = text_of((say(one, tag) for tag in ("city", "stateOrProvince", "postalCode")), ", ")
        yield child(
            "places", number, place_no=say(one, "uid"), place_type="address", address=lines, city=city,
            country=say(one, "country"),
        )  # fmt: skip
    for one in every(element, "placeOfBirthItem"):
        yield child(
            "places", number, place_no=say(one, "uid"), place_type="birth_place",
            address=say(one, "placeOfBirth"),
        )  # fmt: skip
    mention_no = 0
    for one in every(element, *_FACTS):
        value, kind = say(one, _FACTS[one.tag][0]), _FACTS[one.tag][1] or say(one, "idType") or "unknown"
        if one.tag == "nationality" and one.getparent().tag != "nationalityList":
            continue
        how, problem = precision(value) if kind == "birth_date" else (None, None if value else "no_value")
        yield child(
            "identifiers", number, identifier_no=say(one, "uid"), identifier_type=kind, value=value,
            country=say(one, "idCountry"), date_precision_code=how, is_valid=problem is None,
            invalid_reason_code=problem,
            note=text_of((say(one, "issueDate"), say(one, "expirationDate")), " to "),
        )  # fmt: skip
        if kind.startswith(LABEL):
            mention_no += 1
            yield _address(number, f"{kind} {value or ''}", mention_no)


def _address(number: str, words: str, mention_no: int) -> Found:
    for _, code, address in labelled(words):
        if code is not None:
            return child("digital_currency_addresses", number, asset_code=code, address=address, mention_no=mention_no)
    reason = f"entry {number}: no currency code and address follow"
    return Rejected("digital_currency_addresses", "unreadable_mention", reason, words, number)
