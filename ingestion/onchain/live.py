"""What every live transport shares: an extract on its way to raw, and what the warehouse already holds.

Belongs here: nothing that asks anybody. Nodes are in `nodes`, explorers in `explorers`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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
    return bool(pipeline.completed_extracts(FEED))


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


def listed(prefix: str, table: str, key: str) -> dict[str, dict[tuple, datetime]]:
    """What the listings `<prefix>:<address>:...` of each address brought: (key, block number, block hash) of each row
    and when it became known. `key` is a column expression of this package."""
    if not _is_loaded():
        return {}
    found: dict[str, dict[tuple, datetime]] = {}
    with pipeline.warehouse() as connection:
        rows = connection.execute(
            f"select split_part(_extract_id, ':', 3), {key}, block_number, coalesce(block_hash, ''), max(_known_at) "  # noqa: S608 (names of this package)
            f"from raw_{FEED}.{table} where starts_with(_extract_id, ?) and {_COMPLETED} group by all",
            [prefix],
        ).fetchall()
    for address, row_key, number, block_hash, known_at in rows:
        found.setdefault(address, {})[row_key, number, block_hash] = known_at
    return found


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
