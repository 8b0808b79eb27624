"""A Kafka topic, spoken to over TCP (librdkafka's own mock brokers), into a real warehouse."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
import record_hashes
from confluent_kafka import Producer

from ingestion import pipeline
from ingestion.behaviour import behaviour_source
from ingestion.behaviour import kafka as reader
from ingestion.deliveries import DeliveryError
from ingestion.vendor import VendorError, VendorUnavailable
from orchestration.soda import read_contracts, verify
from sandbox import kafka as sandbox_kafka

REPOSITORY = Path(__file__).parents[2]
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z in ms
# Runs in a process of its own, which gets signal 9 where it is told to: nothing is tidied up.
KILLED_LOAD = """
import os, signal, sys
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
from ingestion import pipeline
from ingestion.behaviour import behaviour_source, kafka
owner, name, call = sys.argv[2:]
owner = {"reader": kafka, "job": DuckDbCopyJob, "client": DuckDbClient}[owner]
original, calls = getattr(owner, name), []
def patched(*arguments, **named):
    calls.append(1)
    if len(calls) == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **named)
setattr(owner, name, patched)
kafka.CHUNK_MESSAGES = 50
pipeline.run(behaviour_source(bootstrap_servers=sys.argv[1]), "behaviour")
"""
KILLED_AT = {
    "between two chunks of messages": ("reader", "from_messages", "3"),
    "between two tables": ("job", "run", "2"),
    "before the load counts as complete": ("client", "complete_load", "1"),
}


@pytest.fixture
def servers(home: Path):
    with sandbox_kafka.broker() as address:
        yield address


def event(number: object, **members: object) -> dict:
    return {
        "event_id": f"e{number}",
        "event_type_code": "login",
        "outcome_code": "success",
        "account_id": "a1",
        "device_id": "d1",
        "ip_address": "198.18.0.1",
        "country_code": "DE",
        "event_at": "2025-12-31T23:59:58Z",
    } | members


def send(servers: str, *values: object, topic: str = "behaviour", **options) -> None:
    """Sends dicts as JSON, bytes as they are and None as a tombstone, a millisecond apart."""
    producer = Producer({"bootstrap.servers": servers, "log_level": 2})
    for number, value in enumerate(values):
        body = json.dumps(value).encode() if isinstance(value, dict) else value
        producer.produce(topic, value=body, **{"key": f"k{number}", "timestamp": START + number, **options})
        producer.poll(0)
    assert producer.flush(30) == 0


def load(servers: str, **options):
    return pipeline.run(behaviour_source(bootstrap_servers=servers, **options), "behaviour")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def event_ids() -> list[str]:
    return [event_id for (event_id,) in query("select event_id from raw_behaviour.events order by event_id")]


def assert_accounted() -> None:
    """Every delivered message is one row or one reject, by extract; no message is there twice."""
    broken = query(
        """
        with landed as (
            select _extract_id as extract_id, count(*) as landed from (
                select _extract_id from raw_behaviour.events
                union all select _extract_id from raw_behaviour.rejects
            ) group by all
        )
        select extract_id, source_rows, landed from raw_behaviour.control_totals
        full join landed using (extract_id) where coalesce(source_rows, 0) <> coalesce(landed, 0)
        """
    )
    assert broken == []
    doubled = "select count(*) - count(distinct (partition_no, offset_no)) from raw_behaviour.events"
    assert query(f"{doubled} where transport_code = 'kafka'") == [(0,)]


def failing_checks() -> set[str]:
    """`<table>.<check>` of every contract check of the feed that does not pass, warnings too."""
    contracts = [one for one in read_contracts(REPOSITORY / "checks") if one.schema == "raw_behaviour"]
    assert len(contracts) == 3
    with pipeline.warehouse() as connection:
        return {
            f"{one.table}.{result.check_name}"
            for one in contracts
            for result in verify(one, connection)
            if not result.passed
        }


every_hash_agrees = record_hashes.agree_after_each_test("behaviour")


def test_every_message_of_every_partition_arrives_whole_and_once(servers):
    sent = [event(n, extra={"deep": [1.10]}) for n in range(200)]
    send(servers, *sent, headers=[("trace", b"\xff1"), ("none", None)])
    load(servers)
    assert event_ids() == sorted(e["event_id"] for e in sent)
    assert len(query("select distinct partition_no from raw_behaviour.events")) > 1
    ((payload, key, headers, known_at, event_at, transport),) = query(
        "select payload_json, message_key, headers_json, _known_at, event_at, transport_code "
        "from raw_behaviour.events where event_id = 'e7'"
    )
    assert (payload, key, transport) == (json.dumps(sent[7]), "k7", "kafka")
    assert json.loads(headers) == [["trace", "\\xff1"], ["none", None]]
    assert known_at == datetime(2026, 1, 1, 0, 0, 0, 7_000)
    assert event_at == datetime(2025, 12, 31, 23, 59, 58)
    assert_accounted()


def test_a_second_run_reads_on_and_one_without_news_loads_nothing(servers):
    send(servers, *(event(n) for n in range(20)))
    load(servers)
    assert load(servers).loads_ids == []
    send(servers, event(20))  # one unread message is not left behind
    load(servers)
    send(servers, *(event(n) for n in range(21, 30)))
    load(servers)
    assert event_ids() == sorted(f"e{n}" for n in range(30))
    assert_accounted()
    assert failing_checks() == set()


def test_an_empty_topic_is_no_news_and_what_comes_later_is_read_from_its_start(servers):
    send(servers, event(1), partition=0)  # the other three partitions stay empty
    load(servers)
    assert query("select source_rows from raw_behaviour.control_totals order by 1") == [(0,), (0,), (0,), (1,)]
    assert load(servers).loads_ids == []
    send(servers, event(2), partition=3)
    load(servers)
    assert event_ids() == ["e1", "e2"]
    assert failing_checks() == set()


def test_messages_that_are_no_events_are_rejected_with_their_place_and_reason(servers):
    bad = {
        "tombstone": None,
        "malformed_row": b'{"event_id": ',
        "invalid_text": b'{"event_id": "\xff"}',
        "invalid_type": event(4, account_id=7),
        "missing_value": {k: v for k, v in event(5).items() if k != "event_id"},
        "unknown_code": event(6, event_type_code="Login"),
        "invalid_timestamp": event(7, event_at="yesterday"),
        "invalid_format": event(8, country_code="Germany"),
    }
    also = {
        "": b"",
        "list": b"[1]",
        "twice": b'{"a": 1, "a": 2}',
        "deep": b"[" * 100_000,
        "half": b'{"event_id": "\\ud800"}',
    }
    send(servers, event(0), *bad.values(), event(9), *also.values(), partition=1)
    load(servers)
    found = query("select reason_code, reason, raw_record, _record_no from raw_behaviour.rejects order by record_no")
    assert [code for code, *_ in found] == [*bad, *["malformed_row"] * 4, "invalid_text"]
    for (_, reason, raw, number), offset in zip(found, [*range(1, 9), *range(10, 15)], strict=True):
        assert reason.startswith(f"behaviour/1/{offset}: ") and number == offset + 1
        assert (json.loads(raw)["partition"], json.loads(raw)["offset"]) == (1, offset)
    assert "\\xff" in json.loads(found[2][2])["value"]
    assert event_ids() == ["e0", "e9"]
    assert_accounted()


def test_a_message_that_was_sent_twice_is_two_rows_of_raw(servers):
    send(servers, event(1), event(1), key="same")
    load(servers)
    assert event_ids() == ["e1", "e1"]
    assert_accounted()


@pytest.mark.parametrize("where", KILLED_AT)
def test_a_load_killed_anywhere_loses_and_doubles_nothing(servers, where):
    send(servers, *(event(n) for n in range(300)), None)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_LOAD, servers, *KILLED_AT[where]],
        cwd=REPOSITORY,
        env={**os.environ, "LOAD__WORKERS": "1"},
        capture_output=True,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    send(servers, event("c"))
    load(servers)
    assert event_ids() == sorted([*(f"e{n}" for n in range(300)), "ec"])
    assert query("select count(*) from raw_behaviour.rejects") == [(1,)]
    assert_accounted()


def test_what_arrives_while_reading_is_left_for_the_next_run(servers):
    send(servers, *(event(n) for n in range(100)))
    source = behaviour_source(bootstrap_servers=servers)  # the watermarks of this moment
    ended = threading.Event()

    def keep_sending():
        number = 100
        while not ended.is_set() or number == 100:
            send(servers, *(event(number + n) for n in range(50)))
            number += 50
            time.sleep(0.02)
        return number

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        pipeline.run(source, "behaviour")
    finally:
        ended.set()
        sender.join()
    assert event_ids() == sorted(f"e{n}" for n in range(100))
    load(servers)
    found = event_ids()
    assert len(found) > 100 and len(found) == len(set(found)) and len(found) % 50 == 0
    assert_accounted()


def test_messages_removed_before_they_were_read_are_a_break_and_the_rest_is_read(servers):
    send(servers, *(event(n) for n in range(10)), partition=0)
    load(servers)
    filler = {"payload": "x" * 100_000}
    send(servers, *(event(f"f{n}", **filler) for n in range(80)), partition=0)  # 8 MB: the broker keeps 5
    load(servers)
    ((uri, total),) = query(
        "select source_uri, source_rows from raw_behaviour.control_totals where contains(source_uri, 'removed')"
    )
    removed = int(uri.rpartition("=")[2])
    loaded = len(event_ids()) - 10
    assert 0 < removed < 80 and total == 80 and loaded == 80 - removed
    assert uri == f"behaviour/0?from=10&to=90&removed={removed}"
    assert failing_checks() == {
        "control_totals.soda_failed_rows_no_message_was_removed_by_its_brokers_before_it_was_read",
        "control_totals.soda_failed_rows_every_record_of_an_extract_is_loaded_or_rejected",
    }
    assert load(servers).loads_ids == []


def test_messages_removed_while_we_read_are_a_break_too(servers, monkeypatch):
    send(servers, *(event(n) for n in range(10)), partition=0)
    source = behaviour_source(bootstrap_servers=servers)
    send(servers, *(event(f"f{n}", payload="x" * 100_000) for n in range(80)), partition=0)
    pipeline.run(source, "behaviour")
    assert query("select source_uri, source_rows from raw_behaviour.control_totals where source_rows > 0") == [
        ("behaviour/0?from=0&to=10&removed=10", 10)
    ]
    assert event_ids() == []


def test_a_partition_that_ends_before_where_we_read_stops_the_feed(servers, home):
    send(servers, *(event(n) for n in range(10)), partition=0)
    load(servers)
    with sandbox_kafka.broker() as another:
        send(another, event(1), partition=0)
        with pytest.raises(DeliveryError, match=r"partition 0 ends at offset 1 and was read to 10 before"):
            load(another)
    assert len(event_ids()) == 10


def test_a_topic_that_is_not_there_and_brokers_that_are_not_there(servers):
    send(servers, event(1), topic="other")
    with pytest.raises(VendorError, match=r"has no topic behaviour: set SOURCES__BEHAVIOUR__TOPIC") as missing:
        load(servers)
    assert not isinstance(missing.value, VendorUnavailable)
    load(servers, topic="other")
    assert event_ids() == ["e1"]


def test_brokers_that_do_not_answer_are_unavailable(home, monkeypatch):
    monkeypatch.setattr(reader, "ANSWER_SECONDS", 1.0)
    with pytest.raises(VendorUnavailable, match="127.0.0.1:9 does not serve topic behaviour"):
        load("127.0.0.1:9")


def test_brokers_that_fall_silent_in_the_middle_are_unavailable_and_nothing_is_kept(home):
    with sandbox_kafka.broker() as address:
        send(address, *(event(n) for n in range(10)))
        source = behaviour_source(bootstrap_servers=address, patience_seconds=1.0)
    with pytest.raises(VendorUnavailable, match="does not serve topic behaviour"):
        pipeline.run(source, "behaviour")
    assert pipeline.completed_extracts("behaviour") == set()


def test_the_sandbox_fills_a_topic_with_its_files_events(servers, tmp_path):
    from sandbox.world import generate

    generate(tmp_path, customers=40, days=6, seed=3)
    sent = sandbox_kafka.fill(tmp_path, servers)
    load(servers)
    from_topic = query("select * exclude (payload_json, _dlt_load_id) from raw_behaviour.events")
    assert len(from_topic) == sent - 1 > 20  # one record of the world is written wrongly
    columns = "event_id, event_type_code, outcome_code, account_id, device_id, ip_address, country_code, event_at"
    topic_rows = query(f"select {columns} from raw_behaviour.events order by 1")  # noqa: S608
    pipeline.run(
        behaviour_source(bucket_url=str(tmp_path / "landing" / "behaviour"), bootstrap_servers=servers), "behaviour"
    )
    files = f"select {columns} from raw_behaviour.events where transport_code = 'file' order by 1"  # noqa: S608
    assert query(files) == topic_rows
    assert_accounted()


DEFECTS = {
    "events.soda_failed_rows_no_message_of_a_topic_was_loaded_twice": (
        "insert into raw_behaviour.events select * replace (_record_no + 1000 as _record_no) from raw_behaviour.events"
    ),
    "events.soda_duplicate": "insert into raw_behaviour.events select * from raw_behaviour.events",
    "events.soda_failed_rows_a_message_says_where_it_came_from": "update raw_behaviour.events set offset_no = null",
    "events.soda_failed_rows_nothing_happened_after_it_became_known": (
        "update raw_behaviour.events set event_at = _known_at + interval 1 second"
    ),
    "events.soda_failed_rows_every_event_names_an_account_or_a_customer": (
        "update raw_behaviour.events set account_id = null"
    ),
    "events.soda_event_type_code_invalid": "update raw_behaviour.events set event_type_code = 'LOGIN'",
    "events.soda_failed_rows_every_extract_has_its_control_total": "delete from raw_behaviour.control_totals",
    "control_totals.soda_failed_rows_each_reading_of_a_partition_begins_where_the_one_before_ended": (
        "insert into raw_behaviour.control_totals select * replace ('kafka:behaviour/0:5-9' as extract_id) "
        "from raw_behaviour.control_totals where extract_id = 'kafka:behaviour/0:0-3'"
    ),
    "control_totals.soda_failed_rows_every_record_of_an_extract_is_loaded_or_rejected": (
        "delete from raw_behaviour.events where offset_no = 1"
    ),
}


def test_each_check_of_the_contracts_finds_its_defect(servers):
    send(servers, *(event(n) for n in range(3)), partition=0)
    load(servers)
    assert failing_checks() == set()
    for check, defect in DEFECTS.items():
        with pipeline.warehouse() as connection:
            connection.execute("create schema saved")
            for table in ("events", "control_totals"):
                connection.execute(f"create table saved.{table} as from raw_behaviour.{table}")
            connection.execute(defect)
        assert check in failing_checks()
        with pipeline.warehouse() as connection:
            for table in ("events", "control_totals"):
                connection.execute(f"delete from raw_behaviour.{table}")  # noqa: S608
                connection.execute(f"insert into raw_behaviour.{table} from saved.{table}")
            connection.execute("drop schema saved cascade")
    assert failing_checks() == set()


def test_nobody_is_asked_when_the_definitions_are_read(home, monkeypatch):
    from orchestration.assets.feeds import feed_assets

    monkeypatch.setenv("SOURCES__BEHAVIOUR__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setattr(reader, "Consumer", None)  # to call it would be an error
    keys = {key.path[-1] for key in feed_assets("behaviour").keys}
    assert keys == {"events", "control_totals", "rejects", "_dlt_loads"}
    assert pipeline.configured("behaviour")
