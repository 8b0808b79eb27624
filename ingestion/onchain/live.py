"""What every live transport shares: an extract on its way to raw, and what the warehouse already holds.

Belongs here: nothing that asks anybody. Nodes are in `nodes`, explorers in `explorers`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion import pipeline
from ingestion.onchain.count import Totals
from ingestion.onchain.rpc import RejectedItem

FEED = "onchain"


@dataclass
class Extract:
    """One extract: rows by table in order, items that could not be read, the time of its blocks (seconds since 1970 by
    number); `totals` were counted on the answers as received. `known_at` is naive UTC."""

    extract_id: str
    uri: str
    transport: str
    known_at: datetime
    rows: dict[str, list[dict]] = field(default_factory=dict)
    rejected: list[RejectedItem] = field(default_factory=list)
    block_times: dict[int, int] = field(default_factory=dict)
    totals: list[Totals] = field(default_factory=list)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None)


def digest(texts: Iterable[str]) -> str:
    return hashlib.sha256(",".join(texts).encode()).hexdigest()[:16]


def after(newest: datetime, replaced: datetime | None) -> datetime:
    """When an answer became known that replaces one known at `replaced`: later than it, whatever the blocks say."""
    return newest if replaced is None else max(newest, replaced + timedelta(microseconds=1))


_COMPLETED = f"_dlt_load_id in (select load_id from raw_{FEED}._dlt_loads where status = 0)"  # noqa: S608 (names of this package)


def _is_loaded() -> bool:
    return pipeline.has_loaded(FEED)


def known_blocks(chain: str, transport: str) -> dict[int, tuple[str, datetime]]:
    """Hash and known-at time of the newest version of each block that this transport loaded, by number."""
    if not _is_loaded():
        return {}
    with pipeline.warehouse() as connection:
        rows = connection.execute(
            f"select number, arg_max(hash, (_known_at, _extract_id)), max(_known_at) from raw_{FEED}.blocks "  # noqa: S608 (names of this package)
            f"where chain_code = ? and transport_code = ? and {_COMPLETED} group by number",
            [chain, transport],
        ).fetchall()
    return {number: (block_hash, known_at) for number, block_hash, known_at in rows}


def blocks_of(extract_id: str) -> list[int]:
    """The numbers of the blocks that an extract brought, in order."""
    if not _is_loaded():
        return []
    with pipeline.warehouse() as connection:
        rows = connection.execute(
            f"select number from raw_{FEED}.blocks where _extract_id = ? and {_COMPLETED} order by number",  # noqa: S608 (names of this package)
            [extract_id],
        ).fetchall()
    return [number for (number,) in rows]


def listed(prefix: str, table: str, *columns: str) -> dict[str, dict[tuple, datetime]]:
    """What the listings `<prefix>:<address>:...` of each address brought: (key, block number, block hash) of each row
    or reject and when it became known. The key is made of `columns`. Extracts that a replay reads again count as not
    there."""
    if not _is_loaded():
        return {}
    again = sorted(pipeline.extracts_read_again())
    names = (*columns, "block_number", "block_hash")
    with pipeline.warehouse() as connection:
        rows = connection.execute(
            f"select split_part(_extract_id, ':', 3), max(_known_at), {', '.join(names)} from raw_{FEED}.{table} "  # noqa: S608 (names of this package)
            f"where starts_with(_extract_id, ?) and not list_contains(?::varchar[], _extract_id) and {_COMPLETED} "
            "group by all",
            [prefix, again],
        ).fetchall()
        refused = connection.execute(
            f"select split_part(extract_id, ':', 3), first_seen_at, raw_record from raw_{FEED}.rejects "  # noqa: S608 (names of this package)
            f"where starts_with(extract_id, ?) and table_name = ? and not list_contains(?::varchar[], extract_id) "
            f"and {_COMPLETED}",
            [prefix, table, again],
        ).fetchall()
    found: dict[str, dict[tuple, datetime]] = {}
    for address, known_at, *values in rows:
        _add(found, address, known_at, dict(zip(names, values, strict=True)), columns)
    for address, known_at, record in refused:
        _add(found, address, known_at, _as_row(json.loads(record)), columns)
    return found


def _add(
    found: dict[str, dict[tuple, datetime]],
    address: str,
    known_at: datetime,
    row: Mapping[str, Any],
    columns: Iterable[str],
) -> None:
    try:
        number = int(row["block_number"])
    except (KeyError, TypeError, ValueError):
        return  # a reject without its block cannot be told from another
    identity = " ".join(str(row.get(column)) for column in columns), number, row.get("block_hash") or ""
    found.setdefault(address, {})[identity] = known_at


def _as_row(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rejected record under the names of its table: it may be a log as the node has it."""
    if "transactionHash" not in record:
        return record
    number = record.get("blockNumber")
    return {
        "transaction_hash": str(record["transactionHash"]).lower(),
        "block_number": int(number, 16) if isinstance(number, str) and number.startswith("0x") else number,
        "block_hash": record.get("blockHash"),
    }


def own_addresses(chains: Iterable[str]) -> list[str]:
    """The exchange's own addresses of these chains, from its ledger, as the ledger writes them."""
    if not pipeline.completed_extracts("exchange"):
        return []
    with pipeline.warehouse() as connection:
        rows = connection.execute(
            "select distinct address from raw_exchange.addresses where lower(trim(chain_code)) in "
            "(select unnest($chains)) and _dlt_load_id in "
            "(select load_id from raw_exchange._dlt_loads where status = 0) order by 1",
            {"chains": list(chains)},
        ).fetchall()
    return [address for (address,) in rows]
