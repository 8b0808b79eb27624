"""The ledger movements to be screened: what they are and which of the warehouse's still need the vendor.

The ledger is `raw_exchange`, loaded before this feed; only completed loads are read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb
import pyarrow as pa

from ingestion import pipeline
from ingestion.chainalysis.schemas import MOVEMENTS

Key = tuple[str | None, str | None, str | None]
"""What the vendor's lists name a registered transfer by: user id, transfer reference, direction."""

_NETWORKS = {"binance_smart_chain": "Binance_Smart_Chain", "bitcoin_cash": "Bitcoin_Cash"}
_NETWORKS |= {"ethereum_classic": "Ethereum_Classic"}


@dataclass(frozen=True, slots=True)
class Movement:
    """One crypto movement at the exchange's boundary. `transfer_at` is naive UTC; see `schemas.MOVEMENTS`."""

    ledger_transfer_id: str
    user_id: str
    network: str
    asset_code: str
    transfer_reference: str
    direction_code: str
    transfer_at: datetime
    asset_amount: Decimal | None = None
    external_id: str | None = None

    @property
    def key(self) -> Key:
        return self.user_id, self.transfer_reference, self.direction_code


def movements(given: pa.Table | Iterable[pa.Table | pa.RecordBatch | Mapping]) -> list[Movement]:
    """The given movements by ledger transfer id; Arrow tables, batches or mappings with the columns of
    `schemas.MOVEMENTS` (asset_amount and external_id may be absent). Raises ValueError on an id given twice."""
    rows: list[Mapping] = []
    for part in [given] if isinstance(given, pa.Table) else given:
        rows += part.to_pylist() if isinstance(part, pa.Table | pa.RecordBatch) else [part]
    found = {row["ledger_transfer_id"]: Movement(**row) for row in rows}
    if len(found) != len(rows):
        raise ValueError("a ledger_transfer_id is given twice among the movements to screen")
    return [found[ledger_transfer_id] for ledger_transfer_id in sorted(found)]


def transfers_to_register(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The movements of `raw_exchange` whose result has not landed, in the shape of `schemas.MOVEMENTS`.

    Completed crypto deposits and withdrawals with a transaction hash and an address, in their latest delivered version;
    of an address field that holds several the first, as the source wrote it. One that is still processing comes again,
    with its external id. One that the vendor refused comes again only when its reject is replayed.
    """
    if not (exists(connection, "raw_exchange", "deposits") and exists(connection, "raw_exchange", "withdrawals")):
        return MOVEMENTS.empty_table()
    landed = exists(connection, "raw_chainalysis", "transfers")
    wanted = _LANDED.replace("$stands", pipeline.stands("chainalysis")) if landed else _NOTHING_LANDED
    found = connection.sql(_ledger_sql() + wanted)
    rows = [{**row, "network": network_name(row["network"])} for row in found.to_arrow_table().to_pylist()]
    return pa.Table.from_pylist(rows, schema=MOVEMENTS)


def network_name(chain_code: str) -> str:
    """The vendor's spelling of a chain."""
    return _NETWORKS.get(chain_code, chain_code.capitalize())


def exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether a load has made the table."""
    present = connection.execute(
        "select table_name from information_schema.tables where table_schema = ? and table_name in (?, '_dlt_loads')",
        [schema, table],
    ).fetchall()
    return len(present) == 2


_SIDE = """
select 'exchange:{kind}:' || {kind}_id as ledger_transfer_id, account_id as user_id, chain_code as network,
    asset_code, trim(tx_hash) || ':' || trim(regexp_extract(to_address, '{first_address}')) as transfer_reference,
    '{direction}' as direction_code, event_at as transfer_at, amount as asset_amount{more}
from (
    select *, row_number() over (
        partition by {kind}_id order by _known_at desc, _extract_id desc, _record_no desc) as version_no
    from raw_exchange.{kind}s
    where _dlt_load_id in (select load_id from raw_exchange._dlt_loads where status = 0)
)
where version_no = 1 and rail_code = 'crypto' and status_code = 'completed' and chain_code is not null
    and trim(tx_hash) <> '' and regexp_matches(to_address, '{first_address}')
"""
FIRST_ADDRESS = r"[^\s;,|][^;,|]*"
"""Of an address field that holds several, the first, as the source wrote it."""


_OTHER_SIDE = (
    """, trim(regexp_extract({counterparty}, '{first_address}')) as counterparty_address, _known_at as known_at"""
)


def _ledger_sql(more: str = "") -> str:
    sides = " union all ".join(
        _SIDE.format(
            kind=kind,
            direction=direction,
            first_address=FIRST_ADDRESS,
            more=more.format(counterparty=counterparty, first_address=FIRST_ADDRESS),
        )
        for kind, direction, counterparty in (
            ("deposit", "received", "from_address"),
            ("withdrawal", "sent", "to_address"),
        )
    )
    return f"with ledger as ({sides})"


def ledger_movements(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    """Every crypto movement at the exchange's boundary, screened or not: the columns of `schemas.MOVEMENTS` with the
    ledger's own chain code as `network`, `counterparty_address` (the other side's first address, "" where the ledger
    names none) and `known_at` (when the ledger's row became known, naive UTC). Ordered by ledger transfer id."""
    if not (exists(connection, "raw_exchange", "deposits") and exists(connection, "raw_exchange", "withdrawals")):
        return []
    return connection.sql(_ledger_sql(_OTHER_SIDE) + _NOTHING_LANDED).to_arrow_table().to_pylist()


_NOTHING_LANDED = "select *, null::varchar as external_id from ledger order by ledger_transfer_id"


_LANDED = """,
completed as (select load_id from raw_chainalysis._dlt_loads where status = 0),
landed as (
    select ledger_transfer_id, max(external_id) as external_id, bool_or(updated_at is not null) as is_finished
    from raw_chainalysis.transfers where _dlt_load_id in (from completed) group by all
),
refused as (
    select distinct raw_record ->> '$.ledger_transfer_id' as ledger_transfer_id
    from raw_chainalysis.rejects
    where table_name = 'transfers' and _dlt_load_id in (from completed) and $stands
)
select ledger.*, landed.external_id
from ledger left join landed using (ledger_transfer_id)
where landed.is_finished is not true
    and ledger.ledger_transfer_id not in (select ledger_transfer_id from refused where ledger_transfer_id is not null)
order by ledger_transfer_id
"""


def plain(amount: Decimal) -> str:
    """The amount without exponent or trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
