"""The world's watchlist in OFAC's two XML forms. Its CSV form is what the world itself writes."""

import random
from datetime import datetime
from xml.sax.saxutils import escape

from sandbox.vendor.list_entries import ListEntry
from sandbox.vendor.markup import HEAD, each, element, tag

OFAC_NAMESPACE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports"


def ofac_sdn_xml(entries: list[ListEntry], at: datetime) -> bytes:
    """SDN.XML, with OFAC's own misspelling in the head."""
    about = tag("Publish_Date", f"{at:%m/%d/%Y}") + tag("Record_Count", len(entries))
    parts = [f'{HEAD}<sdnList xmlns="{OFAC_NAMESPACE}/XML"><publshInformation>{about}</publshInformation>']
    for entry in entries:
        last, first = entry.names
        ids = (
            element("id", tag("uid", entry.number * 100 + n), tag("idType", f"Digital Currency Address - {code}"),
                     tag("idNumber", address))
            for n, (code, address) in enumerate(entry.addresses)
        )  # fmt: skip
        akas = (
            element("aka", tag("uid", number), tag("type", "a.k.a."), tag("category", "strong"), tag("lastName", name))
            for number, name in entry.aliases
        )
        places = (
            element("address", tag("uid", number), tag("address1", street), tag("city", city), tag("country", country))
            for number, street, city, country in entry.places
        )
        born = entry.born and element(
            "dateOfBirthItem", tag("uid", entry.number * 100 + 99),
            tag("dateOfBirth", f"{entry.born[2]:02d} {datetime(*entry.born):%b} {entry.born[0]}"),
            tag("mainEntry", "true"),
        )  # fmt: skip
        parts.append(
            element(
                "sdnEntry", tag("uid", entry.number), tag("firstName", first), tag("lastName", last),
                tag("sdnType", entry.kind.capitalize()), each("programList", [tag("program", entry.program)]),
                each("idList", ids), each("akaList", akas), each("addressList", places),
                each("dateOfBirthList", [born] if born else []),
            )
        )  # fmt: skip
    return "".join([*parts, "</sdnList>\n"]).encode()


def ofac_advanced_xml(entries: list[ListEntry], at: datetime) -> bytes:
    """SDN_ADVANCED.XML: the ids of the reference sets are shuffled anew in every edition."""
    rng = random.Random(f"{at:%Y-%m-%d}")
    codes = sorted({code for entry in entries for code, _ in entry.addresses})
    kinds = ["Birthdate", "Location", *(f"Digital Currency Address - {code}" for code in codes)]
    ids = dict(zip(kinds, rng.sample(range(1, 900), len(kinds)), strict=True))
    last, entity, aka, primary = rng.sample(range(1000, 2000), 4)
    types = {"individual": rng.randrange(1, 50), "entity": rng.randrange(50, 100), "vessel": rng.randrange(100, 150)}
    countries = {name: n for n, name in enumerate(sorted({p[3] for e in entries for p in e.places}), 11001)}
    date = tag("Year", at.year) + tag("Month", at.month) + tag("Day", at.day)
    parts = [
        f'{HEAD}<Sanctions xmlns="{OFAC_NAMESPACE}/ADVANCED_XML"><DateOfIssue CalendarTypeID="1">{date}</DateOfIssue>'
    ]
    parts.append("<ReferenceValueSets>")
    parts.append(
        each("AliasTypeValues", [element("AliasType", text, ID=n) for n, text in ((aka, "A.K.A."), (primary, "Name"))])
    )
    parts.append(each("CountryValues", [element("Country", escape(name), ID=n) for name, n in countries.items()]))
    features = list(ids.items())
    rng.shuffle(features)
    parts.append(
        each("FeatureTypeValues", [element("FeatureType", text, ID=n, FeatureTypeGroupID=1) for text, n in features])
    )
    parts.append(
        each(
            "LocPartTypeValues",
            [element("LocPartType", "ADDRESS1", ID=1451), element("LocPartType", "CITY", ID=1454)],
        )
    )
    parts.append(
        each(
            "NamePartTypeValues",
            [element("NamePartType", "Last Name", ID=last), element("NamePartType", "Entity Name", ID=entity)],
        )
    )
    parts.append(
        each(
            "PartySubTypeValues",
            [element("PartySubType", text.capitalize(), ID=n, PartyTypeID=1) for text, n in types.items()],
        )
    )
    parts.append("</ReferenceValueSets>")
    parts.append(each("Locations", [_location(place, countries) for entry in entries for place in entry.places]))
    parties, sanctions = [], []
    for entry in entries:
        parties.append(_party(entry, ids, types, (last, entity, aka, primary)))
        comment = element("SanctionsMeasure", tag("Comment", entry.program), ID=entry.number, SanctionsTypeID=1)
        sanctions.append(element("SanctionsEntry", comment, ID=entry.number, ProfileID=entry.number, ListID=1550))
    parts += [each("DistinctParties", parties), each("SanctionsEntries", sanctions), "</Sanctions>\n"]
    return "".join(parts).encode()


