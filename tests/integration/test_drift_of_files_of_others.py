"""Files in others' formats: a field that nobody knows is kept and reported, and a list without one that its publisher
promised stops."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.bank import bank_source
from ingestion.tagpacks import tagpacks_source
from ingestion.travel_rule import travel_rule_source
from ingestion.vendor import VendorError
from ingestion.watchlists import watchlists_source
from sandbox.vendor import list_forms, list_forms_ofac
from sandbox.vendor.list_entries import ListEntry

AT = datetime(2026, 1, 1)
ENTRIES = [
    ListEntry(number, f"NAME{number}, Given", "individual", "SDGT", "DOB 01 Jan 1970", [("7", f"ALIAS{number}")])
    for number in (11, 12)
]
IVMS = {"originator": {"originatorPersons": [{"naturalPerson": {"name": {"nameIdentifier": [
    {"primaryIdentifier": "Doe", "nameIdentifierType": "LEGL"}]}, "shoeSize": "42"}}]}, "beneficiary": {}}  # fmt: skip
MESSAGE = {
    "messageId": "m1", "direction": "incoming", "status": "ACK", "createdAt": "2026-01-01T10:00:00Z", "mood": "good",
    "ivms101": IVMS,
}  # fmt: skip
CAMT = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>'
    "<CreDtTm>2026-01-05T20:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id><Acct><Id><IBAN>DE02</IBAN></Id><Ccy>EUR</Ccy>"
    '</Acct><Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><Mood>good</Mood></Ntry>'
    "</Stmt></BkToCstmrStmt></Document>"
)
PACK = "title: t\ncreator: c\ncurrency: BTC\nsource: s\ntags:\n  - address: a1\n    label: l1\n    mood: good\n"


@dataclass
class Drifted:
    """A file with a field that nobody knows: the names reported, and where it is kept."""

    feed: str
    file: str
    content: str
    make: Callable[[str], Any]
    reports: set[str]
    kept: str


FILES = {
    "tagpack": Drifted(
        "tagpacks", "pack.yaml", PACK, lambda url: tagpacks_source(bucket_url=url), {"tag.mood"},
        "select other_fields from raw_tagpacks.tags",
    ),
    "travel rule": Drifted(
        "travel_rule", "messages.json", json.dumps(MESSAGE), lambda url: travel_rule_source(bucket_url=url),
        {"message.mood", "entity.shoeSize"}, "select message_json from raw_travel_rule.messages",
    ),
    "bank XML": Drifted(
        "bank", "statement.xml", CAMT, lambda url: bank_source(bucket_url=url), {"Ntry.Mood"},
        "select other_elements from raw_bank.entries",
    ),
}  # fmt: skip


def deliver(folder: Path, name: str, content: bytes) -> str:
    place = folder / "bucket" / "delivery=2026-01-01"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(content)
    return str(folder / "bucket")


def load(source: Any, feed: str) -> set[str]:
    """Loads it and gives what the loader reports as added."""
    pipeline.run(source, feed)
    return set().union(*(resource.added_fields for resource in source.resources.values()))


def kept(sql: str) -> str:
    with pipeline.warehouse() as connection:
        return str(connection.execute(sql).fetchall())


@pytest.mark.parametrize("drifted", FILES.values(), ids=FILES)
def test_an_unknown_field_is_kept_and_reported(home, tmp_path, drifted: Drifted):
    url = deliver(tmp_path, drifted.file, drifted.content.encode())
    assert load(drifted.make(url), drifted.feed) == drifted.reports
    assert "good" in kept(drifted.kept)


def _ftm(entries: list[ListEntry], at: datetime) -> bytes:
    return list_forms.ftm_lines(list_forms.ftm_entities(entries, at).values())


LISTS = {
    # setting, file, what it is made by, what is put in front of the first of what, what is taken away
    "ofac_xml": ("ofac_sdn", "sdn.xml", list_forms_ofac.ofac_sdn_xml, ("<sdnType>", "<mood>good</mood>"), "lastName"),
    "ofac_advanced_xml": (
        "ofac_sdn", "sdn_advanced.xml", list_forms_ofac.ofac_advanced_xml, ("<Profile ", "<mood>good</mood>"),
        "NamePartValue",
    ),
    "un_xml": ("un_sc", "un.xml", list_forms.un_xml, ("<LISTED_ON>", "<mood>good</mood>"), "FIRST_NAME"),
    "eu_xml": ("eu_fsf", "eu.xml", list_forms.eu_xml, ("wholeName=", 'mood="good" '), "wholeName"),
    "uk_xml": ("uk_sl", "uk.xml", list_forms.uk_xml, ("<RegimeName>", "<mood>good</mood>"), "Name6"),
    "ftm": ("opensanctions", "entities.ftm.json", _ftm, ('"caption"', '"mood": "good", '), "properties"),
}  # fmt: skip


@pytest.mark.parametrize("form", LISTS)
def test_an_unknown_name_of_a_list_is_kept_and_reported(home, tmp_path, form):
    setting, file, make, (before, added), _ = LISTS[form]
    content = make(ENTRIES, AT).decode().replace(before, added + before)
    url = deliver(tmp_path, file, content.encode())
    reported = load(watchlists_source(**{f"{setting}_url": url}), "watchlists")
    assert reported == {f"{form}.@mood" if form == "eu_xml" else f"{form}.mood"}
    assert "good" in kept("select record_text from raw_watchlists.entries")


@pytest.mark.parametrize("form", LISTS)
def test_a_list_without_a_promised_name_stops_and_says_which(home, tmp_path, form):
    setting, file, make, _, gone = LISTS[form]
    content = make(ENTRIES, AT).decode().replace(gone, "renamed")
    url = deliver(tmp_path, file, content.encode())
    with pytest.raises(VendorError, match=rf"\({form}\) has no @?{gone}"):
        load(watchlists_source(**{f"{setting}_url": url}), "watchlists")
    assert pipeline.completed_extracts("watchlists") == set()


def test_a_new_column_of_a_csv_list_is_reported(home, tmp_path):
    lines = list_forms.uk_csv(ENTRIES, AT).decode().splitlines()
    lines = [lines[0], lines[1] + ",Mood", *(line + ",good" for line in lines[2:] if line)]
    url = deliver(tmp_path, "uk.csv", "\r\n".join([*lines, ""]).encode())
    assert load(watchlists_source(uk_sl_url=url), "watchlists") == {"uk_csv.Mood"}
    assert "good" in kept("select record_text from raw_watchlists.entries")
