"""Loading feeds of a sandbox world without Dagster. A module of its own, so that a child process can import it."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ingestion import pipeline
from orchestration import demo
from orchestration.assets.feeds import FEEDS
from sandbox.vendor import KYT_PATH, OFAC_PATH, TOKEN


def settings(world: Path, url: str) -> dict[str, str]:
    """dlt's configuration of the world's files and of every vendor and publisher of the sandbox server at `url`, as
    environment variables. Writes the world's webhooks."""
    made = demo.sources(world, url + KYT_PATH, TOKEN) | demo.every_feed(world, url)
    # Long enough for what a vendor finishes at the second or third poll; nobody waits for what it never finishes.
    made |= dict.fromkeys(("SOURCES__CHAINALYSIS__POLL_SECONDS", "SOURCES__TRM__POLL_SECONDS"), "1.0")
    # Not USER_LISTS: what the vendor says of a user depends on which of his transfers it has finished by then, so two
    # loads are not the same rows.
    made |= {"SOURCES__CHAINALYSIS__NETWORK_IDENTIFICATIONS": "true"}
    return made | {"SOURCES__WATCHLISTS__RETRY_SECONDS": "0.001", "SOURCES__WATCHLISTS__OFAC_SDN_URL": url + OFAC_PATH}


def load(
    home: Path,
    configured: Mapping[str, str],
    feeds: Iterable[str] = FEEDS,
    begins: Callable[[str], None] = lambda feed: None,
) -> None:
    """Loads the feeds as the main job does; calls `begins` with each before it is read. Changes the environment of this
    process."""
    os.environ |= {**configured, "PLUMBLINE_HOME": str(home)}
    for feed in feeds:
        begins(feed)
        pipeline.run(pipeline.source_of(feed)(), feed)