def _location(place: tuple[str, str, str, str], countries: dict[str, int]) -> str:
    number, street, city, country = place
    lines = ((1451, street), (1454, city))
    return element(
        "Location", element("LocationCountry", CountryID=countries[country]),
        *(element("LocationPart", element("LocationPartValue", tag("Value", text), Primary="true"),
                  LocPartTypeID=kind)
          for kind, text in lines),
        ID=number,
    )  # fmt: skip


def _party(entry: ListEntry, ids: dict[str, int], types: dict[str, int], codes: tuple[int, int, int, int]) -> str:
    last, entity, aka, primary = codes
    group, number = entry.number * 10, entry.number
    names = [(number * 10, entry.name, primary)] + [(number_of, name, aka) for number_of, name in entry.aliases]
    aliases = (
        element(
            "Alias",
            element("DocumentedName",
                     element("DocumentedNamePart",
                              element("NamePartValue", escape(name), NamePartGroupID=group, ScriptID=215)),
                     ID=name_no),
            FixedRef=number, AliasTypeID=kind, Primary=str(kind == primary).lower(), LowQuality="false",
        )
        for name_no, name, kind in names
    )  # fmt: skip
    kind = last if entry.kind == "individual" else entity
    groups = each(
        "NamePartGroups", [element("MasterNamePartGroup", element("NamePartGroup", ID=group, NamePartTypeID=kind))]
    )
    features = [
        _feature(number * 100 + n, ids[f"Digital Currency Address - {code}"],
                 element("VersionDetail", escape(address), DetailTypeID=1432))
        for n, (code, address) in enumerate(entry.addresses)
    ]  # fmt: skip
    features += [
        _feature(f"{place[0]}1", ids["Location"], element("VersionLocation", LocationID=place[0]))
        for place in entry.places
    ]
    if entry.born:
        day = tag("Year", entry.born[0]) + tag("Month", entry.born[1]) + tag("Day", entry.born[2])
        ends = element("Start", element("From", day)) + element("End", element("To", day))
        features.append(_feature(number * 100 + 99, ids["Birthdate"], element("DatePeriod", ends, CalendarTypeID=1)))
    identity = element(
        "Identity", *aliases, groups, ID=number + 5_000_000, FixedRef=number, Primary="true", False_="false"
    )
    profile = element("Profile", identity, *features, ID=number, PartySubTypeID=types[entry.kind])
    return element("DistinctParty", profile, FixedRef=number).replace("False_=", "False=")


def _feature(number: object, kind: int, detail: str) -> str:
    return element(
        "Feature",
        element("FeatureVersion", "<Comment/>", detail, ID=number, ReliabilityID=1),
        ID=number,
        FeatureTypeID=kind,
    )
