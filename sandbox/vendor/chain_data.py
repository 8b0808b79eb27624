"""The world's chains as nodes and explorers see them: blocks by number, transactions by address.

Belongs here: reading what the world exported, and a reorganisation on demand. How a vendor answers is in its module.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

INTERVAL = {"ethereum": 12, "bitcoin": 600}
"""Seconds between two blocks."""


@dataclass
class Block:
    """A block of either chain. `transactions` and `transfers` are records in the Blockchain ETL schema."""

    number: int
    hash: str
    parent: str
    seconds: int
    transactions: list[dict] = field(default_factory=list)
    transfers: list[dict] = field(default_factory=list)


class ChainData:
    """One chain of the world, read when it is first asked for. Every number from the first to the head has a block,
    most of them empty.

    `head` may be set lower, to let the chain grow; `reorganise` replaces blocks, as a chain does."""

    def __init__(self, chain: str, world_dir: Path) -> None:
        self.chain, self._world_dir = chain, Path(world_dir)
        self._forks: dict[int, int] = {}
        self._head: int | None = None

    @cached_property
    def _held(self) -> dict[int, Block]:
        """The blocks that hold something, by number, in order."""
        found: dict[int, Block] = {}
        for folder in sorted(self._world_dir.glob("landing/onchain/delivery=*")):
            for row, is_transfer in _ethereum(folder) if self.chain == "ethereum" else _bitcoin(folder):
                number = row["block_number"]
                block = found.setdefault(number, Block(number, "", "", row["block_timestamp"]))
                (block.transfers if is_transfer else block.transactions).append(row)
        return dict(sorted(found.items()))

    @property
    def first(self) -> int:
        return next(iter(self._held))

    @property
    def head(self) -> int:
        return next(reversed(self._held)) if self._head is None else self._head

    @head.setter
    def head(self, number: int) -> None:
        self._head = number

    def hash(self, number: int) -> str:
        fork = self._forks.get(number, 0)
        said = f"{self.chain} block {number}" + (f" fork {fork}" if fork else "")
        digest = hashlib.sha256(said.encode()).hexdigest()
        return f"0x{digest}" if self.chain == "ethereum" else f"0000000000000000{digest[16:]}"

    def block(self, number: int) -> Block | None:
        """The block with that number, None above the head and below the first."""
        if not self.first <= number <= self.head:
            return None
        seconds = self._held[self.first].seconds + (number - self.first) * INTERVAL[self.chain]
        held = self._held.get(number) or Block(number, "", "", seconds)
        return replace(held, hash=self.hash(number), parent=self.hash(number - 1))

    def find(self, tx_hash: str) -> Block | None:
        """The block that holds the transaction."""
        return next((b for b in self.blocks() if any(row["hash"] == tx_hash for row in b.transactions)), None)

    def blocks(self) -> Iterator[Block]:
        """The blocks that hold something, oldest first."""
        return (self.block(number) for number in self._held if number <= self.head)

    @cached_property
    def _numbers(self) -> dict[str, list[int]]:
        """Numbers of the blocks in which an address takes part."""
        found: dict[str, dict[int, None]] = {}
        for number, block in self._held.items():
            for row in (*block.transactions, *block.transfers):
                for address in _parties(row):
                    found.setdefault(address, {})[number] = None
        return {address: sorted(numbers) for address, numbers in found.items()}

    def with_address(self, address: str) -> Iterator[Block]:
        """The blocks in which an address takes part, oldest first."""
        return (self.block(number) for number in self._numbers.get(address, ()) if number <= self.head)

    def reorganise(self, number: int, moved: dict[str, int | None]) -> None:
        """Replaces the blocks from `number` up to the head by others. The transactions named in `moved` come again in
        the block given for them (one that holds something already), or not at all (None); the others stay."""
        for one in range(number, self.head + 1):
            self._forks[one] = self._forks.get(one, 0) + 1
        for tx_hash, target in moved.items():
            block = self.find(tx_hash)
            self.__dict__.pop("_numbers", None)
            for name, key in (("transactions", "hash"), ("transfers", "transaction_hash")):
                rows = getattr(self._held[block.number], name)
                going = [row for row in rows if row[key] == tx_hash]
                rows[:] = [row for row in rows if row[key] != tx_hash]
                if target is not None:
                    getattr(self._held[target], name).extend(going)


def _parties(row: dict) -> list[str]:
    if "inputs" in row:
        return [address for put in (*row["inputs"], *row["outputs"]) for address in put["addresses"]]
    return [row["from_address"], row["to_address"]]


def _ethereum(folder: Path) -> Iterator[tuple[dict, bool]]:
    for table in ("ethereum_transactions", "ethereum_token_transfers"):
        path = folder / f"{table}.parquet"
        for row in pq.read_table(path).to_pylist() if path.exists() else ():
            row["block_timestamp"] = int(row["block_timestamp"].replace(tzinfo=UTC).timestamp())
            yield row, table == "ethereum_token_transfers"


def _bitcoin(folder: Path) -> Iterator[tuple[dict, bool]]:
    path = folder / "bitcoin_transactions.json"
    for line in path.read_text().splitlines() if path.exists() else ():
        yield json.loads(line), False


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
