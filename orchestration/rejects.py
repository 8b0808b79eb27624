"""The open rejects as people see them: a list, one of them whole, and their replay.

Belongs here: what is shown, and that a replay waits for a run that writes. Not here: what a reject is and how it is
read again (ingestion/).
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table

from ingestion import pipeline, rejects, replay
from orchestration import run_lock
from orchestration.assets.feeds import FEEDS
from orchestration.home import home
from orchestration.resources import open_warehouse

# A reason quotes the value it could not read, which in these feeds may be a person's (as in marts.fct_rejects).
PERSONAL = ("kyc", "bank", "cases", "behaviour", "travel_rule")


def open_rejects(feed: str | None = None) -> list[dict[str, Any]]:
    """The open rejects of all feeds or of one, oldest first, in the members of `rejects.SCHEMA`."""
    return _of_feeds(replay.open_rejects, feed)


def closed_rejects(feed: str | None = None) -> list[dict[str, Any]]:
    """The closed rejects of all feeds or of one, oldest first; `closed_as_code` and `replayed_at` say how and when."""
    return _of_feeds(replay.closed_rejects, feed)


def _of_feeds(read: Callable[[str], pa.Table], feed: str | None) -> list[dict[str, Any]]:
    with _quiet_warehouse():
        rows = [row for name in FEEDS if feed in (None, name) for row in read(name).to_pylist()]
    wanted = rejects.SCHEMA.names
    return sorted(
        ({name: row[name] for name in wanted} for row in rows), key=lambda row: (row["first_seen_at"], row["reject_id"])
    )


def show_list(
    console: Console, rows: list[dict[str, Any]], closed: list[dict[str, Any]], *, is_closed: bool = False
) -> None:
    """A line for each of the rows: enough of its id to name it, where it comes from, since when, why; of a closed one
    how and when it was closed. How many of those there are is said below. No personal data."""
    if rows:
        _show(console, rows, is_closed)
    else:
        console.print(f"There is no {'closed' if is_closed else 'open'} reject.")
    if is_closed:
        return
    if rows:
        console.print("One whole: plumbline rejects show ID. Mapping or parser put right: plumbline rejects replay.")
    if closed:
        ways = Counter(row["closed_as_code"] for row in closed)
        said = ", ".join(f"{count:,} {way}" for way, count in sorted(ways.items()))
        console.print(f"Closed: {said}. All of them: plumbline rejects list --closed.")


def _show(console: Console, rows: list[dict[str, Any]], is_closed: bool) -> None:
    title = f"{len(rows):,} {'closed' if is_closed else 'open'} rejects, oldest first"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for column in ("id", "feed", "table", "file", "record", "first seen (UTC)", *["closed"] * is_closed, "reason"):
        table.add_column(column, overflow="fold")
    for row in rows:
        reason = row["reason_code"] if row["feed_code"] in PERSONAL else row["reason"]
        where = row["extract_id"].rpartition(":")[0]
        seen = f"{row['first_seen_at']:%Y-%m-%d %H:%M}"
        closed = [f"{row['closed_as_code']} {row['replayed_at']:%Y-%m-%d %H:%M}"] if is_closed else []
        what = row["reject_id"][:8], row["feed_code"], row["table_name"], where, f"{row['record_no']:,}", seen
        table.add_row(*what, *closed, reason)
    console.print(table)


def chosen(rows: list[dict[str, Any]], beginning: str) -> dict[str, Any]:
    """The one reject whose id begins so. Raises LookupError for none and for several."""
    found = [row for row in rows if row["reject_id"].startswith(beginning)]
    if len(found) != 1:
        raise LookupError(
            f"{'No' if not found else len(found)} reject{'s' if len(found) > 1 else ''} with an id that begins "
            f"with {beginning}: see plumbline rejects list."
        )
    return found[0]


def as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, indent=2, default=str, ensure_ascii=False)


def run_replay(rows: list[dict[str, Any]], say: Callable[[str], None]) -> int:
    """Replays these rejects, feed by feed, waiting first while a run is alive; returns how many records came in."""
    came_in = 0
    root = home()
    with run_lock.hold(root, "replay", say):
        for feed in FEEDS:
            ids = [row["reject_id"] for row in rows if row["feed_code"] == feed]
            if not ids:
                continue
            try:
                outcome = replay.replay(feed, ids)
            except replay.ReplayError as error:
                say(str(error))
                continue
            tables = ", ".join(f"{count:,} {table}" for table, count in outcome.brought_in.items()) or "none"
            say(f"{feed}: brought in {tables}; still rejected {outcome.still_rejected:,}")
            if outcome.unread:
                gone = outcome.unread[0].rpartition(":")[0]
                say(f"{feed}: {len(outcome.unread):,} extracts cannot be read again where they came from, first {gone}")
            for note in outcome.notes:
                say(f"{feed}: {note}")
            came_in += sum(outcome.brought_in.values())
    return came_in


def _quiet_warehouse():
    """Waits until no other process has the warehouse open."""
    path: Path = pipeline.warehouse_path()
    if not path.exists():
        raise LookupError("There is no warehouse yet. Start with: plumbline run")
    return open_warehouse(path)
