"""The world's watchlist in the forms of the UN, the EU, the UK and OpenSanctions: the shapes, spellings and awkward
corners of the real ones.

Belongs here: how an edition is written. Serving it is in `publications`, OFAC's forms in `list_forms_ofac`.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from datetime import datetime

from sandbox.vendor.list_entries import ListEntry
from sandbox.vendor.markup import HEAD, each, element, tag

_UK_KINDS = {"individual": "Individual", "entity": "Entity", "vessel": "Ship"}


def un_xml(entries: list[ListEntry], at: datetime) -> bytes:
    """The consolidated list of the United Nations, with its empty place holders."""
    people, others = [], []
    for entry in entries:
        last, first = entry.names
        kind = "INDIVIDUAL" if entry.kind == "individual" else "ENTITY"
        names = tag("FIRST_NAME", first or last) + (tag("SECOND_NAME", last) if first else "")
        aliases = [
            element(f"{kind}_ALIAS", tag("QUALITY", "Good"), tag("ALIAS_NAME", name)) for _, name in entry.aliases
        ]
        places = [
            element(f"{kind}_ADDRESS", tag("STREET", street), tag("CITY", city), tag("COUNTRY", country))
            for _, street, city, country in entry.places
        ]
        born = ""
        if entry.born and entry.number % 3:
            born = tag("TYPE_OF_DATE", "EXACT") + tag("DATE", "{:04d}-{:02d}-{:02d}".format(*entry.born))
        elif entry.born:
            born = tag("TYPE_OF_DATE", "BETWEEN") + tag("FROM_YEAR", entry.born[0]) + tag("TO_YEAR", entry.born[0] + 2)
        (people if kind == "INDIVIDUAL" else others).append(
            element(
                kind, tag("DATAID", entry.number), tag("VERSIONNUM", 1), names, tag("UN_LIST_TYPE", entry.program),
                tag("REFERENCE_NUMBER", f"SBi.{entry.number}"), tag("LISTED_ON", "2024-05-01"),
                tag("COMMENTS1", entry.prose), *(aliases or [f"<{kind}_ALIAS><QUALITY/><ALIAS_NAME/></{kind}_ALIAS>"]),
                *(places or [f"<{kind}_ADDRESS/>"]),
                *([element("INDIVIDUAL_DATE_OF_BIRTH", born or "<TYPE_OF_DATE/>")] if kind == "INDIVIDUAL" else []),
                "<SORT_KEY/>",
            )
        )  # fmt: skip
    stamp = f'{HEAD}<CONSOLIDATED_LIST dateGenerated="{at:%Y-%m-%dT%H:%M:%S}.000Z">'
    return f"{stamp}{each('INDIVIDUALS', people)}{each('ENTITIES', others)}</CONSOLIDATED_LIST>\n".encode()


def eu_xml(entries: list[ListEntry], at: datetime) -> bytes:
    """The European Union's list: everything stands in attributes."""
    parts = [
        f'{HEAD}<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="{at:%Y-%m-%dT%H:%M:%S}.000+00:00">'
    ]
    for entry in entries:
        last, first = entry.names
        person = entry.kind == "individual"
        whole = f"{first} {last}".strip()
        names = [
            element(
                "nameAlias",
                firstName=first,
                middleName="",
                lastName=last,
                wholeName=whole,
                strong="true",
                logicalId=entry.number,
            )
        ]
        names += [
            element(
                "nameAlias",
                firstName="",
                lastName="",
                wholeName=name,
                strong="false",
                nameLanguage="EN",
                logicalId=number,
            )
            for number, name in entry.aliases
        ]
        places = [
            element(
                "address",
                street=street,
                city=city,
                countryDescription=country.upper(),
                countryIso2Code="00",
                logicalId=number,
            )
            for number, street, city, country in entry.places
        ]
        born = []
        if entry.born:
            year, month, day = entry.born
            whole_date = f"{year:04d}-{month:02d}-{day:02d}" if entry.number % 2 else None
            born = [
                element(
                    "birthdate",
                    circa=str(entry.number % 5 == 0).lower(),
                    birthdate=whole_date,
                    year=year,
                    city="",
                    calendarType="GREGORIAN",
                    logicalId=entry.number + 1,
                )
            ]
        parts.append(
            element(
                "sanctionEntity", *([tag("remark", entry.prose)] if entry.addresses else []),
                element("regulation", tag("publicationUrl", "https://eur.example/oj"), programme=entry.program,
                         regulationType="regulation", numberTitle="2024/1"),
                element("subjectType", code="person" if person else "enterprise",
                        classificationCode="P" if person else "E"),
                *names, *places, *born,
                designationDetails="", euReferenceNumber=f"EU.{entry.number}.11", logicalId=entry.number,
                designationDate="2024-05-01", unitedNationId="",
            )
        )  # fmt: skip
    return "".join([*parts, "</export>\n"]).encode()


