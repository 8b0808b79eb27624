"""The European Union's list of financial sanctions (FSF, XML 1.1) as records: everything stands in attributes."""

from collections.abc import Iterator
from pathlib import Path

from ingestion.watchlists.dates import precision
from ingestion.watchlists.mentions import unlabelled
from ingestion.watchlists.model import Found, checked, child, entry, text_of
from ingestion.watchlists.xml import Rules, elements, holds, record

RULES = Rules(
    root="export",
    entry_id=("@euReferenceNumber", "@logicalId"),
    tables={
        "entries": ("export/sanctionEntity",),
        "places": ("sanctionEntity/address",),
        "identifiers": (
            "sanctionEntity/identification",
            "sanctionEntity/birthdate",
            "sanctionEntity/citizenship",
        ),
    },
    first_is_primary=("sanctionEntity/nameAlias",),
    prose=("remark",),
)


def parse(path: Path) -> Iterator[Found]:
    """The records of one publication, each entry followed by its parts; text as published."""
    seen: set[str] = set()
    for element in elements(path, "sanctionEntity"):
        number = _of(element, "euReferenceNumber") or _of(element, "logicalId")
        yield from checked(list(_entry(element, number or "")), number, seen)


def _entry(element, number: str) -> Iterator[Found]:
    names = _below(element, "nameAlias")
    remarks = text_of((one.text for one in element.iter("remark")), "\n")
    programs = dict.fromkeys(_of(one, "programme") for one in _below(element, "regulation"))
    kinds = [_of(one, "code") for one in _below(element, "subjectType")]
    yield entry(
        number,
        record(element),
        entry_type=kinds[0] if kinds else None,
        name=_name(names[0]) if names else None,
        program=text_of(programs, "; "),
        listed_on_text=_of(element, "designationDate"),
        remarks=remarks,
    )
    for one in names[1:]:
        strong = {"true": "strong", "false": "weak"}.get((_of(one, "strong") or "").lower())
        yield child(
            "names", number, name_no=_of(one, "logicalId"),
            name_type="alias", name_quality=strong, name=_name(one),
            note=text_of((_of(one, "nameLanguage"), _of(one, "function")), "; "),
        )  # fmt: skip
    for one in _below(element, "address"):
        parts = {
            "address": text_of((_of(one, "street"), _of(one, "poBox"), _of(one, "place")), ", "),
            "city": text_of((_of(one, "city"), _of(one, "region"), _of(one, "zipCode")), ", "),
            "country": _of(one, "countryDescription") or _of(one, "countryIso2Code"),
            "note": text_of((f"{_of(c, 'key')}: {_of(c, 'value')}" for c in one.iter("contactInfo")), "; "),
        }
        yield child("places", number, place_no=_of(one, "logicalId"), place_type="address", **parts)
    for one in element.iterchildren("identification", "birthdate", "citizenship"):
        if holds(one):
            yield _identifier(number, one)
    found = (pair for one in element.iter("remark") for pair in unlabelled(one.text))
    for mention_no, (code, address) in enumerate(found, 1):
        yield child("digital_currency_addresses", number, asset_code=code, address=address, mention_no=mention_no)


def _identifier(number: str, one) -> Found:
    country = _of(one, "countryDescription") or _of(one, "countryIso2Code")
    how = None
    if one.tag == "birthdate":
        kind, value = "birth_date", _of(one, "birthdate") or _date(one)
        how, problem = precision(value)
        if how and (_of(one, "circa") or "").lower() == "true":
            how = "about"
        note = text_of((_of(one, "city"), _of(one, "place"), _of(one, "calendarType")), "; ")
    elif one.tag == "citizenship":
        kind, value, note = "citizenship", country, None
        problem = None if value else "no_value"
    else:
        kind = _of(one, "identificationTypeCode") or "unknown"
        value = _of(one, "number") or _of(one, "latinNumber")
        problem = None if value else "no_value"
        note = text_of((_of(one, "issuedBy"), _of(one, "issueDate")), "; ")
    return child(
        "identifiers", number, identifier_no=_of(one, "logicalId"),
        identifier_type=kind, value=value, country=country, date_precision_code=how, note=note,
        is_valid=problem is None, invalid_reason_code=problem,
    )  # fmt: skip


def _date(one) -> str | None:
    """Year, month and day from attributes of their own; 0 is how the list leaves one open."""
    parts = [(_of(one, name) or "").strip("0 ") and _of(one, name) for name in ("year", "monthOfYear", "dayOfMonth")]
    parts[1] = parts[1] or ((_of(one, "month") or "").strip("0 ") and _of(one, "month"))
    parts[2] = parts[2] or ((_of(one, "day") or "").strip("0 ") and _of(one, "day"))
    year, month, day = parts
    if not year:
        return text_of((_of(one, "yearRangeFrom"), _of(one, "yearRangeTo")), " to ")
    return "-".join([year, *([month.zfill(2)] if month else []), *([day.zfill(2)] if month and day else [])])


def _name(one) -> str | None:
    return _of(one, "wholeName") or text_of(_of(one, f"{part}Name") for part in ("first", "middle", "last"))


def _below(element, tag: str) -> list:
    return [one for one in element.iterchildren(tag) if holds(one)]


def _of(element, name: str) -> str | None:
    return (element.get(name) or "").strip() or None
