"""What the sandbox's other blockchain-analytics vendors know of addresses and transactions.

Belongs here: reading the world's attribution once, and where two vendors see the same address differently. Not here:
the shape of any vendor's answers.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

DISAGREEMENTS = {"unknown": 24, "milder": 20, "another": 12}
"""Of 256 addresses that are known to be something: how many a vendor does not know, calls less bad, or calls another
thing. Which ones it is follows from the vendor's name and the address alone."""
SUSPECTED = 6
"""Of 256 addresses that nobody else knows, how many a vendor has complaints about."""
COMPLAINT, UNNAMED, SCAM = 9, 41, 18
"""Category ids of the world (`sandbox.world.definitions.CATEGORIES`)."""


@dataclass
class Known:
    """An address and its dealings with the exchange. `category` is an id of the world's; None: an ordinary wallet."""

    address: str
    network: str
    category: int | None = None
    name: str | None = None
    sent_usd: Decimal = Decimal(0)
    received_usd: Decimal = Decimal(0)
    seen_at: list[datetime] = field(default_factory=list)


@dataclass(frozen=True)
class Payment:
    """One transfer of the exchange on its chain: the other side is `counterparty`."""

    tx: str
    direction: str
    output_address: str
    counterparty: Known
    usd: Decimal
    updated_at: datetime | None


class Attribution:
    """The world as one vendor sees it. `vendor` decides where it disagrees with the others."""

    def __init__(self, world_dir: Path, vendor: str) -> None:
        """Reads `<world_dir>/vendor/{transfers,counterparties}.parquet`; a world made before there was a list of
        counterparties has those of its withdrawals only. Raises FileNotFoundError without transfers."""
        self.vendor = vendor
        self.addresses: dict[str, Known] = {}
        self.payments: dict[tuple[str, str], list[Payment]] = {}
        folder = Path(world_dir) / "vendor"
        transfers = pq.read_table(folder / "transfers.parquet").to_pylist()
        listed = folder / "counterparties.parquet"
        for row in pq.read_table(listed).to_pylist() if listed.is_file() else map(_of_withdrawal, transfers):
            if row["address"]:
                self._add(row)
        for row in transfers:
            other = Known(row["output_address"] or "", row["network"], row["direct_category_id"], row["direct_name"])
            payment = Payment(
                row["tx"] or "",
                row["direction"],
                row["output_address"] or "",
                other,
                row["usd_amount"] or Decimal(0),
                row["updated_at"],
            )
            self.payments.setdefault((payment.tx.lower(), payment.direction), []).append(payment)

    def _add(self, row: dict) -> None:
        key = plain(row["address"])
        known = self.addresses.setdefault(key, Known(row["address"], row["network"]))
        if row["category_id"] is not None and known.category is None:
            known.category, known.name = row["category_id"], row["name"]
        if row["is_sender"]:
            known.sent_usd += row["usd"]
        else:
            known.received_usd += row["usd"]
        if row["seen_at"] is not None:
            known.seen_at.append(row["seen_at"])

    def find(self, address: str) -> Known | None:
        return self.addresses.get(plain(address))

    def payment(self, tx: str, direction: str, output_address: str) -> Payment | None:
        """The transfer of a transaction to an output address (the only one of the transaction, where the address is
        not written as the chain has it)."""
        found = self.payments.get((tx.lower(), direction), [])
        exact = [one for one in found if plain(one.output_address) == plain(output_address)]
        return (exact or found or [None])[0]

    def category(self, key: str, category: int | None) -> int | None:
        """What this vendor takes an address or transaction for that the world knows as `category`."""
        draw = hashlib.sha256(f"{self.vendor}|{plain(key)}".encode()).digest()[0]
        if category is None:
            return COMPLAINT if draw < SUSPECTED else None
        for kind, share in DISAGREEMENTS.items():
            if draw < share:
                return {"unknown": None, "milder": UNNAMED, "another": SCAM}[kind]
            draw -= share
        return category


def plain(address: str) -> str:
    """The address in the form in which case means something only where it does."""
    text = address.strip()
    return text.lower() if text.lower().startswith(("0x", "bc1")) else text


def _of_withdrawal(row: dict) -> dict:
    return {
        "address": row["output_address"] if row["direction"] == "sent" else None,
        "network": row["network"],
        "category_id": row["direct_category_id"],
        "name": row["direct_name"],
        "is_sender": False,
        "usd": row["usd_amount"] or Decimal(0),
        "seen_at": row["updated_at"],
    }