def _uk_birth(entry: ListEntry) -> str:
    """Whole, without a day, or without day and month; one in twelve cannot be a date."""
    if not entry.born:
        return ""
    year, month, day = entry.born
    if entry.number % 12 == 7:
        return f"31/02/{year}"
    return (f"{day:02d}/{month:02d}/{year}", f"00/{month:02d}/{year}", f"dd/mm/{year}")[entry.number % 3]


def uk_xml(entries: list[ListEntry], at: datetime) -> bytes:
    """The UK Sanctions List in XML, with partial dates."""
    parts = [f"{HEAD}<Designations>", tag("DateGenerated", f"{at:%Y-%m-%dT%H:%M:%S}")]
    for entry in entries:
        last, first = entry.names
        names = [element("Name", tag("Name1", first), tag("Name6", last), tag("NameType", "Primary Name"))]
        names += [element("Name", tag("Name6", name), tag("NameType", "Alias")) for _, name in entry.aliases]
        places = (
            element("Address", tag("AddressLine1", street), tag("AddressLine2", city), tag("AddressCountry", country))
            for _, street, city, country in entry.places
        )
        person = entry.kind == "individual"
        details = each(
            "IndividualDetails",
            [element("Individual", each("DOBs", [tag("DOB", _uk_birth(entry))]))] if person else [],
        )
        ship = each(
            "ShipDetails",
            [element("Ship", each("IMONumbers", [tag("IMONumber", 9_000_000 + entry.number)]))]
            if entry.kind == "vessel"
            else [],
        )
        parts.append(
            element(
                "Designation", tag("LastUpdated", "01/05/2024"), tag("DateDesignated", "01/05/2024"),
                tag("UniqueID", f"SBX{entry.number}"), tag("OFSIGroupID", entry.number), each("Names", names),
                tag("RegimeName", entry.program),
                tag("IndividualEntityShip", _UK_KINDS[entry.kind]),
                tag("SanctionsImposed", "Asset freeze|Travel Ban"), tag("OtherInformation", entry.prose),
                each("Addresses", places), details, ship,
            )
        )  # fmt: skip
    return "".join([*parts, "</Designations>\n"]).encode()


UK_HEADER = (
    "Last Updated,Unique ID,OFSI Group ID,UN Reference Number,Name 6,Name 1,Name 2,Name 3,Name 4,Name 5,Name type,"
    "Alias strength,Title,Name non-latin script,Non-latin script type,Non-latin script language,Regime Name,"
    "Designation Type,Designation source,Sanctions Imposed,Other Information,UK Statement of Reasons,Address Line 1,"
    "Address Line 2,Address Line 3,Address Line 4,Address Line 5,Address Line 6,Address Postal Code,Address Country,"
    "Phone number,Website,Email address,Date Designated,D.O.B,Nationality(/ies),National Identifier number,"
    "National Identifier additional information,Passport number,Passport additional information,Position,Gender,"
    "Town of birth,Country of birth,Type of entity,Subsidiaries,Parent company,Business registration number (s),"
    "IMO number,Current owner/operator (s),Previous owner/operator (s),Current believed flag of ship,Previous flags,"
    "Type of ship,Tonnage of ship,Length of ship,Year Built,Hull identification number (HIN)"
)


