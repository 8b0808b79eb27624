"""`python -m sandbox.kafka WORLD --bootstrap-servers HOST:PORT`: the world's behaviour events as messages of a topic.

Belongs here: filling a topic, and a broker to fill where there is none (the client library's own mock cluster, which
speaks the protocol over TCP on loopback and keeps 5 MB a partition). Not here: anything about how a topic is read.
"""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Producer

TOPIC = "behaviour"
QUIET = {"log_level": 2}


@contextmanager
def broker() -> Iterator[str]:
    """A mock broker of this process; yields its bootstrap servers. Its topics come into being, with four partitions,
    when somebody writes to them."""
    cluster = Producer({"test.mock.num.brokers": 1, **QUIET})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{one.host}:{one.port}" for one in brokers)
    del cluster


def messages(world: Path) -> Iterator[tuple[str, bytes, int]]:
    """(key, value, timestamp in ms) of every event in the world's behaviour files, in the order of time. A message is
    sent two seconds after its event."""
    for path in sorted((world / "landing" / "behaviour").glob("delivery=*/events.parquet")):
        table = pq.read_table(path)
        at = table.column("event_at")
        milliseconds = at.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_pylist()
        for event, moment in zip(table.to_pylist(), milliseconds, strict=True):
            payload = event.pop("payload_json")
            body = {name: value for name, value in event.items() if value is not None}
            body["event_at"] = event["event_at"].isoformat() + "Z"
            body["payload"] = json.loads(payload)
            value = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            yield event["account_id"], value, moment + 2_000


def fill(world: Path, bootstrap_servers: str, topic: str = TOPIC) -> int:
    """Sends the world's events to the topic, keyed by account; returns how many the brokers acknowledged. Raises
    RuntimeError when they do not acknowledge all."""
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "compression.type": "lz4", "linger.ms": 50, "acks": "all", **QUIET}
    )
    sent = 0
    for key, value, timestamp in messages(world):
        while True:
            try:
                producer.produce(topic, value=value, key=key, timestamp=timestamp)
                break
            except BufferError:  # more than the client keeps: let it send
                producer.poll(0.1)
        sent += 1
    if left := producer.flush(60):
        raise RuntimeError(f"{left} of {sent} messages were not acknowledged by {bootstrap_servers}")
    return sent


def main() -> None:
    """The command line of `python -m sandbox.kafka`."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.kafka", description=__doc__)
    parser.add_argument("world_dir", type=Path)
    parser.add_argument("--bootstrap-servers", help="without it a mock broker is started, filled and kept until Ctrl-C")
    parser.add_argument("--topic", default=TOPIC)
    options = parser.parse_args()
    if options.bootstrap_servers:
        print(f"{fill(options.world_dir, options.bootstrap_servers, options.topic):,} messages sent")
        return
    with broker() as servers:
        count = fill(options.world_dir, servers, options.topic)
        print(f"{count:,} messages in topic {options.topic} at {servers}; Ctrl-C ends it", flush=True)
        try:
            while True:
                time.sleep(3_600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
