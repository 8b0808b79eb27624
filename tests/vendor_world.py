"""A small sandbox world whose ledger is loaded, and a vendors' server over it with a hook in front."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from aiohttp import web

from ingestion import pipeline
from ingestion.exchange import exchange_source
from sandbox import vendor
from sandbox.world import generate


def make(folder: Path) -> Path:
    """The world, in `folder`/world, and a data directory with its ledger, in `folder`/home. Gives the world."""
    world = folder / "world"
    generate(world, customers=60, days=6, seed=5, start=date(2026, 1, 1))
    pipeline.run(exchange_source(bucket_url=str(world / "landing/exchange")), "exchange")
    return world


def copy(made: Path, home: Path) -> None:
    """A data directory with the ledger of a world that was made, for one test to change."""
    shutil.copytree(made.parent / "home", home)


class Scripted(vendor.Vendor):
    """The sandbox vendors. What `script(method, path and query)` answers is sent instead; keeps the requests it saw."""

    def __init__(self, world: Path, script: Callable[[str, str], web.Response | None] = lambda *_: None) -> None:
        super().__init__(world)
        self.script, self.seen = script, []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path))
        return self.script(request.method, request.raw_path) or await super().__call__(request)


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def uncounted(feed: str) -> list[tuple]:
    """The extracts and tables whose control total is not what was landed or rejected."""
    tables = [t for (t,) in query(f"select distinct table_name from raw_{feed}.control_totals")]  # noqa: S608 (a feed)
    landed = " union all ".join(
        f"select '{table}' as table_name, _extract_id as extract_id from raw_{feed}.{table}"  # noqa: S608 (our names)
        for table in tables
    )
    return query(
        f"with landed as ({landed} union all "  # noqa: S608 (our names)
        f"select table_name, extract_id from raw_{feed}.rejects where replayed_at is null), "
        "counted as (select table_name, extract_id, count(*) as rows from landed group by all) "
        f"select * from raw_{feed}.control_totals as stated full join counted using (table_name, extract_id) "
        "where coalesce(stated.source_rows, 0) <> coalesce(counted.rows, 0)"
    )
