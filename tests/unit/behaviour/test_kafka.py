"""Which offsets are read, and what a broker may leave out between them. Brokers over TCP are in the integration tests;
here is what the mock cluster cannot do: gaps of compaction and transactions, and brokers that break the order."""

from datetime import datetime

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, KafkaError

from ingestion.behaviour import kafka
from ingestion.behaviour.kafka import Topic, kept_offsets
from ingestion.deliveries import DeliveryError
from ingestion.vendor import VendorError, VendorUnavailable


class Delivered:
    """A message, or an error in the place of one, as the client hands it out."""

    def __init__(self, offset, error=None, partition=0, milliseconds=1_767_225_600_000):
        self._offset, self._error, self._partition, self._milliseconds = offset, error, partition, milliseconds

    def offset(self):
        return self._offset

    def partition(self):
        return self._partition

    def error(self):
        return None if self._error is None else KafkaError(self._error)

    def timestamp(self):
        return TIMESTAMP_CREATE_TIME, self._milliseconds

    def key(self):
        return b"k"

    def value(self):
        return b"{}"

    def headers(self):
        return None


class Broker:
    """A client whose brokers deliver what the test says."""

    def __init__(self, watermarks, batches=()):
        self.watermarks, self.batches = watermarks, list(batches)

    def __call__(self, *_, **__):
        return self

    def list_topics(self, topic, timeout):
        found = type("Found", (), {"error": None, "partitions": self.watermarks})
        return type("Metadata", (), {"topics": {topic: found}})

    def get_watermark_offsets(self, partition, timeout):
        return self.watermarks[partition.partition]

    def assign(self, partitions):
        self.assigned = partitions

    def consume(self, count, timeout):
        return self.batches.pop(0) if self.batches else []

    def close(self):
        pass


@pytest.fixture
def topic(monkeypatch):
    def make(watermarks, batches=(), completed=()):
        monkeypatch.setattr(kafka, "Consumer", Broker(watermarks, batches))
        return Topic("here:1", "t", completed, {}, patience=0.05)

    return make


def planned(made: Topic) -> list[tuple[int, int, int]]:
    return [(one.partition, one.first, one.end) for one in made.ranges]


def test_offsets_kept_are_those_of_the_topics_completed_extracts():
    completed = {
        "kafka:t/0:0-7", "kafka:t/0:7-9", "kafka:t/11:3-3", "kafka:t.2/0:0-99",
        "delivery=2026-01-01/events.parquet:0123456789abcdef", "kafka:t/0:x-y",
    }  # fmt: skip
    assert kept_offsets("t", completed) == {0: 9, 11: 3}
    assert kept_offsets("t.2", completed) == {0: 99}


def test_the_first_reading_begins_where_the_topic_begins(topic):
    assert planned(topic({0: (5, 9), 1: (0, 0)})) == [(0, 5, 9), (1, 0, 0)]


def test_a_partition_that_was_added_is_read_from_offset_nought(topic):
    assert planned(topic({0: (5, 9), 1: (2, 4)}, completed=["kafka:t/0:5-9"])) == [(1, 0, 4)]


def test_a_topic_with_fewer_partitions_is_another_topic(topic):
    with pytest.raises(DeliveryError, match="lacks partition 1, which was read before"):
        topic({0: (0, 9)}, completed=["kafka:t/0:0-9", "kafka:t/1:0-2"])


def test_offsets_without_a_message_are_neither_rows_nor_lost(topic):
    end = Delivered(9, KafkaError._PARTITION_EOF)  # 7 and 8 are the marks of a transaction
    made = topic({0: (0, 9)}, [[Delivered(0), Delivered(3)], [Delivered(6), end]])
    list(made.rows())
    (total,) = made.totals()
    assert (total["source_rows"], total["captured_by"]) == (3, "independent_count")
    assert total["source_uri"] == "t/0?from=0&to=9"
    assert [reject["record_no"] for reject in made.rejects()] == [1, 4, 7]


def test_a_whole_partition_agrees_with_its_watermarks(topic):
    made = topic({0: (0, 2)}, [[Delivered(0), Delivered(1), Delivered(2), Delivered(3)]])
    list(made.rows())
    (total,) = made.totals()
    assert (total["source_rows"], total["captured_by"]) == (2, "api_total")
    assert total["known_at"] == datetime(2026, 1, 1)


def test_what_another_partition_still_says_does_not_count(topic):
    stale = [Delivered(2, KafkaError._PARTITION_EOF, partition=7), Delivered(1, partition=7)]
    made = topic({0: (0, 2)}, [[*stale, Delivered(0)], [Delivered(1)]])
    list(made.rows())
    assert made.totals()[0]["source_rows"] == 2


def test_an_offset_that_comes_again_stops_the_load(topic):
    made = topic({0: (0, 5)}, [[Delivered(0), Delivered(1), Delivered(1)]])
    with pytest.raises(VendorError, match="delivered offset 1 where 2 or later was due"):
        list(made.rows())


@pytest.mark.parametrize("trouble", [KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN])
def test_brokers_that_go_away_are_unavailable_after_patience(topic, trouble):
    made = topic({0: (0, 5)}, [[Delivered(0), Delivered(0, trouble)]])
    with pytest.raises(VendorUnavailable, match="does not serve topic t"):
        list(made.rows())


def test_a_refusal_says_which_settings_to_look_at(topic):
    made = topic({0: (0, 5)}, [[Delivered(0, KafkaError.TOPIC_AUTHORIZATION_FAILED)]])
    with pytest.raises(VendorError, match="SASL_PASSWORD") as refused:
        list(made.rows())
    assert not isinstance(refused.value, VendorUnavailable)


def test_an_impossible_timestamp_is_a_reject_and_not_a_crash(topic):
    times = [Delivered(n, milliseconds=value) for n, value in enumerate((-1, 10**18, 2**62))]
    made = topic({0: (0, 3)}, [times])
    list(made.rows())
    assert {reject["reason_code"] for reject in made.rejects()} == {"missing_timestamp"}


def test_totals_before_the_rows_are_a_mistake_of_ours(topic):
    with pytest.raises(RuntimeError, match="before it was read"):
        topic({0: (0, 1)}).totals()
