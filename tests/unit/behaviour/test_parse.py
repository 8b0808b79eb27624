"""Messages as rows: whatever bytes a producer sends, each message is one row or one reject."""

import json
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.behaviour.parse import MEMBERS, SCHEMA, Message, from_files, from_messages, share
from ingestion.control_totals import record_hash
from ingestion.records import raw_schema

KNOWN_AT = datetime(2026, 1, 1)
GOOD = {
    "event_id": "e1",
    "event_type_code": "login",
    "outcome_code": "success",
    "account_id": "a1",
    "event_at": "2025-12-31T23:00:00.5Z",
}


def message(value: bytes | dict | None, offset: int = 10, known_at: datetime | None = KNOWN_AT, **more) -> Message:
    body = json.dumps(value).encode() if isinstance(value, dict) else value
    return Message(offset, known_at, more.get("key"), more.get("headers", ()), body)


def parsed(*messages: Message) -> tuple[list[dict], list[dict]]:
    rows, rejected = from_messages("t", 2, "kafka:t/2:10-99", 10, messages)
    assert rows.schema.names == raw_schema(SCHEMA).names
    return rows.to_pylist(), rejected


def test_an_event_keeps_its_whole_message_and_its_place():
    ((row,), rejected) = parsed(message({**GOOD, "more": {"x": [1, 2.50]}}, offset=12, key=b"k\0\xff"))
    assert rejected == []
    assert row["payload_json"] == json.dumps({**GOOD, "more": {"x": [1, 2.50]}})
    assert (row["topic"], row["partition_no"], row["offset_no"], row["_record_no"]) == ("t", 2, 12, 3)
    assert (row["message_key"], row["_known_at"], row["_extract_id"]) == ("k\\x00\\xff", KNOWN_AT, "kafka:t/2:10-99")
    assert row["event_at"] == datetime(2025, 12, 31, 23, 0, 0, 500_000)
    assert row["device_id"] is None and row["headers_json"] is None


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        (None, "tombstone", "a key and no value"),
        (b"null", "malformed_row", "not an object"),
        (b'"text"', "malformed_row", "not an object"),
        (b"\xef\xbb\xbf{}", "malformed_row", "BOM"),
        (json.dumps(GOOD).encode("utf-16"), "invalid_text", "not UTF-8"),
        (b'{"event_id": "e1", "event_id": "e2"}', "malformed_row", "names a member twice"),
        (b'{"a": {"b": 1, "b": 2}}', "malformed_row", "names a member twice"),
        (b'{"event_id": ' + b"9" * 5_000 + b"}", "malformed_row", "cannot be read as JSON"),
        ({**GOOD, "event_at": 1767225600}, "invalid_type", "event_at is a number, it must be text"),
        ({**GOOD, "device_id": True}, "invalid_type", "device_id is a truth value"),
        ({**GOOD, "device_id": 1.5}, "invalid_type", "device_id is a number"),
        ({**GOOD, "ip_address": ["::1"]}, "invalid_type", "ip_address is a list"),
        ({**GOOD, "party_id": {}}, "invalid_type", "party_id is an object"),
        ({**GOOD, "account_id": "a\0b"}, "invalid_text", "NUL"),
        ({**GOOD, "event_id": ""}, "missing_value", "event_id is empty and required"),
        ({**GOOD, "event_id": None}, "missing_value", "event_id is empty and required"),
        ({**GOOD, "event_at": "2026-01-01T01:00:00+01:00"}, "invalid_timestamp", "an existing UTC time"),
        ({**GOOD, "event_at": "2026-02-30T00:00:00Z"}, "invalid_timestamp", "an existing UTC time"),
        ({**GOOD, "outcome_code": "ok"}, "unknown_code", "is none of success|failure"),
    ],
)
def test_what_is_no_event_is_rejected_with_a_reason_and_kept(value, code, says):
    rows, (reject,) = parsed(message(value))
    assert rows == []
    assert reject["reason_code"] == code and says in reject["reason"]
    assert reject["reason"].startswith("t/2/10: ")
    kept = json.loads(reject["raw_record"])
    assert (kept["topic"], kept["partition"], kept["offset"]) == ("t", 2, 10)
    assert (kept["value"] is None) == (value is None)


def test_a_message_without_a_timestamp_cannot_say_when_it_was_known():
    rows, (reject,) = parsed(message(GOOD, known_at=None))
    assert rows == [] and reject["reason_code"] == "missing_timestamp"


members = st.dictionaries(
    st.sampled_from([*MEMBERS, "other"]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(list(GOOD.values()))),
)
values = st.one_of(
    st.none(),
    st.binary(max_size=30),
    members.map(lambda some: json.dumps(some).encode()),
    members.map(lambda some: json.dumps(GOOD | some).encode()),
)


@given(st.lists(values, max_size=8), st.binary(max_size=4))
def test_every_message_is_one_row_or_one_reject(found, key):
    messages = [message(value, offset=10 + 3 * n, key=key) for n, value in enumerate(found)]
    rows, rejected = parsed(*messages)
    offsets = [row["offset_no"] for row in rows] + [json.loads(r["raw_record"])["offset"] for r in rejected]
    assert sorted(offsets) == [one.offset for one in messages]
    assert len({r["reject_id"] for r in rejected}) == len(rejected)
    for row in rows:
        sent = json.loads(messages[(row["offset_no"] - 10) // 3].value)
        assert row["payload_json"].encode() == messages[(row["offset_no"] - 10) // 3].value
        assert all(row[name] == (sent.get(name) or None) for name in MEMBERS if name != "event_at")


def test_rows_of_files_name_no_topic():
    table = from_files(pa.table({"event_id": ["e1", "e2"]}))
    assert table.column("transport_code").to_pylist() == ["file", "file"]
    assert table.column("offset_no").null_count == 2


@pytest.mark.parametrize(
    ("value", "key"), [(b'{"event_id": "E1"}', "E1"), (b'{"event_id": null}', ""), (b"no JSON", ""), (None, "")]
)
def test_a_message_is_hashed_by_the_event_id_it_says_itself(value, key):
    assert share(Message(1, None, None, (), value)) == record_hash(key, None)
