"""The parsers of the other lists: each agrees with its independent count whatever is published, and shows what is
unusable."""

import csv
import io
import json
import tempfile
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ingestion.watchlists import places
from ingestion.watchlists.formats import FORMATS, format_of, instant
from ingestion.watchlists.mentions import LABEL
from ingestion.watchlists.model import Rejected, UnusablePublication, share
from ingestion.watchlists.xml import elements
from sandbox.vendor.list_forms import UK_HEADER

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=40)
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
EVM = "0x" + "ab" * 20


def read(code: str, content: bytes) -> tuple[Counter, list]:
    """What the count says and what the parser found. Where they find as many records, they are of the same entries."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_bytes(content)
        counted, found = FORMATS[code].count({"list": path}), list(FORMATS[code].parse({"list": path}))
    if +counted.totals == numbers(found):
        assert +counted.digests == digests(found)
    return +counted.totals, found


def numbers(found: list) -> Counter:
    return Counter(one.table if isinstance(one, Rejected) else one[0] for one in found)


def digests(found: list) -> Counter:
    summed = Counter()
    for one in found:
        table, entry_id = (one.table, one.entry_id) if isinstance(one, Rejected) else (one[0], one[1]["entry_id"])
        summed[table] += share(entry_id)
    return summed


def rows(found: list, table: str) -> list[dict]:
    return [one[1] for one in found if not isinstance(one, Rejected) and one[0] == table]


def codes(found: list) -> list[tuple[str, str]]:
    return [(one.table, one.code) for one in found if isinstance(one, Rejected)]


def element(tag: str, *content, **attributes) -> etree._Element:
    made = etree.Element(tag, {name: value for name, value in attributes.items() if value is not None})
    for one in content:
        if isinstance(one, str):
            made.text = (made.text or "") + one
        elif one is not None:
            made.append(one)
    return made


un_entries = st.builds(
    lambda number, name, aliases, dates, prose: element(
        "INDIVIDUAL",
        element("DATAID", number),
        element("FIRST_NAME", name),
        *(element("INDIVIDUAL_ALIAS", element("QUALITY", "Good"), element("ALIAS_NAME", alias)) for alias in aliases),
        *(element("INDIVIDUAL_DATE_OF_BIRTH", element("YEAR", day)) for day in dates),
        element("INDIVIDUAL_DOCUMENT"),
        element("COMMENTS1", prose),
    ),
    st.sampled_from(["1", "2", "3", ""]), words, st.lists(words, max_size=3), st.lists(words, max_size=2),
    st.sampled_from(["", EVM, f"wallet {EVM}; {EVM}."]),
)  # fmt: skip
eu_entries = st.builds(
    lambda number, names, dates: element(
        "sanctionEntity",
        *(element("nameAlias", wholeName=name) for name in names),
        *(element("birthdate", year=day, monthOfYear="2", dayOfMonth="31") for day in dates),
        element("address"),
        element("remark", EVM),
        euReferenceNumber=number,
    ),
    st.sampled_from(["1", "2", "3", ""]), st.lists(words, max_size=3),
    st.lists(st.sampled_from(["1970", "0", ""]), max_size=2),
)  # fmt: skip
uk_entries = st.builds(
    lambda number, names, dates: element(
        "Designation",
        element("UniqueID", number),
        element("Names", *(element("Name", element("Name6", name), element("NameType", "Alias")) for name in names)),
        element("IndividualDetails", element("DOBs", *(element("DOB", day) for day in dates))),
        element("OtherInformation", EVM),
    ),
    st.sampled_from(["1", "2", "3", ""]), st.lists(words, max_size=3), st.lists(words, max_size=2),
)  # fmt: skip
sdn_entries = st.builds(
    lambda number, akas, ids: element(
        "sdnEntry",
        element("uid", number),
        element("lastName", "NAME"),
        element("akaList", *(element("aka", element("uid", "7"), element("lastName", aka)) for aka in akas)),
        element("idList", *(element("id", element("idType", kind), element("idNumber", value)) for kind, value in ids)),
    ),
    st.sampled_from(["1", "2", "3", ""]), st.lists(words, max_size=3),
    st.lists(st.tuples(st.sampled_from(["Passport", f"{LABEL}XBT", LABEL]), words), max_size=3),
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "root", "within", "entries"),
    [
        ("un_xml", "CONSOLIDATED_LIST", "INDIVIDUALS", un_entries),
        ("eu_xml", "export", None, eu_entries),
        ("uk_xml", "Designations", None, uk_entries),
        ("ofac_xml", "sdnList", None, sdn_entries),
    ],
)
def test_both_paths_agree_whatever_is_published(code, root, within, entries):
    @FIXED
    @given(st.lists(entries, max_size=4))
    def agree(published):
        document = element(root, element(within, *published)) if within else element(root, *published)
        counted, found = read(code, etree.tostring(document, encoding="utf-8"))
        assert counted == numbers(found)

    agree()


@FIXED
@given(
    st.lists(
        st.tuples(st.sampled_from(["A1", "A2"]), words, words, st.sampled_from(["", "dd/mm/1965", "31/02/1970"])),
        max_size=5,
    )
)
def test_both_paths_agree_on_the_british_csv(lines):
    text = io.StringIO("")
    text.write("Report Date: 13-Feb-2026\n")
    writer = csv.DictWriter(text, UK_HEADER.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    for number, name, street, born in lines:
        writer.writerow(
            {"Unique ID": number, "Name 6": name, "Name type": "Alias", "Address Line 1": street, "D.O.B": born}
        )
    counted, found = read("uk_csv", text.getvalue().encode())
    assert counted == numbers(found)


entities = st.fixed_dictionaries(
    {"schema": st.sampled_from(["Person", "CryptoWallet"]),
     "properties": st.dictionaries(
        st.sampled_from(["name", "alias", "birthDate", "address", "publicKey", "innCode"]), st.lists(words, max_size=3)
     )},
    optional={"id": st.sampled_from(["a", "b"]), "caption": words},
)  # fmt: skip


@FIXED
@given(st.lists(st.one_of(entities, st.just("no entity"), st.none()), min_size=1, max_size=5), st.booleans())
def test_both_paths_agree_on_opensanctions(published, is_delta):
    ops = ("ADD", "MOD", "DEL", "XYZ")
    lines = [{"op": ops[n % 4], "entity": one} if is_delta else one for n, one in enumerate(published)]
    content = "".join(json.dumps(line) + "\n" for line in lines) + "{broken\n"
    counted, found = read("ftm_delta" if is_delta else "ftm", content.encode())
    assert counted == numbers(found)


advanced_features = st.tuples(
    st.sampled_from(["1", "8", "25", "344", "345", "999"]),  # 999 is in no reference set
    st.sampled_from(["detail", "location", "period", "comment", "nothing"]),
    words,
)
advanced_parties = st.tuples(
    st.sampled_from(["1", "2", "3", ""]), st.lists(words, max_size=3), st.lists(advanced_features, max_size=3),
    st.lists(words, max_size=2),
)  # fmt: skip


def advanced_document(parties: list, orphans: list[str]) -> bytes:
    kinds = {"1": "Location", "8": "Birthdate", "25": "Citizenship Country", "344": f"{LABEL}XBT", "345": LABEL}
    made, documents = [], []
    for place, (number, names, features, papers) in enumerate(parties):
        written = [
            element("DocumentedName", element("DocumentedNamePart", element("NamePartValue", name)), ID=f"{place}{n}")
            for n, name in enumerate(names)
        ]
        identity = element("Identity", *(element("Alias", one, AliasTypeID="1") for one in written), ID=f"i{place}")
        profile = element("Profile", identity, ID=f"p{place}", PartySubTypeID="4")
        for kind, form, text in features:
            content = {
                "detail": lambda text=text: element("VersionDetail", text),
                "location": lambda: element("VersionLocation", LocationID="1"),
                "period": lambda text=text: element(
                    "DatePeriod", element("Start", element("From", element("Year", text)))
                ),
                "comment": lambda text=text: element("Comment", text),
                "nothing": lambda: None,
            }[form]()
            profile.append(element("Feature", element("FeatureVersion", content, ID="7"), FeatureTypeID=kind))
        made.append(element("DistinctParty", profile, FixedRef=number))
        documents += [(f"i{place}", paper) for paper in papers]
    documents += [("nobody", paper) for paper in orphans]
    return etree.tostring(
        element(
            "Sanctions",
            element("ReferenceValueSets", *(element("FeatureType", name, ID=code) for code, name in kinds.items())),
            element("Locations", element("Location", ID="1")),
            element(
                "IDRegDocuments",
                *(element("IDRegDocument", element("IDRegistrationNo", text), IdentityID=of) for of, text in documents),
            ),
            element("DistinctParties", *made),
        ),
        encoding="utf-8",
    )


@FIXED
@given(st.lists(advanced_parties, max_size=4), st.lists(words, max_size=2))
def test_both_paths_agree_on_the_advanced_form(parties, orphans):
    counted, found = read("ofac_advanced_xml", advanced_document(parties, orphans))
    assert counted == numbers(found)


@pytest.mark.parametrize("code", ["un_xml", "eu_xml", "uk_xml", "ofac_xml", "ofac_advanced_xml"])
@pytest.mark.parametrize(
    "content",
    [
        b"<{root}><!-- " + b"x" * (5 << 20) + b" --></{root}>",
        b"<{root}><a>" + b"x" * (5 << 20) + b"</a></{root}>",
        b"<{root}><a b='" + b"x" * (5 << 20) + b"'/></{root}>",
        b"<{root}>" + b"<a>" * 101 + b"</a>" * 101 + b"</{root}>",
        b'<?xml version="1.0" encoding="cp037"?><{root}/>',
        b"<{root}><x:a/></{root}>",
    ],
    ids=["comment", "text", "attribute", "depth", "encoding", "prefix"],
)
def test_what_must_not_be_held_in_memory_is_refused_by_the_count(code, content):
    roots = {"un_xml": b"CONSOLIDATED_LIST", "eu_xml": b"export", "uk_xml": b"Designations", "ofac_xml": b"sdnList"}
    with pytest.raises(UnusablePublication, match="are one record, or none|levels deep|encoding|unbound prefix"):
        read(code, content.replace(b"{root}", roots.get(code, b"Sanctions")))


lines_of_any_kind = st.lists(
    st.sampled_from(
        [
            b'{"id":"a","properties":{"name":["x"]}}', b'{"id":1,"properties":{"name":["x"]}}',
            b'{"id":"b","properties":{"name":["x"],"name":["y","z"]}}',
            b'{"id":"c","n":NaN,"properties":{"name":["x"]}}',
            b'{"id":"\\ud800","properties":{"name":["x"]}}', b'{"id":"d","properties":{"name":["\\ud800\\u0000"]}}',
            b'{"id":"e","n":' + b"[" * 150 + b"]" * 150 + b',"properties":{"name":["x"]}}',
            b'{"id":"f","n":' + b"9" * 5_000 + b',"properties":{"name":["x"]}}',
            b"[" * 100_000, b'{"a":' * 100_000, b"\0", b"\xff", b'"\xe9"', b"",
        ]
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@FIXED
@given(lines_of_any_kind, st.booleans())
def test_both_paths_agree_on_lines_that_readers_of_json_take_differently(published, is_delta):
    lines = [b'{"op":"ADD","entity":' + line + b"}" if is_delta else line for line in published]
    try:
        counted, found = read("ftm_delta" if is_delta else "ftm", b"\n".join(lines) + b"\n")
    except UnusablePublication:
        assert not any(line.strip() for line in lines)
        return
    assert counted == numbers(found)


@pytest.mark.parametrize("code", ["un_xml", "eu_xml", "uk_xml", "ofac_xml", "ofac_advanced_xml"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "may be cut off"),
        (b"<{root}><a>", "may be cut off"),
        (b"<rss/>", "instead of"),
        (b'<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><{root}>&b;</{root}>', "document type"),
        (b'<!DOCTYPE l SYSTEM "file:///etc/hostname"><{root}/>', "document type"),
        (b"\xff\xfe\x00", "XML"),
    ],
)
def test_bombs_and_cut_files_are_refused_before_they_are_read(code, content, says):
    roots = {"un_xml": b"CONSOLIDATED_LIST", "eu_xml": b"export", "uk_xml": b"Designations", "ofac_xml": b"sdnList"}
    with pytest.raises(UnusablePublication, match=says):
        read(code, content.replace(b"{root}", roots.get(code, b"Sanctions")))


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "first line"), (b"Report Date: 1-Jan-2026\nA,B\n", "lacks the columns")]
)
def test_a_british_csv_of_another_shape_is_refused(content, says):
    with pytest.raises(UnusablePublication, match=says):
        read("uk_csv", content)


def test_an_entry_twice_or_without_id_is_rejected_with_its_parts():
    one = '<sanctionEntity euReferenceNumber="1"><nameAlias wholeName="A"/><nameAlias wholeName="B"/></sanctionEntity>'
    none = '<sanctionEntity><citizenship countryIso2Code="FR"/></sanctionEntity>'
    counted, found = read("eu_xml", f"<export>{one}{one}{none}</export>".encode())
    assert codes(found) == [
        ("entries", "duplicate_id"), ("names", "duplicate_id"),
        ("entries", "missing_id"), ("identifiers", "missing_id"),
    ]  # fmt: skip
    assert counted == numbers(found) and len(rows(found, "entries")) == 1


def advanced(type_id: int, *, known: bool = True) -> bytes:
    reference = f'<FeatureType ID="{type_id}">Digital Currency Address - ETH</FeatureType>' if known else ""
    return (
        f"<Sanctions><ReferenceValueSets><FeatureTypeValues>{reference}</FeatureTypeValues></ReferenceValueSets>"
        f'<DistinctParties><DistinctParty FixedRef="5"><Profile ID="5"><Feature ID="1" FeatureTypeID="{type_id}">'
        f'<FeatureVersion ID="1"><VersionDetail>{EVM}</VersionDetail></FeatureVersion></Feature></Profile>'
        '</DistinctParty></DistinctParties><SanctionsEntries><SanctionsEntry ProfileID="5"><SanctionsMeasure>'
        "<Comment>CYBER2</Comment></SanctionsMeasure></SanctionsEntry></SanctionsEntries></Sanctions>"
    ).encode()


@pytest.mark.parametrize("type_id", [345, 7, 9001])
def test_feature_types_are_what_the_reference_set_says(type_id):
    counted, found = read("ofac_advanced_xml", advanced(type_id))
    (address,) = rows(found, "digital_currency_addresses")
    assert (address["asset_code"], address["address"]) == ("ETH", EVM)
    assert rows(found, "entries")[0]["program"] == "CYBER2" and counted == numbers(found)
    # Another id for the same type is no change of the entry
    assert (
        rows(found, "entries")[0]["content_hash"]
        == rows(read("ofac_advanced_xml", advanced(1))[1], "entries")[0]["content_hash"]
    )


def test_a_feature_type_nobody_explains_is_kept_and_shown():
    counted, found = read("ofac_advanced_xml", advanced(345, known=False))
    (kept,) = rows(found, "identifiers")
    assert (kept["value"], kept["is_valid"], kept["invalid_reason_code"]) == (EVM, False, "unknown_type")
    assert not rows(found, "digital_currency_addresses") and counted == numbers(found)


def test_dates_of_the_european_union_are_never_filled_up():
    dates = ('year="1965" monthOfYear="0" dayOfMonth="0"', 'year="1965" monthOfYear="3" dayOfMonth="0" circa="true"')
    born = "".join(f"<birthdate {date}/>" for date in (*dates, 'birthdate="1970-02-31"'))
    _, found = read(
        "eu_xml", f'<export><sanctionEntity euReferenceNumber="1">{born}</sanctionEntity></export>'.encode()
    )
    assert [
        (row["value"], row["date_precision_code"], row["invalid_reason_code"]) for row in rows(found, "identifiers")
    ] == [
        ("1965", "year", None),
        ("1965-03", "about", None),
        ("1970-02-31", "day", "impossible_date"),
    ]


@FIXED
@given(words)
def test_the_record_is_kept_whole(name):
    alias = f'<nameAlias wholeName={quoteattr(name)} more="x"/>'
    content = f'<export><sanctionEntity euReferenceNumber="1">{alias}</sanctionEntity></export>'
    _, found = read("eu_xml", content.encode())
    kept = etree.fromstring(rows(found, "entries")[0]["record_text"])
    assert kept.find("nameAlias").get("wholeName") == etree.fromstring(content.encode()).find(".//nameAlias").get(
        "wholeName"
    )
    assert kept.find("nameAlias").get("more") == "x"


def test_every_part_has_a_number_of_its_own():
    """The publisher's where it gives one to each; else what the part says, whatever the order."""
    people = [
        "<aka><uid>7</uid><lastName>A</lastName></aka>",
        "<aka><uid>7</uid><lastName>B</lastName></aka>",
        "<aka><lastName>C</lastName></aka>",
        "<aka><lastName>C</lastName></aka>",
    ]

    def names(akas: list[str]) -> dict[str, str]:
        entry = f"<sdnEntry><uid>1</uid><akaList>{''.join(akas)}</akaList></sdnEntry>"
        _, found = read("ofac_xml", f"<sdnList>{entry}</sdnList>".encode())
        return {row["name_no"]: row["name"] for row in rows(found, "names")}

    there = names(people)
    assert len(there) == 4 and there["7"] == "A"
    assert names([people[0], people[3], people[1], people[2]]) == there


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Of the entries that were read, nothing stays in the tree."""
    path = tmp_path / "list.xml"
    path.write_text("<export>" + "<sanctionEntity><nameAlias wholeName='A'/></sanctionEntity>" * 500 + "</export>")
    before = [sum(1 for _ in one.itersiblings(preceding=True)) for one in elements(path, "sanctionEntity")]
    assert len(before) == 500 and max(before) <= 1


def test_files_and_their_dates_are_recognised():
    assert format_of("ofac_sdn", "SDN_ADVANCED.XML") == "ofac_advanced_xml"
    assert format_of("ofac_sdn", "SDN.XML") == "ofac_xml" and format_of("ofac_sdn", "SDN.CSV") == "ofac_csv"
    assert format_of("opensanctions", "x/entities.delta.json") == "ftm_delta" and format_of("un_sc", "list.pdf") is None
    assert str(instant("2026-02-27T01:00:09.554+01:00")) == "2026-02-27 00:00:09.554000"
    assert str(instant("07/01/2021")) == "2021-07-01 00:00:00" and instant("soon") is None


def test_a_publication_is_known_by_its_content_and_its_day():
    day = instant("2026-02-27")
    assert places.identity("un_sc", day, {"a.xml": "1"}) == places.identity("un_sc", day, {"a.xml": "1"})
    assert places.identity("un_sc", day, {"a.xml": "1"}) != places.identity("un_sc", day, {"a.xml": "2"})
