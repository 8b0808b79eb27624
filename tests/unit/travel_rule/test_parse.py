"""IVMS101 messages: the same in every spelling, whole, and nothing unusable or personal gets by."""

import copy
import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.control_totals import record_hash
from ingestion.travel_rule import count
from ingestion.travel_rule.parse import PERSONS, read

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=80)
SECRET = "Zyxwvu"


def natural(name: str = "Roe", **more: object) -> dict:
    names = [{"primaryIdentifier": name, "secondaryIdentifier": "Ann", "nameIdentifierType": "LEGL"}]
    return {"naturalPerson": {"name": {"nameIdentifier": names}, **more}}


def legal(name: str) -> dict:
    names = [{"legalPersonName": name, "legalPersonNameIdentifierType": "LEGL"}]
    return {"legalPerson": {"name": {"nameIdentifier": names}, "countryOfRegistration": "DE"}}


def payload() -> dict:
    return {
        "originator": {
            "originatorPersons": [natural(dateAndPlaceOfBirth={"dateOfBirth": "1990-01-01", "placeOfBirth": "Ulm"})],
            "accountNumber": ["A1"],
        },
        "beneficiary": {"beneficiaryPersons": [natural("Poe")], "accountNumber": ["bc1qxyz"]},
        "originatingVASP": {"originatingVASP": legal("Ours")},
        "beneficiaryVASP": {"beneficiaryVASP": legal("Theirs")},
    }


def message(**changes: object) -> dict:
    return {
        "message_id": "M1",
        "direction": "outgoing",
        "status": "ACK",
        "created_at": "2026-01-05T10:00:00+01:00",
        "transfer_reference": "W1",
        "amount": "0.000000000000000001",
        "ivms101": payload(),
        **changes,
    }


def one(record: object):
    (found,) = read(json.dumps(record).encode(), False)
    return found


def rows(record: object) -> tuple[dict, list[dict]]:
    found = one(record)
    assert found.problem is None, str(found.problem)
    return found.message, found.persons


def test_a_message_is_one_row_whole_and_one_for_each_person():
    row, persons = rows(message())
    assert row["created_at"] == datetime(2026, 1, 5, 9) and row["updated_at"] is None
    assert (row["amount"], row["transfer_reference_id"]) == (Decimal("0.000000000000000001"), "W1")
    assert (row["originator_accounts"], row["beneficiary_accounts"], row["ivms_version_code"]) == (
        "A1",
        "bc1qxyz",
        "101",
    )
    assert json.loads(row["message_json"]) == message()
    assert [(p["role_code"], p["person_type_code"], p["person_name"]) for p in persons] == [
        ("originator", "natural", "Roe, Ann"),
        ("beneficiary", "natural", "Poe, Ann"),
        ("originating_vasp", "legal", "Ours"),
        ("beneficiary_vasp", "legal", "Theirs"),
    ]
    assert persons[0]["birth_date_text"] == "1990-01-01"
    assert set(persons[0]) == set(PERSONS.names)


def test_the_2023_edition_says_the_same():
    newer = json.loads(
        json.dumps(payload())
        .replace('"nameIdentifierType"', '"naturalPersonNameIdentifierType"')
        .replace("originatorPersons", "originatorPerson")
        .replace("beneficiaryPersons", "beneficiaryPerson")
        .replace("originatingVASP", "originatingVasp")
    )
    older, newer = rows(message()), rows(message(ivms101=newer | {"payloadMetadata": {"payloadVersion": "101.2023"}}))
    assert newer[1] == older[1] and newer[0]["ivms_version_code"] == "101.2023"


def spelled(value: object, how) -> object:
    if isinstance(value, dict):
        return {how(key): spelled(inner, how) for key, inner in value.items()}
    return [spelled(inner, how) for inner in value] if isinstance(value, list) else value


@given(st.sampled_from(["snake", "pascal", "upper"]))
@FIXED
def test_every_spelling_says_the_same(style: str):
    how = {
        "snake": lambda key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key).replace("_v_a_s_p", "_vasp"),
        "pascal": lambda key: key[0].upper() + key[1:],
        "upper": str.upper,
    }[style]
    assert rows(message(ivms101=spelled(payload(), how)))[1] == rows(message())[1]


def test_a_vasp_without_its_inner_level_and_protobuf_codes_are_read():
    said = payload() | {"originatingVASP": legal("Ours"), "beneficiaryVASP": {}, "transferPath": None}
    said["originator"]["originatorPersons"][0]["naturalPerson"]["name"]["nameIdentifier"][0]["nameIdentifierType"] = (
        "NATURAL_PERSON_NAME_TYPE_CODE_LEGL"
    )
    said["transferPath"] = {"transferPath": [{"intermediaryVASP": legal("Between"), "sequence": 1}]}
    _, persons = rows(message(ivms101=said))
    assert [p["role_code"] for p in persons] == ["originator", "beneficiary", "originating_vasp", "intermediary_vasp"]
    assert persons[0]["name_type_code"] == "LEGL"


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"message_id": " "}, "invalid_message", "messageid"),
        ({"direction": "sideways"}, "invalid_message", "direction"),
        ({"status": "ack"}, "invalid_message", "status"),
        ({"created_at": 1767607200}, "invalid_message", "createdat"),
        ({"created_at": "2026-02-30T00:00:00Z"}, "invalid_message", "createdat"),
        ({"amount": "-1"}, "invalid_message", "amount"),
        ({"amount": True}, "invalid_message", "amount"),
        ({"amount": "0.0000000000000000001"}, "invalid_message", "amount"),
        ({"ivms101": [1]}, "invalid_message", "ivms101"),
        ({"messageId": "M2"}, "invalid_message", "messageid"),
        ({"address": f"{SECRET}\0"}, "invalid_text", "address"),
        ({"tx_hash": f"{SECRET}\ud800"}, "invalid_text", "tx_hash"),
    ],
)
def test_what_cannot_be_used_says_why_without_a_value(changes: dict, code: str, named: str):
    found = one(message() | changes)
    assert found.message is None and found.problem.code == code
    assert named in str(found.problem) and SECRET not in str(found.problem)


