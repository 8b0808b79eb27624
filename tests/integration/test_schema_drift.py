"""Feeds we own are frozen: a delivery whose columns are not the documented ones stops its feed, says why, leaves what
was loaded, and stops no other feed. The source puts it right, and nothing was lost meanwhile."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster_dlt import DagsterDltResource

from ingestion import pipeline
from orchestration.assets.feeds import feed_assets
from orchestration.resources import Warehouse

GOOD = {
    "event_id": ["e1", "e2"],
    "event_type_code": ["login", "logout"],
    "outcome_code": ["success", "success"],
    "account_id": ["a1", None],
    "party_id": [None, "p1"],
    "device_id": ["d1", "d1"],
    "ip_address": ["198.18.0.1", None],
    "country_code": ["DE", None],
    "user_agent_hash": [None, None],
    "event_at": ["2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"],
    "payload_json": ['{"app":"8.2"}', None],
}
DRIFTED = {
    "a column was added": ({**GOOD, "session_id": ["s1", "s2"]}, "has the unknown column session_id: take it out"),
    "a column was removed": (
        {name: values for name, values in GOOD.items() if name != "device_id"},
        "lacks the column device_id: add it (empty where there is no value)",
    ),
    "a column was renamed": (
        {("ip" if name == "ip_address" else name): values for name, values in GOOD.items()},
        "lacks the column ip_address: add it",
    ),
    "a column changed its type": ({**GOOD, "account_id": [1, 2]}, "stores account_id as int64: store it as text"),
    "times became numbers": ({**GOOD, "event_at": [1767261600, 0]}, "stores event_at as int64: store it as timestamp"),
}


def deliver(root: Path, day: int, content: dict) -> Path:
    folder = root / f"delivery=2026-01-{day:02}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(content), folder / "events.parquet")
    return folder / "events.parquet"


def run_feeds(*names: str) -> tuple[dict[str, bool], str]:
    """Whether each feed's op succeeded in one run of them all, and what failed ones said."""
    result = dg.materialize(
        [feed_assets(name) for name in names],
        partition_key="2026-01-01",
        instance=dg.DagsterInstance.ephemeral(),
        resources={"dlt": DagsterDltResource(), "warehouse": Warehouse()},
        raise_on_error=False,
    )
    failures = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    said = "\n".join(str(event.event_specific_data.error) for event in failures)
    failed = {event.step_key.removeprefix("raw_") for event in failures}
    return {name: name not in failed for name in names}, said


def events() -> list[str]:
    with pipeline.warehouse() as connection:
        return [i for (i,) in connection.execute("select event_id from raw_behaviour.events order by 1").fetchall()]


@pytest.mark.parametrize("drift", DRIFTED)
def test_a_drifted_delivery_stops_its_feed_and_no_other(home: Path, tmp_path: Path, monkeypatch, drift):
    content, says = DRIFTED[drift]
    behaviour, prices = tmp_path / "behaviour", tmp_path / "prices"
    path = deliver(behaviour, 1, content)
    (prices / "delivery=2026-01-01").mkdir(parents=True)
    (prices / "delivery=2026-01-01" / "rates.csv").write_text(
        "asset_code,rate_date,rate_usd,source\nBTC,2026-01-01,1,x\n"
    )
    monkeypatch.setenv("SOURCES__BEHAVIOUR__BUCKET_URL", str(behaviour))
    monkeypatch.setenv("SOURCES__PRICES__BUCKET_URL", str(prices))

    succeeded, said = run_feeds("behaviour", "prices")
    assert succeeded == {"behaviour": False, "prices": True}
    assert str(path) in said and says in said
    with pipeline.warehouse() as connection:
        assert connection.execute("select count(*) from raw_prices.rates").fetchall() == [(1,)]
    assert pipeline.completed_extracts("behaviour") == set()

    deliver(behaviour, 1, GOOD)
    assert run_feeds("behaviour")[0] == {"behaviour": True}
    assert events() == ["e1", "e2"]
