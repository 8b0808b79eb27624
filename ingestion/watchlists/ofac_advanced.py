"""OFAC's advanced XML (SDN_ADVANCED.XML, more than 80 MB) as records.

Every code is an id that the document's own reference sets explain; none of them is known here, for they change. What
belongs to a party stands in four places, so the file is read twice: first the small parts that parties refer to, then
one party after another.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.watchlists.dates import precision
from ingestion.watchlists.mentions import LABEL
from ingestion.watchlists.model import Found, Rejected, checked, child, entry, text_of
from ingestion.watchlists.xml import Rules, Walk, elements, local, record

RULES = Rules(
    root="Sanctions",
    entry_id=("@FixedRef",),
    tables={
        "entries": ("DistinctParties/DistinctParty",),
        "identifiers": ("IDRegDocuments/IDRegDocument",),
    },
    first_is_primary=("Alias/DocumentedName",),
    stated=("Year", "Month", "Day"),  # of DateOfIssue, the first date of the document
)
_REFERENCES = {
    "FeatureType": "feature", "AliasType": "alias", "IDRegDocType": "document", "PartySubType": "party_kind",
    "PartyType": "party", "NamePartType": "name_part", "LocPartType": "location_part", "AreaCode": "area",
    "Country": "country",
}  # fmt: skip
# All of them are asked for in both passes: only what is asked for is forgotten again
_PIECES = (
    *_REFERENCES, "Location", "IDRegDocument", "DistinctParty", "ProfileRelationship", "SanctionsEntry",
    "SanctionsEntryLink",
)  # fmt: skip
_CITY = ("CITY", "STATE/PROVINCE", "POSTAL CODE", "REGION")


class AdvancedWalk(Walk):
    """The count: a feature is a place where it refers to a location, else an identifier, and a digital-currency address
    where the reference set says so of its type."""

    def __init__(self) -> None:
        super().__init__(RULES, _PIECES)
        self._types: dict[str, str] = {}
        self._used: dict[tuple[str, str], int] = defaultdict(int)  # by type of feature and party
        self._documents: list[str] = []
        self._party_of: dict[str, str] = {}
        self._type = self._feature = None
        self._located = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        super().start(tag, attributes)
        name = local(tag)
        if name == "FeatureType":
            self._type = attributes.get("ID", "")
        elif name == "Feature":
            self._feature = attributes.get("FeatureTypeID", "")
        elif name == "FeatureVersion":
            self._located = False
        elif name == "VersionLocation":
            self._located = True
        elif name == "IDRegDocument":
            self._documents.append(attributes.get("IdentityID", ""))
        elif name == "Identity" and self.entry_id:
            self._party_of.setdefault(attributes.get("ID", ""), self.entry_id)

    def found(self, table: str, tag: str, times: int = 1) -> None:
        if tag != "IDRegDocument":  # whose it is, is said further on
            super().found(table, tag, times)

    def text(self, data: str) -> None:
        super().text(data)
        if self._type is not None:
            self._types[self._type] = self._types.get(self._type, "") + data

    def end(self, tag: str) -> None:
        super().end(tag)
        name = local(tag)
        if name == "FeatureType":
            self._type = None
        elif name == "FeatureVersion":
            self.found("places" if self._located else "identifiers", name)
            if not self._located:
                self._used[self._feature, self.entry_id] += 1
        elif name == self.rules.root:
            for identity in self._documents:
                self.counted.add("identifiers", self._party_of.get(identity, ""))
            for (code, party), times in self._used.items():
                if self._types.get(code, "").strip().startswith(LABEL):
                    self.counted.add("digital_currency_addresses", party, times)


@dataclass
class _Reference:
    """What the parties refer to."""

    values: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    party_of_kind: dict[str, str] = field(default_factory=dict)
    locations: dict[str, dict[str, str | None]] = field(default_factory=dict)
    documents: dict[str, list[dict]] = field(default_factory=lambda: defaultdict(list))
    programs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    listed: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str, code: str | None) -> str | None:
        return self.values[kind].get(code or "")


def parse(path: Path) -> Iterator[Found]:
    """The records of one publication, each party followed by its parts; text as published."""
    known, seen = _first_pass(path), set()
    for element in elements(path, *_PIECES):
        if element.tag != "DistinctParty":
            continue
        number = element.get("FixedRef")
        yield from checked(list(_party(element, number or "", known)), number, seen)
    for documents in known.documents.values():
        for document in documents:
            reason = "the document is of nobody on the list"
            yield Rejected("identifiers", "document_without_party", reason, document["note"] or str(document))


def _first_pass(path: Path) -> _Reference:
    known = _Reference()
    for one in elements(path, *_PIECES):
        if one.tag in _REFERENCES:
            text = (one.text or "").strip() or one.get("Description") or ""
            known.values[_REFERENCES[one.tag]][one.get("ID", "")] = text
            if one.tag == "PartySubType":
                known.party_of_kind[one.get("ID", "")] = one.get("PartyTypeID", "")
        elif one.tag == "Location":
            known.locations[one.get("ID", "")] = _location(one, known)
        elif one.tag == "IDRegDocument":
            known.documents[one.get("IdentityID", "")].append(_document(one, known))
        elif one.tag == "SanctionsEntry":
            _sanctions(one, known)
    return known


def _location(one, known: _Reference) -> dict[str, str | None]:
    country = next((known.of("country", c.get("CountryID")) for c in one.iter("LocationCountry")), None)
    area = next((known.of("area", a.get("AreaCodeID")) for a in one.iter("LocationAreaCode")), None)
    street, city = [], []
    for part in one.iter("LocationPart"):
        kind = (known.of("location_part", part.get("LocPartTypeID")) or "").upper()
        value = text_of((value.text for value in part.iter("Value")), ", ")
        (city if kind in _CITY else street).append(value)
    return {"address": text_of(street, ", "), "city": text_of(city, ", "), "country": country or area}


def _document(one, known: _Reference) -> dict:
    value = text_of(number.text for number in one.iter("IDRegistrationNo"))
    dates = text_of((_date(date) for date in one.iter("DocumentDate")), "; ")
    kind = known.of("document", one.get("IDRegDocTypeID"))
    return {
        "identifier_no": one.get("ID"),
        "identifier_type": kind or f"unknown IDRegDocTypeID {one.get('IDRegDocTypeID')}",
        "value": value,
        "country": known.of("country", one.get("IssuedBy-CountryID")),
        "note": dates,
        "is_valid": bool(value and kind),
        "invalid_reason_code": None if value and kind else "no_value" if kind else "unknown_type",
    }


def _sanctions(one, known: _Reference) -> None:
    profile = one.get("ProfileID", "")
    comments = (text_of(comment.text for comment in one.iter("Comment") if comment.getparent() is measure)
                for measure in one.iter("SanctionsMeasure"))  # fmt: skip
    known.programs[profile] += [text for text in comments if text]
    for event in one.iter("EntryEvent"):
        if date := next(map(_date, event.iter("Date")), None):
            known.listed.setdefault(profile, date)


def _party(element, number: str, known: _Reference) -> Iterator[Found]:
    profile = next(element.iter("Profile"), element)
    profile_id, kind_id = profile.get("ID", ""), profile.get("PartySubTypeID")
    kind = known.of("party_kind", kind_id)
    if not kind or kind.lower() == "unknown":
        kind = known.of("party", known.party_of_kind.get(kind_id or "", "")) or kind
    parts = {one.get("ID"): known.of("name_part", one.get("NamePartTypeID")) for one in element.iter("NamePartGroup")}
    names = list(element.iter("DocumentedName"))
    primary = next((name for name in names if name.getparent().get("Primary") == "true"), names[0] if names else None)
    about = {
        "entry_type": kind,
        "name": None if primary is None else _name(primary, parts),
        "program": text_of(dict.fromkeys(known.programs.get(profile_id, [])), "; "),
        "listed_on_text": known.listed.get(profile_id),
        "remarks": text_of((comment.text for comment in element.iterchildren("Comment")), "\n"),
    }
    below = list(_parts(element, number, known, parts, names, primary))
    # Not the party's own element: programmes and places stand elsewhere, and the ids of the reference sets change
    content = [about, *(_said(one) for one in below)]
    yield entry(number, record(element), content=json.dumps(content, ensure_ascii=False, default=str), **about)
    yield from below


def _said(found: Found) -> object:
    """What a part says, without its number."""
    if isinstance(found, Rejected):
        return [found.table, found.raw]
    return [found[0], {name: value for name, value in found[1].items() if not name.endswith("_no")}]


def _parts(element, number: str, known: _Reference, parts: Mapping, names: list, primary: object) -> Iterator[Found]:
    for name in names:
        if name is not primary:
            alias = name.getparent()
            yield child(
                "names", number, name_no=name.get("ID"), name_type=known.of("alias", alias.get("AliasTypeID")),
                name_quality="weak" if alias.get("LowQuality") == "true" else "strong", name=_name(name, parts),
            )  # fmt: skip
    mention_no = 0
    for feature in element.iter("Feature"):
        kind = known.of("feature", feature.get("FeatureTypeID"))
        for version in feature.iter("FeatureVersion"):
            row = _feature(version, kind, feature.get("FeatureTypeID"), known)
            if "place_no" in row:
                yield child("places", number, **row)
                continue
            yield child("identifiers", number, **row)
            if kind and kind.startswith(LABEL):
                mention_no += 1
                yield _address(number, kind.removeprefix(LABEL).strip(), row["value"], mention_no)
    for identity in element.iter("Identity"):
        for document in known.documents.pop(identity.get("ID", ""), []):
            yield child("identifiers", number, **document)


def _address(number: str, code: str, address: str | None, mention_no: int) -> Found:
    if code and address:
        return child("digital_currency_addresses", number, asset_code=code, address=address, mention_no=mention_no)
    reason = f"party {number}: a digital currency address without currency or address"
    return Rejected(
        "digital_currency_addresses", "unreadable_mention", reason, f"{LABEL}{code} {address or ''}", number
    )


def _feature(version, kind: str | None, code: str | None, known: _Reference) -> dict:
    located = [known.locations.get(one.get("LocationID", ""), {}) for one in version.iter("VersionLocation")]
    comment = text_of((one.text for one in version.iterchildren("Comment")), "; ")
    if located:
        where = {name: text_of((one.get(name) for one in located), "; ") for name in ("address", "city", "country")}
        return {"place_no": version.get("ID"), "place_type": kind or f"unknown FeatureTypeID {code}"} | where | {
            "note": comment
        }  # fmt: skip
    value = text_of((one.text for one in version.iter("VersionDetail")), "; ")
    periods = [_period(one) for one in version.iter("DatePeriod")]
    value = value or text_of(periods, "; ")
    is_birth = (kind or "").lower() == "birthdate"
    how, problem = precision(value) if is_birth else (None, None if value or comment else "no_value")
    if kind is None:
        problem = "unknown_type"
    return {
        "identifier_no": version.get("ID"),
        "identifier_type": "birth_date" if is_birth else kind or f"unknown FeatureTypeID {code}",
        "value": value or comment,
        "date_precision_code": how,
        "note": comment if value else None,
        "is_valid": problem is None,
        "invalid_reason_code": problem,
    }


def _period(period) -> str | None:
    """A day, or the first and last day of the period: the publisher writes a month or a year as its days."""
    ends = [next(map(_date, one.iter("From" if one.tag == "Start" else "To")), None)
            for one in period.iter("Start", "End")]  # fmt: skip
    ends = list(dict.fromkeys(end for end in ends if end))
    return " to ".join(ends) or None


def _date(one) -> str | None:
    parts = [next((part.text or "" for part in one.iter(name)), "").strip() for name in ("Year", "Month", "Day")]
    if not parts[0]:
        return None
    return "-".join([parts[0], *(part.zfill(2) for part in parts[1:] if part)])


def _name(name, parts: Mapping[str, str | None]) -> str | None:
    """The last name first, as in the other forms of the list: `LAST, First Middle`."""
    last, rest = [], []
    for value in name.iter("NamePartValue"):
        kind = (parts.get(value.get("NamePartGroupID", "")) or "").lower()
        (last if kind == "last name" else rest).append(value.text)
    return text_of((text_of(last), text_of(rest)), ", ")
