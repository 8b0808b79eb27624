"""Loading every feed of a sandbox world without Dagster. A module of its own, so that a child process can import it."""

import os
from datetime import date, timedelta
from pathlib import Path

from ingestion import pipeline
from ingestion.chainalysis import chainalysis_source
from ingestion.watchlists import watchlists_source
from sandbox import vendor

FILE_FEEDS = ("exchange", "kyc", "bank", "onchain", "cases", "tagpacks", "prices", "travel_rule", "behaviour")


def load(home: Path, landing: Path, kyt_url: str | None, last_day: int | None) -> None:
    """Every feed, as the main job loads them but without Dagster; without `kyt_url` files only, and those of the first
    days only."""
    os.environ["PLUMBLINE_HOME"] = str(home)

    first = min(Path(landing / "exchange").glob("delivery=*")).name.partition("=")[2][:10]
    end = None if last_day is None else date.fromisoformat(first) + timedelta(days=last_day)
    for feed in FILE_FEEDS:
        pipeline.run(pipeline.source_of(feed)(bucket_url=str(landing / feed), end=end), feed)
    pipeline.run(watchlists_source(ofac_sdn_url=str(landing / "ofac"), end=end), "watchlists")
    if kyt_url:
        source = chainalysis_source(api_url=kyt_url, api_key=vendor.TOKEN, poll_seconds=1.0, concurrency=8)
        pipeline.run(source, "chainalysis")