def test_no_reason_quotes_a_person():
    said = payload()
    said["originator"]["originatorPersons"][0]["naturalPerson"]["customerIdentification"] = {SECRET: SECRET}
    found = one(message(ivms101=said))
    assert found.problem.code == "invalid_message" and "customeridentification" in str(found.problem)
    assert SECRET not in str(found.problem)


def test_a_person_that_would_be_lost_is_a_reject():
    lost = payload() | {"witnesses": [natural("Lost")]}
    assert one(message(ivms101=lost)).problem.code == "unplaced_person"


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}', '{"amount": NaN}', "\xff", "[" * 100_000])
def test_what_is_no_json_is_one_reject(text: str):
    for is_lines in (False, True):
        (found,) = read(text.encode("latin-1"), is_lines)
        assert found.problem.code == "invalid_json"
        assert len(count.messages(text.encode("latin-1"), is_lines)) == 1


def test_a_broken_array_is_rejected_whole():
    raw = json.dumps([message(), message(message_id="M2")]).encode()[:-5]
    found = list(read(raw, False))
    assert [record.problem.code for record in found] == ["invalid_json"] * 2 and len(count.messages(raw, False)) == 2


def test_real_payloads_are_read(shared_data):
    folder = shared_data / "travel_rule"
    identity = json.loads((folder / "identity_payload.json").read_text())
    _, persons = rows(message(ivms101=identity))
    assert [(p["role_code"], p["person_name"], p["national_identifier_type"]) for p in persons] == [
        ("originator", "Howard, Jane", "SOCS"),
        ("beneficiary", "Clark, Lawrence", "DRLC"),
        ("originating_vasp", "AliceCoin, Inc.", "LEIX"),
        ("beneficiary_vasp", "Bob's Discount VASP, PLC", "TXID"),
    ]
    inquiry = json.loads((folder / "inquiry.json").read_text(), parse_float=str)
    _, persons = rows(message(ivms101=inquiry["IVMS101"]))
    assert [p["role_code"] for p in persons] == ["originator", "beneficiary", "originating_vasp"]
    for path in sorted(folder.glob("*.json")):
        (bare,) = read(path.read_bytes(), False)
        assert bare.problem.code == "invalid_message", "a payload without an envelope is about no transfer"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ("message_id", "direction", "status", "created_at", "address", "amount", "ivms101")


@given(st.lists(st.tuples(st.sampled_from(MEMBERS), JSON), max_size=3), st.booleans())
@FIXED
def test_every_record_is_a_row_or_a_reject_and_counted_apart(changes: list, is_lines: bool):
    records = [message(), message() | dict(changes), message(message_id="M3")]
    raw = "\n".join(map(json.dumps, records)).encode() if is_lines else json.dumps(records).encode()
    found = list(read(raw, is_lines))
    assert len(found) == len(count.messages(raw, is_lines)) == 3
    people = sum(len(r.persons) if r.problem is None else count.persons(r.text.encode()) for r in found)
    assert people == count.persons(raw)
    assert [r.message["message_id"] for r in (found[0], found[2])] == ["M1", "M3"]


@given(st.sampled_from(["originator", "beneficiary", "originatingVASP", "beneficiaryVASP", "transferPath"]), JSON)
@FIXED
def test_no_payload_crashes_the_reader(member: str, value: object):
    found = one(message(ivms101=payload() | {member: value}))
    assert found.problem is not None or found.message["message_id"] == "M1"


@given(st.binary(max_size=200))
@FIXED
def test_bytes_of_any_kind_are_accounted_for(raw: bytes):
    for is_lines in (False, True):
        assert len(list(read(raw, is_lines))) == len(count.messages(raw, is_lines))


@given(st.data())
@FIXED
def test_dropping_a_member_drops_only_what_it_says(data: st.DataObject):
    said = copy.deepcopy(payload())
    del said[data.draw(st.sampled_from(sorted(said)))]
    _, persons = rows(message(ivms101=said))
    assert len(persons) == 3


@pytest.mark.parametrize("name", ["message_id", "messageId", "MESSAGEID"])
def test_the_patterns_find_the_messages_id_as_it_is_written(name):
    written = f'{{"{name}" : "M\\u00e9 \\"1\\""}}'.encode()
    assert count.share(written) == record_hash('M\u00e9 "1"', None)
    assert count.share(b"{}") == record_hash("", None)


def test_messages_and_their_persons_are_hashed_by_the_message():
    raw = b'[{"message_id": "A", "x": {"naturalPerson": {}}}, {"message_id": "B"}]'
    a, b = record_hash("A", None), record_hash("B", None)
    assert count.digests(raw, False) == {"messages": a + b, "persons": a}
