"""Whether the records that lie in raw are those that their source was counted to have, by number and by hash."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml
from vendor_world import query

from ingestion import pipeline
from ingestion.control_totals import RECORD_HASH_SQL

_UNITS = "substr(lpad(value, 80, '0'), 1, 80 - {0}) || '.' || substr(lpad(value, 80, '0'), 81 - {0})".format
AMOUNTS = {"alerts": "alert_amount_usd", "entries": "amount", "rates": "rate_usd", "ethereum_transactions": _UNITS(18)}
AMOUNTS |= {"bitcoin_inputs": _UNITS(8), "bitcoin_outputs": _UNITS(8)}
"""Where a raw table whose hash is over an amount has it."""


@cache
def record_keys() -> dict[str, dict]:
    """What each table's hash is over, as the dbt project says."""
    project = Path(__file__).parents[1] / "dbt_project/dbt_project.yml"
    return yaml.safe_load(project.read_text())["vars"]["record_keys"]


def agree_after_each_test(feed: str) -> Callable:
    """A fixture of every test of a module, whatever it loads: of as many records as were counted, each is the one that
    was counted."""

    @pytest.fixture(autouse=True)
    def every_hash_agrees(home):
        yield
        assert differing_hashes(feed) == []

    return every_hash_agrees


SUMMED = {
    "chainalysis.transfers": "asset_amount",
    "chainalysis.withdrawal_attempts": "asset_amount",
    "chainalysis.alerts": "alert_amount_usd",
    "chainalysis.alert_states": "alert_amount_usd",
    "chainalysis.address_exposures": "value_usd",
    "chainalysis.user_exposures": "sent_direct_usd + sent_indirect_usd + received_direct_usd + received_indirect_usd",
    "chainalysis.listed_transfers": "amount_usd",
    "trm.address_screenings": "total_volume_usd",
    "trm.exposures": "total_volume_usd",
    "elliptic.exposures": "contribution_usd",
}
"""What the sources of vendors' tables sum, as raw has it."""


def differing_amounts(feed: str) -> list[tuple]:
    """The extracts and tables of a vendor whose stated amount is not what was landed or rejected."""
    summed = {name.partition(".")[2]: amount for name, amount in SUMMED.items() if name.startswith(f"{feed}.")}
    landed = " union all ".join(
        f"select '{table}' as table_name, _extract_id as extract_id, {amount} as amount from raw_{feed}.{table}"  # noqa: S608 (our names)
        for table, amount in summed.items()
    )
    return query(
        f"with landed as ({landed} union all select table_name, extract_id, amount from raw_{feed}.rejects "  # noqa: S608 (our names)
        "where replayed_at is null), "
        "found as (select table_name, extract_id, sum(amount) as amount from landed group by all), "
        "stated as (select table_name, extract_id, sum(source_amount) as amount "
        f"from raw_{feed}.control_totals group by all) "
        "select table_name, extract_id, stated.amount, found.amount "
        "from stated join found using (table_name, extract_id) "
        "where coalesce(stated.amount, 0) <> coalesce(found.amount, 0) "
        f"and table_name in ({', '.join(map(repr, summed))})"
    )


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
    said = record_keys()[f"{feed}.{table}"]
    key = " || ':' || ".join(f"coalesce(cast(\"{column}\" as varchar), '')" for column in said["raw"])
    amount = f"coalesce(cast(cast({AMOUNTS[table]} as decimal(38, 18)) as varchar), '')" if said.get("amount") else "''"
    return RECORD_HASH_SQL.format(f"{f'lower({key})' if said.get('lower') else key} || '|' || {amount}")
