"""The UK Sanctions List as records, from its XML and its CSV form.

Dates keep their text, also a partial one (`dd/mm/1965`, `00/00/1965`): see `dates`.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import duckdb

from ingestion import bounded
from ingestion.deliveries import LONGEST_LINE
from ingestion.watchlists.dates import precision
from ingestion.watchlists.mentions import unlabelled
from ingestion.watchlists.model import Found, Rejected, UnusablePublication, checked, child, entry, text_of
from ingestion.watchlists.xml import Counted, Rules, elements, every, holds, record, say

_FACTS = {
    "DOB": "birth_date",
    "Nationality": "nationality",
    "NationalIdentifierNumber": "national_identifier",
    "PassportNumber": "passport",
    "IMONumber": "imo",
    "BusinessRegistrationNumber": "business_registration",
}
RULES = Rules(
    root="Designations",
    entry_id=("Designation/UniqueID",),
    tables={
        "entries": ("Designations/Designation",),
        "names": ("NameNonLatinScript",),
        "places": ("Addresses/Address", "BirthDetails/Location"),
        "identifiers": tuple(_FACTS),
    },
    first_is_primary=("Names/Name",),
    prose=("OtherInformation",),
    stated=("DateGenerated",),
)
_PARTS = ("Name1", "Name2", "Name3", "Name4", "Name5", "Name6")


def parse_xml(path: Path) -> Iterator[Found]:
    """The records of one publication, each entry followed by its parts; text as published."""
    seen: set[str] = set()
    for element in elements(path, "Designation"):
        number = say(element, "UniqueID")
        yield from checked(list(_designation(element, number or "")), number, seen)


def _designation(element, number: str) -> Iterator[Found]:
    remarks = say(element, "OtherInformation")
    names = [one for one in element.iterfind("Names/Name") if holds(one)]
    primary = next((one for one in names if (say(one, "NameType") or "").lower() == "primary name"), None)
    primary = names[0] if primary is None and names else primary
    yield entry(
        number,
        record(element),
        entry_type=say(element, "IndividualEntityShip"),
        name=None if primary is None else text_of(say(primary, part) for part in _PARTS),
        program=say(element, "RegimeName"),
        listed_on_text=say(element, "DateDesignated"),
        remarks=remarks,
    )
    for one in names:
        if one is not primary:
            kind, quality = say(one, "NameType"), say(one, "AliasStrength")
            name = text_of(say(one, part) for part in _PARTS)
            yield _name(number, kind, quality, name)
    for one in every(element, "NameNonLatinScript"):
        yield _name(number, "non_latin_script", None, one.text.strip())
    for path, kind in (("Addresses/Address", "address"), ("BirthDetails/Location", "birth_place")):
        for one in element.iterfind(f".//{path}"):
            if holds(one):
                lines = [say(one, f"AddressLine{line}") for line in range(1, 7)]
                city = text_of((say(one, "AddressPostalCode"), say(one, "TownOfBirth")))
                yield _place(number, kind, lines, city, say(one, "AddressCountry") or say(one, "CountryOfBirth"))
    for one in every(element, *_FACTS):
        yield _identifier(number, _FACTS[one.tag], "".join(one.itertext()).strip())
    yield from _mentions(number, remarks)


def _name(number: str, kind: str | None, quality: str | None, name: str | None) -> Found:
    return child("names", number, name_type=kind, name_quality=quality, name=name)


def _place(number: str, kind: str, lines: list[str | None], city: str | None, country: str | None) -> Found:
    address = text_of(lines, ", ")
    return child(
        "places", number, place_type=kind, address=address,
        city=city, country=country,
    )  # fmt: skip


def _identifier(number: str, kind: str, value: str) -> Found:
    how, problem = precision(value) if kind == "birth_date" else (None, None)
    return child(
        "identifiers", number, identifier_type=kind, value=value,
        date_precision_code=how, is_valid=problem is None, invalid_reason_code=problem,
    )  # fmt: skip


def _mentions(number: str, remarks: str | None) -> Iterator[Found]:
    for mention_no, (code, address) in enumerate(unlabelled(remarks), 1):
        yield child("digital_currency_addresses", number, asset_code=code, address=address, mention_no=mention_no)


_CSV_NAMES = ("Name 6", "Name 1", "Name 2", "Name 3", "Name 4", "Name 5", "Name type", "Alias strength")
_CSV_PLACE = tuple(f"Address Line {n}" for n in range(1, 7)) + ("Address Postal Code", "Address Country")
_CSV_FACTS = {
    "D.O.B": "birth_date",
    "Nationality(/ies)": "nationality",
    "National Identifier number": "national_identifier",
    "Passport number": "passport",
    "IMO number": "imo",
    "Business registration number (s)": "business_registration",
}
_CSV_NEEDED = ("Unique ID", *_CSV_NAMES[:7], *_CSV_PLACE, *_CSV_FACTS, "Other Information", "Designation Type")


def parse_csv(path: Path) -> Iterator[Found]:
    """The same from the CSV form, where an entry has a line for each of its names and addresses: what its lines repeat
    is one record."""
    width = None
    by_entry: dict[str, list[dict]] = {}
    for number, line in enumerate(_lines(path)):
        if number == 0:
            header, width = line, len(line)
        elif len(line) != width:
            yield Rejected("entries", "malformed_row", f"{len(line)} fields instead of {width}", ",".join(line))
        else:
            row = dict(zip(header, (text.strip() for text in line), strict=True))
            by_entry.setdefault(row["Unique ID"], []).append(row)
    for number, rows in by_entry.items():
        yield from checked(list(_lines_of(number, rows)), number, set())


def _lines_of(number: str, rows: list[dict]) -> Iterator[Found]:
    first = rows[0]
    names = _distinct(rows, _CSV_NAMES)
    primary = next((name for name in names if name[6].lower() == "primary name"), names[0] if names else None)
    remarks = text_of(dict.fromkeys(row["Other Information"] for row in rows), "\n")
    yield entry(
        number,
        json.dumps(rows, ensure_ascii=False),
        entry_type=first["Designation Type"] or None,
        name=primary and text_of((*primary[1:6], primary[0])),
        program=first.get("Regime Name") or None,
        listed_on_text=first.get("Date Designated") or None,
        remarks=remarks,
    )
    for name in names:
        if name is not primary:
            yield _name(number, name[6] or None, name[7] or None, text_of((*name[1:6], name[0])))
    for (name,) in _distinct(rows, ("Name non-latin script",)):
        yield _name(number, "non_latin_script", None, name)
    for place in _distinct(rows, _CSV_PLACE):
        yield _place(number, "address", list(place[:6]), place[6] or None, place[7] or None)
    for column, kind in _CSV_FACTS.items():
        for (value,) in _distinct(rows, (column,)):
            yield _identifier(number, kind, value)
    yield from _mentions(number, remarks)


def _distinct(rows: list[dict], columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """What the lines say in these columns, once each, where they say anything."""
    found = dict.fromkeys(tuple(row.get(column, "") for column in columns) for row in rows)
    return [values for values in found if any(values)]


def _lines(path: Path) -> Iterator[list[str]]:
    """The header, then the lines; the first line of the file (`Report Date: ...`) is none of them."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = bounded.csv_rows(stream)
        next(reader, None)
        yield from (line for line in reader if any(line))


