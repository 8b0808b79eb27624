"""A Kafka topic, read from the offsets the warehouse holds to the watermarks of now, partition by partition.

Belongs here: which offsets are read, what the broker delivered of them, and what it no longer has. The offset that was
read to is part of the id of the extract, which the control totals keep: rows and offset commit as one load, and no
consumer group decides anything. What a message says is `parse.py`'s business.
"""

import logging
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa
from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as Delivered

from ingestion import control_totals
from ingestion.behaviour.parse import EVENTS, FEED, Message, from_messages, share
from ingestion.deliveries import DeliveryError
from ingestion.landing import ALWAYS_KNOWN
from ingestion.vendor import VendorError, VendorUnavailable

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 15.0
"""How long a question about the topic waits for the brokers."""
CHUNK_MESSAGES, CHUNK_BYTES = 20_000, 32 << 20
"""Messages are made into rows when this many, or this much of them, have arrived."""
_EXTRACT = re.compile(r"kafka:([A-Za-z0-9._-]+)/(\d+):(\d+)-(\d+)")
_EPOCH = datetime(1970, 1, 1)
_REFUSALS = frozenset(
    (
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    )
)


@dataclass
class Range:
    """Offsets of one partition, `first` (included) to `end` (not included), and what became of them: `delivered`
    messages, `removed` offsets that the broker dropped before they were read, the newest timestamp, the sum of the
    messages' shares of the hash. `low` is the first offset that the broker still has, where that is known to lie behind
    `first`."""

    partition: int
    first: int
    end: int
    low: int = 0
    delivered: int = 0
    removed: int = 0
    known_at: datetime = ALWAYS_KNOWN
    digest: int = 0
    rejects: list[dict] = field(default_factory=list)


