"""A small sandbox world whose ledger is loaded, and a vendors' server over it with a hook in front."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
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


def write_ledger(rows: list[dict]) -> None:
    """A warehouse whose exchange ledger holds these movements; `kind` says whether one is a deposit or a withdrawal."""
    pipeline.home().mkdir(parents=True, exist_ok=True)
    with pipeline.warehouse() as connection:
        connection.register("given", pa.Table.from_pylist(rows))
        connection.execute(
            """
            create schema raw_exchange;
            create table raw_exchange._dlt_loads as select 'done' as load_id, 0 as status;
            create table raw_exchange.deposits as
                select id as deposit_id, * exclude (kind, id) from given where kind = 'deposit';
            create table raw_exchange.withdrawals as
                select id as withdrawal_id, * exclude (kind, id) from given where kind = 'withdrawal';
            """
        ).fetchall()
