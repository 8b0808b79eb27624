"""What blockchain-analytics vendors are asked about: the exchange's crypto movements and the addresses on their other
side.

Belongs here: what is to be screened, whoever the vendor is. Which of it a vendor has answered is the vendor's feed's
business; how movements are found in the ledger is `ingestion.chainalysis.movements`'.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from ingestion import pipeline
from ingestion.chainalysis.movements import ledger_movements

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:(//)?(pay-)?")
_AROUND = re.compile(r"[?@/#\s].*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Movement:
    """One crypto movement at the exchange's boundary. `known_at`: when the ledger's row became known (naive UTC)."""

    ledger_transfer_id: str
    account_id: str
    chain_code: str
    asset_code: str
    is_deposit: bool
    tx_hash: str
    output_address: str
    counterparty_address: str
    moved_at: datetime
    amount: Decimal | None
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """An address on the other side of movements. `account_id` is the account of the first of them, `known_at` when the
    newest of them became known (naive UTC)."""

    chain_code: str
    address: str
    account_id: str
    known_at: datetime


def movements() -> list[Movement]:
    """Every completed crypto movement of the ledger in the warehouse, by transfer id; none where there is no ledger."""
    if not pipeline.warehouse_path().exists():
        return []
    with pipeline.warehouse() as connection:
        found = ledger_movements(connection)
    return [
        Movement(
            ledger_transfer_id=row["ledger_transfer_id"],
            account_id=row["user_id"],
            chain_code=row["network"],
            asset_code=row["asset_code"],
            is_deposit=row["direction_code"] == "received",
            tx_hash=row["transfer_reference"].partition(":")[0],
            output_address=plain(row["transfer_reference"].partition(":")[2]),
            counterparty_address=row["counterparty_address"] or "",
            moved_at=row["transfer_at"],
            amount=row["asset_amount"],
            known_at=row["known_at"],
        )
        for row in found
    ]


def counterparties(found: list[Movement]) -> list[Address]:
    """The other sides of the movements, each once, by chain and address."""
    newest: dict[tuple[str, str], Address] = {}
    for movement in found:
        if address := plain(movement.counterparty_address):
            key = movement.chain_code, address
            before = newest.get(key)
            newest[key] = Address(
                *key,
                account_id=before.account_id if before else movement.account_id,
                known_at=max(before.known_at, movement.known_at) if before else movement.known_at,
            )
    return [newest[key] for key in sorted(newest)]


def plain(address: str) -> str:
    """The address as a vendor takes it: without characters that nobody can see, payment-URI scheme, query and call
    path; hex and bech32 in lower case, because their case means nothing. "" where nothing is left."""
    seen = "".join(character for character in address if unicodedata.category(character) not in ("Cf", "Cc"))
    bare = _AROUND.sub("", _SCHEME.sub("", seen.strip()))
    return bare.lower() if bare.lower().startswith(("0x", "bc1", "tb1", "ltc1")) else bare


def landed(feed: str, table: str, columns: str) -> list[tuple]:
    """The given columns of a raw table's rows, of completed loads only, oldest first; none before the first load. Of
    rejects those that stand (see `pipeline.stands`). `feed`, `table` and `columns` come from our own code."""
    if not pipeline.warehouse_path().exists():
        return []
    schema = pipeline.dataset(feed)
    standing = f"and {pipeline.stands(feed)} " if table == "rejects" else ""
    with pipeline.warehouse() as connection:
        try:
            return connection.execute(
                f'select {columns} from "{schema}"."{table}" where _dlt_load_id in '  # noqa: S608 (names of our own code)
                f'(select load_id from "{schema}"._dlt_loads where status = 0) {standing}'
                "order by _known_at, _extract_id, _record_no"
            ).fetchall()
        except duckdb.CatalogException:
            return []
