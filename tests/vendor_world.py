"""A small sandbox world whose ledger is loaded, and a vendors' server over it with a hook in front."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import yaml
from aiohttp import web

from ingestion import pipeline
from ingestion.control_totals import RECORD_HASH_SQL
from ingestion.exchange import exchange_source
from sandbox import vendor
from sandbox.world import generate

_UNITS = "substr(lpad(value, 80, '0'), 1, 80 - {0}) || '.' || substr(lpad(value, 80, '0'), 81 - {0})".format
AMOUNTS = {"alerts": "alert_amount_usd", "entries": "amount", "ethereum_transactions": _UNITS(18)}
AMOUNTS |= {"bitcoin_inputs": _UNITS(8), "bitcoin_outputs": _UNITS(8)}
"""Where a raw table whose hash is over an amount has it."""


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
    """The extracts and tables whose control total, rows or hash, is not what was landed or rejected, or has no hash."""
    return query(f"{_compared(feed)} where rows <> counted_rows or hash <> counted_hash or unhashed > 0")


def differing_hashes(feed: str) -> list[tuple]:
    """The extracts and tables with as many records as the control total says, and other ones."""
    if not pipeline.warehouse_path().exists():
        return []
    with pipeline.warehouse() as connection:
        if not pipeline.has_table(connection, pipeline.dataset(feed), "control_totals"):
            return []
    return query(f"{_compared(feed)} where rows = counted_rows and hash <> counted_hash and unhashed = 0")


def _compared(feed: str) -> str:
    tables = [t for (t,) in query(f"select distinct table_name from raw_{feed}.control_totals")]  # noqa: S608 (a feed)
    landed = " union all ".join(
        f"select '{table}' as table_name, _extract_id as extract_id, {_share(feed, table)} as share "  # noqa: S608 (our names)
        f"from raw_{feed}.{table}"
        for table in tables
    )
    none = "select null as table_name, null as extract_id, null as share where false"
    return (
        f"with landed as ({landed or none} union all "  # noqa: S608 (our names)
        f"select table_name, extract_id, record_hash from raw_{feed}.rejects "
        "qualify count(case when _extract_id = extract_id then replayed_at end) over (partition by reject_id) = 0 "
        "and replayed_at is null), "
        "counted as (select table_name, extract_id, count(*) as rows, sum(share) as hash from landed group by all), "
        "stated as (select table_name, extract_id, sum(source_rows) as rows, sum(source_hash) as hash, "
        f"count(*) - count(source_hash) as unhashed from raw_{feed}.control_totals group by all), "
        "compared as (select table_name, extract_id, coalesce(stated.rows, 0) as rows, "
        "coalesce(counted.rows, 0) as counted_rows, coalesce(stated.hash, 0) as hash, "
        "coalesce(counted.hash, 0) as counted_hash, coalesce(stated.unhashed, 0) as unhashed "
        "from stated full join counted using (table_name, extract_id)) select * from compared"
    )


def _share(feed: str, table: str) -> str:
    """The share that a raw row has of its table's hash, by what the dbt project says it is over."""
    project = yaml.safe_load((Path(__file__).parents[1] / "dbt_project/dbt_project.yml").read_text())
    said = project["vars"]["record_keys"][f"{feed}.{table}"]
    key = " || ':' || ".join(f"coalesce(cast(\"{column}\" as varchar), '')" for column in said["raw"])
    amount = f"coalesce(cast(cast({AMOUNTS[table]} as decimal(38, 18)) as varchar), '')" if said.get("amount") else "''"
    return RECORD_HASH_SQL.format(f"{f'lower({key})' if said.get('lower') else key} || '|' || {amount}")
