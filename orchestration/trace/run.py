"""A trace from what was asked to its files.

Belongs here: which warehouse it reads, and what it writes. Not here: the walk (follow.py) and the page (page.py).
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.pipeline import has_table
from orchestration import built, progress, run_lock
from orchestration.look_back import copies, tables
from orchestration.look_back.replay import Replay
from orchestration.look_back.request import AS_OF
from orchestration.resources import open_warehouse
from orchestration.trace import page
from orchestration.trace.follow import Cut, Edge, Node, Trace, follow

MODELS = (
    "int_money_edges",
    "int_chain_transfers",
    "int_address_attributions",
    "int_exposures",
    "int_sanctioned_addresses",
)


def run(
    root: Path, kind: str, name: str, hops: int, fan_out: int, as_of: datetime | None, out: Path | None,
    say: Callable[[str], None],
) -> tuple[Trace, Path]:  # fmt: skip
    """Follows the money of `name` (a subject, transfer or address) and writes trace.html, graph.svg and three Parquet
    tables to `out` (default: root/trace/<what was asked>), which is replaced.

    `as_of` (UTC): with the transfers and attributions known then. Raises LookupError where there is nothing to follow.
    """
    copies.of_sound_warehouse(root)
    known = f"{as_of.isoformat().replace(':', '-')}Z" if as_of else "now"
    folder = (out or root / "trace" / f"{kind}_{''.join(c if c.isalnum() else '-' for c in name)}_{known}").absolute()
    if folder.exists() and not (folder / "trace.html").exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds something else than a trace: choose another --out.")
    with _known(root, as_of, say) as connection:
        progress.report("following the money")
        trace = follow(connection, kind, name, hops, fan_out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "trace.html").write_text(page.page(trace), encoding="utf-8")
    (folder / "graph.svg").write_text(page.graph(trace), encoding="utf-8")
    for table, kind_of, rows in (("edges", Edge, trace.edges), ("nodes", Node, trace.nodes), ("cuts", Cut, trace.cuts)):
        columns = {one.name: [getattr(row, one.name) for row in rows] for one in fields(kind_of)}
        tables.write(pa.table(columns), folder / f"{table}.parquet")
    return trace, folder


@contextmanager
def _known(root: Path, as_of: datetime | None, say: Callable[[str], None]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse with the knowledge asked for: the live one while no run writes, or a copy rebuilt as of then."""
    if as_of is None:
        with run_lock.hold(root, "trace", say), open_warehouse(root / "warehouse.duckdb", say) as connection:
            _refuse_unbuilt(connection)
            yield connection
        return
    with run_lock.hold(root, "trace", say, run_lock.LOOKING_BACK):
        work = root / "trace" / ".work"
        try:
            progress.report("copying the warehouse")
            is_built = copies.copy_warehouse(root, work, say, lambda connection: _is_built(connection, as_of))
            replay = Replay(work, {})
            if not is_built:
                replay.show(as_of)
                replay.build(*(f"+{model}" for model in MODELS))
            with replay.connect() as connection:
                yield connection
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _is_built(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> bool:
    _refuse_unbuilt(connection)
    ((oldest, newest),) = connection.execute(
        f"select (select min(known_at) from staging.stg_control__totals), as_of_at from {AS_OF}"  # noqa: S608 (a constant)
    ).fetchall()
    if oldest is None or not oldest <= as_of <= newest:
        raise LookupError(f"{as_of} UTC is not between the first ({oldest}) and the last ({newest}) that became known.")
    return as_of == newest and built.is_current(connection)


def _refuse_unbuilt(connection: duckdb.DuckDBPyConnection) -> None:
    if not has_table(connection, "intermediate", "int_money_edges"):
        raise LookupError("The warehouse was never built to its end: plumbline run")
