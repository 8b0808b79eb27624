"""Behaviour of customers at the exchange: logins, devices, addresses they come from, changes of their profile.

Belongs here: the feed's dlt source. Events come as canonical files, from a Kafka topic, or both; one table holds them.
"""

from collections.abc import Iterable
from datetime import date

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import canonical, control_totals, records, rejects
from ingestion.behaviour.kafka import Topic
from ingestion.behaviour.parse import EVENTS, FEED, SCHEMA, TABLES, from_files
from ingestion.pipeline import completed_extracts, extracts_read_again


@dlt.source(name=FEED, section=FEED)
def behaviour_source(
    bucket_url: str | None = None,
    bootstrap_servers: str | None = None,
    topic: str = "behaviour",
    security_protocol: str | None = None,
    sasl_mechanism: str | None = None,
    sasl_username: str | None = None,
    sasl_password: TSecretStrValue | None = None,
    ssl_ca_location: str | None = None,
    patience_seconds: float = 60.0,
    start: date | None = None,
    end: date | None = None,
) -> Iterable[DltResource]:
    """The new events: files below `bucket_url`, and what came to `topic` at `bootstrap_servers` since the last load.

    `start` and `end` keep business dates of files in a half-open window; a topic is always read on from where the last
    load ended. `security_protocol` to `ssl_ca_location` are Kafka's own settings of these names. `patience_seconds`:
    how long the brokers may be silent. Raises DeliveryError, VendorUnavailable and VendorError (see `Topic`)."""
    files = canonical.extract(FEED, TABLES, bucket_url, start, end)
    access = {
        "security.protocol": security_protocol,
        "sasl.mechanism": sasl_mechanism,
        "sasl.username": sasl_username,
        "sasl.password": sasl_password,
        "ssl.ca.location": ssl_ca_location,
    }
    completed = completed_extracts(FEED) if bootstrap_servers else set()
    options = {name: value for name, value in access.items() if value}
    stream = Topic(bootstrap_servers, topic, completed, options, patience_seconds, extracts_read_again())
    has_new = files.has_new or stream.has_new

    def events():
        yield from map(from_files, files.rows(EVENTS))
        yield from stream.rows()

    def totals():
        yield from files.totals()
        yield control_totals.to_table(stream.totals())

    def refused():
        yield from files.rejects()
        yield rejects.to_table(stream.rejects())

    yield records.resource(EVENTS.name, SCHEMA, events, has_new=has_new)
    yield records.resource("control_totals", control_totals.SCHEMA, totals, has_new=has_new)
    yield records.resource("rejects", rejects.SCHEMA, refused, has_new=has_new)