def uk_csv(entries: list[ListEntry], at: datetime) -> bytes:
    """The UK Sanctions List in CSV: a line for each pair of a name and an address of an entry."""
    text = io.StringIO()
    text.write(f"Report Date: {at:%d-%b-%Y}\n")
    writer = csv.DictWriter(text, UK_HEADER.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        last, first = entry.names
        names = [(last, first, "Primary Name")] + [(name, "", "Alias") for _, name in entry.aliases]
        for last_name, first_name, kind in names:
            for _, street, city, country in entry.places or [("", "", "", "")]:
                writer.writerow(
                    {
                        "Unique ID": f"SBX{entry.number}", "OFSI Group ID": entry.number, "Name 6": last_name,
                        "Name 1": first_name, "Name type": kind, "Regime Name": entry.program,
                        "Designation Type": _UK_KINDS[entry.kind],
                        "Other Information": entry.prose, "Address Line 1": street, "Address Line 2": city,
                        "Address Country": country, "Date Designated": "01/05/2024",
                        "D.O.B": _uk_birth(entry) if entry.kind == "individual" else "",
                        "IMO number": 9_000_000 + entry.number if entry.kind == "vessel" else "",
                    }
                )  # fmt: skip
    return text.getvalue().encode()


def ftm_entities(entries: list[ListEntry], at: datetime) -> dict[str, dict]:
    """OpenSanctions entities by id: the listed ones, and a CryptoWallet for each of their addresses."""
    found = {}
    schemas = {"individual": "Person", "entity": "Organization", "vessel": "Vessel"}
    currencies = {"XBT": ("XBT", "Bitcoin"), "ETH": ("ETH", "Ethereum"), "USDT": ("USDT", "Tron")}
    for entry in entries:
        number = f"NK-sbx{entry.number}"
        last, first = entry.names
        properties = {"name": [f"{first} {last}".strip()], "alias": [name for _, name in entry.aliases],
                      "address": [", ".join(part for part in place[1:] if part) for place in entry.places],
                      "programId": [entry.program], "topics": ["sanction"]}  # fmt: skip
        if entry.born:
            properties["birthDate"] = ["-".join(f"{part:02d}" for part in entry.born[: 1 + entry.number % 3])]
        found[number] = _entity(number, schemas[entry.kind], properties, at)
        for code, address in entry.addresses:
            wallet = f"sbx-{hashlib.sha256(address.encode()).hexdigest()[:20]}"
            currency, chain = currencies[code]
            properties = {"publicKey": [address], "currency": [currency], "blockchain": [chain], "holder": [number],
                          "topics": ["sanction"]}  # fmt: skip
            found[wallet] = _entity(wallet, "CryptoWallet", properties, at)
    return found


def _entity(number: str, schema: str, properties: dict[str, list[str]], at: datetime) -> dict:
    held = {name: values for name, values in properties.items() if values}
    caption = (held.get("name") or held.get("publicKey"))[0]
    return {"id": number, "caption": caption, "schema": schema, "properties": held, "referents": [],
            "datasets": ["sandbox"], "first_seen": "2024-05-01T00:00:00", "last_seen": f"{at:%Y-%m-%dT%H:%M:%S}",
            "last_change": f"{at:%Y-%m-%dT%H:%M:%S}", "target": schema != "CryptoWallet"}  # fmt: skip


def ftm_lines(rows: Iterable[dict]) -> bytes:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def ftm_delta(before: dict[str, dict], now: dict[str, dict]) -> list[dict]:
    """What changed between two editions: whole entities added and modified, ids deleted."""

    def said(entity: dict) -> dict:
        return {key: value for key, value in entity.items() if key not in ("last_seen", "last_change")}

    added = [{"op": "ADD", "entity": now[number]} for number in now if number not in before]
    modified = [
        {"op": "MOD", "entity": now[number]}
        for number in now
        if number in before and said(now[number]) != said(before[number])
    ]
    return added + modified + [{"op": "DEL", "entity": {"id": number}} for number in before if number not in now]