def count_csv(path: Path) -> Counted:
    """Records by table with DuckDB's CSV reader over the file. Raises UnusablePublication for what is empty, cut off,
    or has other columns, Oversized for what must not be held in memory."""
    if report_date(path) is None:
        raise UnusablePublication("its first line is not 'Report Date: ...'")
    raw = bounded.lines(path)
    if raw.count(b'"') % 2:
        raise UnusablePublication("it has a quote that is never closed, it may be cut off")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UnusablePublication("it is not UTF-8 text, it may be cut off") from None
    header = next(_lines(path), [])
    if missing := [name for name in _CSV_NEEDED if name not in header]:
        raise UnusablePublication(f"it lacks the columns {', '.join(missing)}")
    rows = _read_again(path, header)
    counted = Counted(names={name for name in header if name})
    whole = [row for row in rows if row is not None]
    counted.add("entries", "", len(rows) - len(whole))  # lines of another width, each rejected
    for number, lines in groupby(sorted(whole, key=itemgetter("Unique ID")), key=itemgetter("Unique ID")):
        lines = list(lines)
        said = {columns: len(_told(lines, columns)) for columns in (_CSV_NAMES, _CSV_PLACE, ("Name non-latin script",))}
        mentions = [unlabelled(text) for (text,) in _told(lines, ("Other Information",))]
        counted.add("entries", number)
        counted.add("names", number, max(said[_CSV_NAMES] - 1, 0) + said[("Name non-latin script",)])
        counted.add("places", number, said[_CSV_PLACE])
        counted.add("identifiers", number, sum(len(_told(lines, (column,))) for column in _CSV_FACTS))
        counted.add("digital_currency_addresses", number, sum(1 for found in mentions for _ in found))
    return counted


def report_date(path: Path) -> str | None:
    """What the first line says of the day of the report."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        name, _, day = stream.readline(200).partition(":")
    return day.strip(" ,\r\n") if name == "Report Date" else None


def _told(lines: list[Mapping[str, str]], columns: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {said for line in lines if any(said := tuple(line.get(column, "") for column in columns))}


def _read_again(path: Path, header: list[str]) -> list[dict[str, str] | None]:
    """The lines by DuckDB, None for one of another width."""
    columns = {f"c{number}": "varchar" for number in range(len(header))}
    with duckdb.connect() as connection:
        found = connection.execute(
            "select * from read_csv(?, header=false, skip=2, columns=?, quote='\"', escape='\"', delim=',', "
            "auto_detect=false, ignore_errors=true, store_rejects=true, parallel=false, max_line_size=?, "
            "hive_partitioning=false)",  # a folder delivery=... would become a column
            [str(path), columns, LONGEST_LINE],
        )  # fmt: skip
        rows = [dict(zip(header, ((value or "").strip() for value in row), strict=True)) for row in found.fetchall()]
        ((bad,),) = connection.execute("select count(distinct line) from reject_errors").fetchall()
    return [*(row for row in rows if any(row.values())), *[None] * bad]