class Topic:
    """One reading of a topic. `completed` are the ids of the extracts that the warehouse holds; nothing is asked of
    the brokers where `bootstrap_servers` is empty. `again`: ids of extracts that a replay reads again, and then nothing
    else; what the topic no longer has of them is left out. Raises VendorUnavailable where they do not answer,
    VendorError where they refuse, DeliveryError where the topic is not the one that was read before."""

    def __init__(
        self,
        bootstrap_servers: str | None,
        topic: str,
        completed: Collection[str],
        options: dict[str, str],
        patience: float,
        again: Collection[str] = (),
    ) -> None:
        self.topic = topic
        self._servers, self._options, self._patience = bootstrap_servers, options, patience
        self._trouble: KafkaError | None = None
        self._is_read = False
        self.ranges: list[Range] = []
        if bootstrap_servers:
            self.ranges = self._plan_again(again) if again else self._plan(kept_offsets(topic, completed))

    @property
    def has_new(self) -> bool:
        return bool(self.ranges)

    def rows(self) -> Iterator[pa.Table]:
        """The events of every planned range, in the raw shape; what is no event goes to the ranges' rejects."""
        if self.ranges:
            with self._consumer() as consumer:
                for planned in self.ranges:
                    for messages in self._read(consumer, planned):
                        extract_id = self._extract_id(planned)
                        good, bad = from_messages(self.topic, planned.partition, extract_id, planned.first, messages)
                        planned.rejects += bad
                        yield good
        self._is_read = True

    def totals(self) -> list[dict]:
        """Control totals as rows: what the broker delivered, counted before anything is parsed, and what it removed
        before we read it, for which there can be no row: the reconciliation shows that as a break. Raises RuntimeError
        when asked before the rows were read."""
        if not self._is_read:
            raise RuntimeError(f"{FEED}: control totals of the topic asked for before it was read")
        return [
            control_totals.row(
                extract_id=self._extract_id(planned),
                feed_code=FEED,
                table_name=EVENTS.name,
                source_rows=planned.delivered + planned.removed,
                source_hash=None if planned.removed else planned.digest,
                captured_by="api_total"
                if planned.delivered + planned.removed == planned.end - planned.first
                else "independent_count",
                source_uri=f"{self.topic}/{planned.partition}?from={planned.first}&to={planned.end}"
                + (f"&removed={planned.removed}" if planned.removed else ""),
                known_at=planned.known_at,
            )
            for planned in self.ranges
        ]

    def rejects(self) -> list[dict]:
        """The messages that are no events, each with the reason."""
        return [reject for planned in self.ranges for reject in planned.rejects]

    def _extract_id(self, planned: Range) -> str:
        return f"kafka:{self.topic}/{planned.partition}:{planned.first}-{planned.end}"

    def _plan(self, kept: dict[int, int]) -> list[Range]:
        with self._consumer() as consumer:
            partitions = self._partitions(consumer)
            if gone := sorted(set(kept) - set(partitions)):
                raise DeliveryError(
                    f"Kafka topic {self.topic} lacks partition {gone[0]}, which was read before: it was made anew. Put "
                    "the new events into a topic of another name and set SOURCES__BEHAVIOUR__TOPIC to it."
                )
            planned = []
            for partition in partitions:
                low, high = self._watermarks(consumer, partition)
                # A partition added to a topic we know begins at 0; the first time we see a topic it begins where it is.
                first = kept.get(partition, 0 if kept else low)
                if high < first:
                    raise DeliveryError(
                        f"Kafka topic {self.topic}, partition {partition} ends at offset {high} and was read to "
                        f"{first} before: it was made anew, or lost messages. Put the new events into a topic of "
                        "another name and set SOURCES__BEHAVIOUR__TOPIC to it."
                    )
                if high > first or partition not in kept:
                    planned.append(Range(partition, first, high))
            return planned

    def _plan_again(self, extract_ids: Collection[str]) -> list[Range]:
        wanted = [
            (int(found[2]), int(found[3]), int(found[4]))
            for found in filter(None, map(_EXTRACT.fullmatch, sorted(extract_ids)))
            if found[1] == self.topic
        ]
        planned = []
        if wanted:
            with self._consumer() as consumer:
                partitions = self._partitions(consumer)
                for partition, first, end in wanted:
                    low, high = self._watermarks(consumer, partition) if partition in partitions else (0, 0)
                    if low < end <= high:
                        planned.append(Range(partition, first, end, low))
        return planned

    def _partitions(self, consumer: Consumer) -> list[int]:
        try:
            found = consumer.list_topics(self.topic, timeout=ANSWER_SECONDS).topics[self.topic]
        except KafkaException as failure:
            raise self._failed(failure.args[0]) from None
        if found.error is not None:
            if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise VendorError(
                    f"Kafka at {self._servers} has no topic {self.topic}: set SOURCES__BEHAVIOUR__TOPIC to one it has."
                )
            raise self._failed(found.error)
        return sorted(found.partitions)

    def _watermarks(self, consumer: Consumer, partition: int) -> tuple[int, int]:
        try:
            found = consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=ANSWER_SECONDS)
        except KafkaException as failure:
            raise self._failed(failure.args[0]) from None
        if found is None:
            raise self._failed(None)
        return found

    def _read(self, consumer: Consumer, planned: Range) -> Iterator[list[Message]]:
        """The messages of the range in chunks, in the order of their offsets. Raises VendorUnavailable when nothing
        comes for `patience` seconds."""
        position = max(planned.first, planned.low)
        if position < planned.end:
            self._assign(consumer, planned.partition, position)
        chunk: list[Message] = []
        size = 0
        heard = time.monotonic()
        while position < planned.end:
            for delivered in consumer.consume(min(500, planned.end - position), timeout=1.0):
                heard = time.monotonic()
                if delivered.partition() != planned.partition:
                    continue  # still on its way from a partition that is done
                if delivered.error() is not None:
                    position = self._interrupted(consumer, delivered, planned, position)
                    continue
                if delivered.offset() >= planned.end:  # a message that arrived while we read: the next run's
                    position = planned.end
                    break
                if delivered.offset() < position:
                    raise VendorError(
                        f"Kafka topic {self.topic}, partition {planned.partition} delivered offset "
                        f"{delivered.offset()} where {position} or later was due: nothing of this load was kept."
                    )
                position = delivered.offset() + 1
                message = _message(delivered)
                planned.delivered += 1
                planned.digest += share(message)
                planned.known_at = max(planned.known_at, message.known_at or ALWAYS_KNOWN)
                chunk.append(message)
                size += len(message.value or b"") + len(message.key or b"")
            if len(chunk) >= CHUNK_MESSAGES or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
            if time.monotonic() - heard > self._patience:
                raise self._failed(self._trouble)
        if chunk:
            yield chunk

    def _interrupted(self, consumer: Consumer, delivered: Delivered, planned: Range, position: int) -> int:
        """Where reading goes on after an error that came instead of a message."""
        code = delivered.error().code()
        if code == KafkaError._PARTITION_EOF:
            # Offsets behind the last message belong to transactions or were compacted away.
            return max(position, min(delivered.offset(), planned.end))
        if code == KafkaError._AUTO_OFFSET_RESET:
            low, _ = self._watermarks(consumer, planned.partition)
            if low > position:
                resumed = min(low, planned.end)
                planned.removed += resumed - position
                logger.error(
                    "Kafka topic %s, partition %s: offsets %s to %s were removed before they were read",
                    self.topic, planned.partition, position, resumed - 1,
                )  # fmt: skip
                self._assign(consumer, planned.partition, resumed)
                return resumed
        if delivered.error().retriable() or code in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
            self._trouble = delivered.error()
            return position
        raise self._failed(delivered.error())

    def _assign(self, consumer: Consumer, partition: int, offset: int) -> None:
        consumer.assign([TopicPartition(self.topic, partition, offset)])

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        self._trouble = None
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "plumbline",  # the client wants one; offsets are assigned and never committed
                "client.id": "plumbline",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "allow.auto.create.topics": False,
                "check.crcs": True,
                "fetch.wait.max.ms": 20,  # partitions are read one after the other: none waits for news of the last one
                "queued.max.messages.kbytes": 32 << 10,
                "error_cb": self._note,
                "log_level": 2,
                **self._options,
            },
            logger=logger,
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def _note(self, error: KafkaError) -> None:
        """Keeps what the client says meanwhile; a refusal is not covered by the brokers being down for it."""
        if self._trouble is None or self._trouble.code() not in _REFUSALS:
            self._trouble = error

    def _failed(self, error: KafkaError | None) -> VendorError:
        if self._trouble is not None and self._trouble.code() in _REFUSALS:
            error = self._trouble
        said = error.name() if error is not None else "no answer"
        if error is not None and error.code() in _REFUSALS:
            return VendorError(
                f"Kafka at {self._servers} refused access to topic {self.topic} ({said}). See "
                "SOURCES__BEHAVIOUR__SECURITY_PROTOCOL, SASL_MECHANISM, SASL_USERNAME, SASL_PASSWORD and "
                "SSL_CA_LOCATION, and whether this user may read the topic."
            )
        return VendorUnavailable(
            f"Kafka at {self._servers} does not serve topic {self.topic} ({said}). See whether the brokers are up and "
            "reachable from here and whether SOURCES__BEHAVIOUR__BOOTSTRAP_SERVERS is right. Nothing of this load was "
            "kept; the next run catches up."
        )


def kept_offsets(topic: str, completed: Collection[str]) -> dict[int, int]:
    """By partition the offset to read next, out of the ids of the extracts that the warehouse holds."""
    kept: dict[int, int] = {}
    for found in filter(None, map(_EXTRACT.fullmatch, completed)):
        if found[1] == topic:
            kept[int(found[2])] = max(kept.get(int(found[2]), 0), int(found[4]))
    return kept


def _message(delivered: Delivered) -> Message:
    kind, milliseconds = delivered.timestamp()
    try:
        is_told = kind != TIMESTAMP_NOT_AVAILABLE and milliseconds >= 0
        known_at = _EPOCH + timedelta(milliseconds=milliseconds) if is_told else None
    except OverflowError:
        known_at = None
    headers = tuple(delivered.headers() or ())
    return Message(delivered.offset(), known_at, delivered.key(), headers, delivered.value())
