"""Block explorers, asked about the exchange's own addresses: what they share, and Esplora (Bitcoin).

An extract is what one listing of one address newly holds. Each run reads a listing again from a few blocks below what
it brought before, because the newest blocks may be replaced; what is there already in the same block is left out. Where
a transaction that was brought before is no longer listed, the explorer is asked for the block that now has the number
of its block: another one lands, and tells that what the old one held did not happen.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from ingestion.contract import changed
from ingestion.onchain import bitcoin_rpc, count, shapes
from ingestion.onchain.count import Totals
from ingestion.onchain.live import FEED, Extract, after, digest, listed, moment, own_addresses
from ingestion.vendor import Answer, Refusal, Vendor, VendorError, VendorUnavailable, dumps

THREADS = 4
REORGANISED = 64
"""Blocks below the newest one known that are read again (Bitcoin: a tenth of it)."""
TRIES = 3


class Explorer(ABC):
    """One explorer. `chains` are those whose own addresses are asked about; `added` collects the members of answers
    that nobody knows."""

    title: str
    transport: str
    chains: tuple[str, ...] = ("ethereum",)
    tables: dict[str, tuple[str, ...]]
    """By listing the table of its rows, and the columns that tell them apart."""

    def __init__(self, url: str, *, per_second: float = 0, throttled: Callable[[Answer], float | None] | None = None):
        limit = {"throttled": throttled} if throttled else {}
        self.vendor = Vendor(FEED, self.title, url, per_second=per_second, **limit)
        self.added: set[str] = set()

    def extracts(self) -> list[Extract]:
        """What the listings of the own addresses newly hold, in the order of the addresses."""
        addresses = own_addresses(self.chains)
        if "ethereum" in self.chains:  # whose addresses mean the same in capitals
            addresses = sorted({address.lower() for address in addresses})
        return self._read_listings([(name, address, None) for address in addresses for name in self.tables])

    def again(self, extract_ids: Iterable[str]) -> list[Extract]:
        """These extracts as the listings have their rows now, of those that still have all of them."""
        wanted = set(extract_ids)
        asked = []
        for extract_id in sorted(wanted):
            _, name, address, blocks, *_ = extract_id.split(":")
            first, _, last = blocks.partition("-")
            asked.append((name, address, (int(first), int(last))))
        return [extract for extract in self._read_listings(asked) if extract.extract_id in wanted]

    def _read_listings(self, asked: Sequence[tuple[str, str, tuple[int, int] | None]]) -> list[Extract]:
        """`asked`: listing, address and, where only those count, the first and last block."""
        held = {name: listed(f"{self.transport}:{name}:", *columns) for name, columns in self.tables.items()}
        with self.vendor, ThreadPoolExecutor(THREADS) as pool:
            found = list(
                pool.map(lambda one: self.listing(one[0], one[1], held[one[0]].get(one[1], {}), one[2]), asked)
            )
        return [extract for extracts in found for extract in extracts]

    @abstractmethod
    def listing(self, name: str, address: str, held: dict, blocks: tuple[int, int] | None = None) -> list[Extract]:
        """What the listing of an address has that is not held; of `blocks` (first and last) only, where given."""

    @abstractmethod
    def blocks_at(self, numbers: Sequence[int]) -> tuple[list[dict], Totals]:
        """The blocks that have these numbers now (fewer where the chain is shorter), counted on a path of its own."""

    def get(self, path: str, parameters: dict | None = None) -> Any:
        try:
            return self.vendor.get(path, parameters).data
        except Refusal as refusal:
            raise VendorError(f"{self.title} refused a listing (HTTP {refusal.status}: {refusal.message}).") from None

    def made(self, listing: str, address: str, rows: Sequence[tuple[tuple, datetime]], held: dict) -> Extract:
        """The extract of new rows: their identities (key, block number, block hash) and times."""
        numbers = [identity[1] for identity, _ in rows]
        name = f"{self.transport}:{listing}:{address}:{min(numbers)}-{max(numbers)}"
        keys = {identity[0] for identity, _ in rows}
        replaced = max((known for identity, known in held.items() if identity[0] in keys), default=None)
        known_at = after(max(at for _, at in rows), replaced)
        said = digest(f"{key} {block}" for (key, _, block), _ in rows)
        return Extract(f"{name}:{said}", f"{self.transport}/{listing}/{address}", self.transport, known_at)

    def replaced(self, listing: str, address: str, held: dict, present: Collection[str], lowest: int) -> list[Extract]:
        """Blocks in the place of those whose transactions the listing brought before and, read from block `lowest` on,
        no longer has. `present` holds the keys that it has. Only a block with another hash lands: an explorer whose
        index is behind does not unmake a block."""
        gone: dict[int, tuple[str, datetime]] = {}
        for (key, number, block_hash), known_at in held.items():
            if number >= lowest and block_hash and key not in present:
                gone[number] = block_hash.lower(), max(known_at, gone.get(number, ("", known_at))[1])
        if not gone:
            return []
        rows, totals = self.blocks_at(sorted(gone))
        if any(row["hash"].lower() == gone[row["number"]][0] for row in rows):
            raise VendorUnavailable(
                f"{self.title} no longer lists a transaction and still has its block: its index is behind. Nothing of "
                "this load was kept; the next run reads it again."
            )
        if not rows:
            return []
        known_at = after(
            max(moment(row["block_timestamp"]) for row in rows), max(gone[row["number"]][1] for row in rows)
        )
        said = digest(f"{row['number']} {row['hash']}" for row in rows)
        numbers = f"{rows[0]['number']}-{rows[-1]['number']}"
        uri = f"{self.transport}/{listing}/{address}"
        extract = Extract(
            f"{self.transport}:{listing}:{address}:{numbers}:replaced:{said}", uri, self.transport, known_at
        )
        extract.rows, extract.totals = {"blocks": rows}, [totals]
        return [extract]


def from_block(held: Iterable[tuple], depth: int, blocks: tuple[int, int] | None = None) -> int:
    """The block from which a listing is read again: the first of `blocks`, where these are wanted."""
    return blocks[0] if blocks else max(0, max((number for _, number, _ in held), default=0) - depth)


def new_rows(
    read: Iterable[dict], identity: Callable[[dict], tuple], held: dict, blocks: tuple[int, int] | None = None
) -> list[dict]:
    """What was read and is not held in the same block, each once and in the order of blocks: a page moves on when a
    block comes between, and an explorer orders what one block holds as it likes. `blocks`: the first and last block
    that count, where not all do."""
    latest = {identity(one)[0]: one for one in read}
    first, last = blocks or (0, float("inf"))
    return sorted(
        (one for one in latest.values() if identity(one) not in held and first <= identity(one)[1] <= last),
        key=lambda one: (identity(one)[1], identity(one)[0]),
    )


class Esplora(Explorer):
    """`/address/:address/txs/chain/:last_seen_txid`, newest first, 25 a page. A public server needs no key."""

    title, transport, chains = "Esplora", "esplora", ("bitcoin",)
    tables = {"txs": ("bitcoin_outputs", "transaction_hash")}

    def listing(self, name: str, address: str, held: dict, blocks: tuple[int, int] | None = None) -> list[Extract]:
        lowest = from_block(held, REORGANISED // 10, blocks)
        read = self._read(address, lowest)
        replaced = self.replaced("txs", address, held, {one["txid"] for one in read}, lowest)
        new = new_rows(read, _esplora_identity, held, blocks)
        if not new:
            return replaced
        rows = [(_esplora_identity(one), moment(one["status"]["block_time"])) for one in new]
        extract = self.made("txs", address, rows, held)
        blocks = {}
        extract.rows = {"blocks": [], "bitcoin_inputs": [], "bitcoin_outputs": []}
        for one in new:
            about, puts = bitcoin_rpc.esplora(one)
            blocks[about["hash"]] = about
            for table, found in puts.items():
                extract.rows[table] += found
        extract.rows["blocks"] = list(blocks.values())
        extract.totals = count.esplora(dumps(new).encode())
        return [extract, *replaced]

    def _read(self, address: str, lowest: int) -> list[dict]:
        """The transactions of the address from block `lowest` on, at least. Raises VendorUnavailable where the list
        changes too fast to be read."""
        for _ in range(TRIES):
            last, read = "", []
            while page := self._page(f"/address/{address}/txs/chain{last and f'/{last}'}"):
                read += page
                if page[-1]["status"]["block_height"] < lowest:
                    return read
                last = page[-1]["txid"]
            # Nothing follows the last transaction, nor one that fell out of the chain meanwhile.
            if not last or self._is_confirmed(last):
                return read
        raise VendorUnavailable(
            f"Esplora's list of an address changed while it was read ({TRIES} tries). Nothing of this load was kept; "
            "the next run reads it again."
        )

    def _is_confirmed(self, txid: str) -> bool:
        try:
            status = self.vendor.get(f"/tx/{txid}/status").data
        except Refusal as refusal:
            if refusal.status == 404:
                return False
            raise VendorError(f"Esplora refused a status (HTTP {refusal.status}: {refusal.message}).") from None
        return isinstance(status, dict) and status.get("confirmed") is True

    def blocks_at(self, numbers: Sequence[int]) -> tuple[list[dict], Totals]:
        found = []
        for number in numbers:
            blocks = shapes.ESPLORA_BLOCK.each(self.get(f"/blocks/{number}"), self.added)
            found += [block for block in blocks if block["height"] == number][:1]
        rows = [
            {
                "chain_code": "bitcoin",
                "number": block["height"],
                "hash": block["id"],
                "parent_hash": block.get("previousblockhash"),
                "block_timestamp": block["timestamp"],
                "transaction_count": block.get("tx_count"),
            }
            for block in found
        ]
        return rows, count.listed(dumps(found).encode(), "blocks", "$.timestamp", "$.none", None, ("$.height", "$.id"))

    def _page(self, path: str) -> list[dict]:
        page = shapes.ESPLORA_TRANSACTION.each(self.get(path), self.added)
        for one in page:
            shapes.ESPLORA_STATUS.of(one["status"], self.added)
            shapes.ESPLORA_OUTPUT.each(one["vout"], self.added)
            if not all(isinstance(spent, dict) for spent in one["vin"]):
                raise changed("an input of Esplora's transaction is no object")
            spending = [spent for spent in one["vin"] if spent.get("is_coinbase") is not True]
            shapes.ESPLORA_OUTPUT.each(
                [spent["prevout"] for spent in shapes.ESPLORA_INPUT.each(spending, set())], set()
            )
        return page


def _esplora_identity(transaction: dict) -> tuple:
    status = transaction["status"]
    return transaction["txid"], status["block_height"], status["block_hash"]
