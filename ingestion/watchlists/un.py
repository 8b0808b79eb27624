"""The consolidated list of the United Nations Security Council as records."""

from collections.abc import Iterator
from pathlib import Path

from ingestion.watchlists.dates import precision
from ingestion.watchlists.mentions import unlabelled
from ingestion.watchlists.model import Found, checked, child, entry, text_of
from ingestion.watchlists.xml import Rules, elements, every, record, say

_KINDS = ("INDIVIDUAL", "ENTITY")
RULES = Rules(
    root="CONSOLIDATED_LIST",
    entry_id=("INDIVIDUAL/DATAID", "ENTITY/DATAID"),
    tables={
        "entries": ("INDIVIDUALS/INDIVIDUAL", "ENTITIES/ENTITY"),
        "names": ("ALIAS_NAME", "INDIVIDUAL/NAME_ORIGINAL_SCRIPT", "ENTITY/NAME_ORIGINAL_SCRIPT"),
        "places": ("INDIVIDUAL_ADDRESS", "INDIVIDUAL_PLACE_OF_BIRTH", "ENTITY_ADDRESS"),
        "identifiers": ("INDIVIDUAL_DATE_OF_BIRTH", "INDIVIDUAL_DOCUMENT", "NATIONALITY/VALUE"),
    },
    prose=("COMMENTS1",),
)


def parse(path: Path) -> Iterator[Found]:
    """The records of one publication, each entry followed by its parts; text as published."""
    seen: set[str] = set()
    for element in elements(path, *_KINDS):
        number = say(element, "DATAID")
        yield from checked(list(_entry(element, number or "")), number, seen)


def _entry(element, number: str) -> Iterator[Found]:
    remarks = say(element, "COMMENTS1")
    yield entry(
        number,
        record(element),
        entry_type=element.tag.lower(),
        name=text_of(say(element, f"{place}_NAME") for place in ("FIRST", "SECOND", "THIRD", "FOURTH")),
        program=say(element, "UN_LIST_TYPE"),
        listed_on_text=say(element, "LISTED_ON"),
        remarks=remarks,
    )
    for one in every(element, "ALIAS_NAME", "NAME_ORIGINAL_SCRIPT"):
        alias = one.getparent() if one.tag == "ALIAS_NAME" else None
        kind = "original_script" if alias is None else "alias"
        quality = None if alias is None else say(alias, "QUALITY")
        yield child(
            "names", number, name_type=kind, name_quality=quality,
            name=one.text.strip(), note=None if alias is None else say(alias, "NOTE"),
        )  # fmt: skip
    for one in every(element, "INDIVIDUAL_ADDRESS", "ENTITY_ADDRESS", "INDIVIDUAL_PLACE_OF_BIRTH"):
        kind = "birth_place" if one.tag == "INDIVIDUAL_PLACE_OF_BIRTH" else "address"
        city = text_of((say(one, tag) for tag in ("CITY", "STATE_PROVINCE", "ZIP_CODE")), ", ")
        parts = {"address": say(one, "STREET"), "city": city, "country": say(one, "COUNTRY"), "note": say(one, "NOTE")}
        yield child("places", number, place_type=kind, **parts)
    for one in every(element, "INDIVIDUAL_DATE_OF_BIRTH"):
        kind, value = say(one, "TYPE_OF_DATE"), _birth_date(one)
        how, problem = precision(value)
        if how and (kind or "").upper().startswith("APPROX"):
            how = "about"
        yield child(
            "identifiers", number, identifier_type="birth_date", value=value, date_precision_code=how,
            note=text_of((kind, say(one, "NOTE")), "; "), is_valid=problem is None, invalid_reason_code=problem,
        )  # fmt: skip
    for one in every(element, "INDIVIDUAL_DOCUMENT"):
        kind = text_of((say(one, "TYPE_OF_DOCUMENT"), say(one, "TYPE_OF_DOCUMENT2")), ": ") or "unknown"
        value, country = say(one, "NUMBER"), say(one, "COUNTRY_OF_ISSUE") or say(one, "ISSUING_COUNTRY")
        note = text_of((say(one, "DATE_OF_ISSUE"), say(one, "CITY_OF_ISSUE"), say(one, "NOTE")), "; ")
        yield child(
            "identifiers", number, identifier_type=kind,
            value=value, country=country, note=note, is_valid=value is not None,
            invalid_reason_code=None if value else "no_value",
        )  # fmt: skip
    for one in every(element, "VALUE"):
        if one.getparent().tag == "NATIONALITY":
            yield child(
                "identifiers", number, identifier_type="nationality", value=one.text.strip(),
            )  # fmt: skip
    for mention_no, (code, address) in enumerate(unlabelled(remarks), 1):
        yield child("digital_currency_addresses", number, asset_code=code, address=address, mention_no=mention_no)


def _birth_date(element) -> str | None:
    """A whole date, a year, or the two years between which it lies, whichever the entry gives."""
    return (
        say(element, "DATE")
        or say(element, "YEAR")
        or text_of((say(element, "FROM_YEAR"), say(element, "TO_YEAR")), " to ")
        or None
    )
