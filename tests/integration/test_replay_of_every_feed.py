"""Whatever feed a reject is of: once the code that refused it is put right, a replay brings its record in, once.

Each case loads a little of one kind of source while one record of it is refused, puts that right and replays. The
refusal stands between records that are fine, so that a record which took another's place would show.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer
from record_hashes import uncounted
from replay_cases import GROUPS, Case, together
from vendor_world import query

from ingestion import pipeline, replay
from ingestion.behaviour import behaviour_source
from ingestion.kyc import webhooks
from sandbox import kafka as sandbox_kafka


def landed(feed: str) -> dict[str, list[tuple]]:
    """What the feed's tables hold, without when it came."""
    tables = query(
        "select table_name from information_schema.columns "  # noqa: S608 (names of this module)
        f"where table_schema = 'raw_{feed}' and column_name = '_extract_id' and table_name not in "
        "('control_totals', 'rejects')"
    )
    own = "exclude (_dlt_load_id, _known_at, _extract_id, _record_no)"
    return {t: sorted(map(str, query(f"select * {own} from raw_{feed}.{t}"))) for (t,) in tables}  # noqa: S608 (as above)


def doubled(feed: str) -> list[tuple]:
    """Places of extracts in which more than one record lies."""
    return [
        row
        for table in landed(feed)
        for row in query(
            f"select '{table}', _extract_id, _record_no from raw_{feed}.{table} group by all having count(*) > 1"  # noqa: S608 (names of the catalogue)
        )
    ]


@pytest.fixture(params=GROUPS)
def case(request, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(webhooks, "verify", lambda *_: None)
    with ExitStack() as stack:
        yield together([make(tmp_path, stack) for make in GROUPS[request.param]])


def test_what_was_refused_comes_in_exactly_once(case: Case):
    def make():
        return pipeline.source_of(case.feed)(**case.settings)

    with pytest.MonkeyPatch.context() as patch:
        case.refuse(patch)
        pipeline.run(make(), case.feed)
        before = landed(case.feed)
        assert replay.open_rejects(case.feed).num_rows == case.rejects
    assert replay.replay(case.feed, make=make) == replay.Outcome(case.feed, case.brings, 0)
    after = landed(case.feed)
    more = {table: len(rows) - len(before[table]) for table, rows in after.items()}
    assert +Counter(more) == Counter(case.brings) + Counter(case.beside)
    for table, rows in after.items():
        assert set(before[table]) <= set(rows)
        assert len(set(rows)) == len(rows)
    assert replay.open_rejects(case.feed).num_rows == 0
    assert doubled(case.feed) == uncounted(case.feed) == []
    assert replay.replay(case.feed, make=make) == replay.Outcome(case.feed, {}, 0)
    pipeline.run(make(), case.feed)
    assert landed(case.feed) == after


def test_what_no_replay_can_bring_in_is_said(home: Path):
    with sandbox_kafka.broker() as servers:
        producer = Producer({"bootstrap.servers": servers, "log_level": 2})
        producer.produce("behaviour", None, key="k", partition=0, timestamp=1_767_225_600_000)
        assert producer.flush(30) == 0
        pipeline.run(behaviour_source(bootstrap_servers=servers), "behaviour")
    outcome = replay.replay("behaviour")
    assert (outcome.brought_in, outcome.still_rejected) == ({}, 1)
    assert "deletes its key and is no event" in outcome.notes[0]
