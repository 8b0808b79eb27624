"""Block explorers, asked about the exchange's own addresses: Esplora (Bitcoin) and Etherscan V2 (Ethereum).

An extract is what one listing of one address newly holds. Each run reads a listing again from a few blocks below what
it brought before, because the newest blocks may be replaced; what is there already in the same block is left out.
An explorer lists what is in the chain now: that a transaction fell out of it only a node can tell.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from ingestion.contract import changed
from ingestion.onchain import bitcoin_rpc, count, rpc, shapes
from ingestion.onchain.live import FEED, Extract, after, digest, listed, moment, own_addresses
from ingestion.onchain.parse import UnusableFile
from ingestion.vendor import Answer, Refusal, Vendor, VendorError, dumps

THREADS = 4
REORGANISED = 64
"""Blocks below the newest one known that are read again (Bitcoin: a tenth of it)."""
ETHERSCAN_WINDOW = 1_000
"""Records a page that every plan of Etherscan serves."""


class Explorer:
    """One explorer. `chains` are those whose own addresses are asked about; `added` collects the members of answers
    that nobody knows."""

    title: str
    transport: str
    chains: tuple[str, ...] = ("ethereum",)

    def __init__(self, url: str, *, per_second: float = 0, throttled: Callable[[Answer], float | None] | None = None):
        limit = {"throttled": throttled} if throttled else {}
        self.vendor = Vendor(FEED, self.title, url, per_second=per_second, **limit)
        self.added: set[str] = set()

    def extracts(self) -> list[Extract]:
        """What the listings of the own addresses newly hold, in the order of the addresses."""
        addresses = own_addresses(self.chains)
        with self.vendor, ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda listing: listing(), self.listings(addresses)))
        return [extract for extract in found if extract is not None]

    def listings(self, addresses: Sequence[str]) -> Iterable[Callable[[], Extract | None]]:
        raise NotImplementedError

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


def from_block(held: Iterable[tuple], depth: int) -> int:
    """The block from which a listing is read again."""
    return max(0, max((number for _, number, _ in held), default=0) - depth)


def new_rows(read: Iterable[dict], identity: Callable[[dict], tuple], held: dict) -> list[dict]:
    """What was read and is not held in the same block, each once and in the order of blocks: a page moves on when a
    block comes between, and an explorer orders what one block holds as it likes."""
    latest = {identity(one)[0]: one for one in read}
    return sorted(
        (one for one in latest.values() if identity(one) not in held),
        key=lambda one: (identity(one)[1], identity(one)[0]),
    )


class Esplora(Explorer):
    """`/address/:address/txs/chain/:last_seen_txid`, newest first, 25 a page. A public server needs no key."""

    title, transport, chains = "Esplora", "esplora", ("bitcoin",)

    def listings(self, addresses: Sequence[str]) -> Iterable[Callable[[], Extract | None]]:
        held = listed("esplora:txs:", "bitcoin_outputs", "transaction_hash")
        return [lambda a=address: self._listing(a, held.get(a, {})) for address in addresses]

    def _listing(self, address: str, held: dict[tuple, datetime]) -> Extract | None:
        lowest, last, read = from_block(held, REORGANISED // 10), "", []
        while page := self._page(f"/address/{address}/txs/chain{last}"):
            read += page
            if page[-1]["status"]["block_height"] < lowest:
                break
            last = f"/{page[-1]['txid']}"
        new = new_rows(read, _esplora_identity, held)
        if not new:
            return None
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
        return extract

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


class Etherscan(Explorer):
    """Etherscan V2 (`chainid=1`): `txlist`, and `tokentx` with the receipts of what it lists, because a token transfer
    is known by the position of its log, which only the receipt says. Pages by `startblock`, each from the last block
    of the one before. Errors come with status 200."""

    title, transport = "Etherscan", "etherscan"

    def __init__(self, url: str, key: str | None) -> None:
        super().__init__(url, per_second=3, throttled=_etherscan_limit)
        self._key = key or ""

    def listings(self, addresses: Sequence[str]) -> Iterable[Callable[[], Extract | None]]:
        held = {
            "txlist": listed("etherscan:txlist:", "ethereum_transactions", "hash"),
            "tokentx": listed("etherscan:tokentx:", "ethereum_token_transfers", "transaction_hash"),
        }
        addresses = sorted({address.lower() for address in addresses})
        return [
            lambda a=address, n=name: self._listing(n, a, held[n].get(a, {})) for address in addresses for name in held
        ]

    def _ask(self, module: str, action: str, **more: str | int) -> Any:
        asked = {"chainid": 1, "module": module, "action": action, **more, "apikey": self._key}
        data = self.get("/v2/api", asked)
        if not isinstance(data, dict) or "result" not in data or "error" in data:
            raise VendorError(f"Etherscan answered {action} with something that is not in its contract.")
        if data.get("status") == "0" and data["result"] != []:
            raise VendorError(
                f"Etherscan refused {action}: {str(data['result'])[:200]}. See SOURCES__ONCHAIN__ETHERSCAN_KEY."
            )
        return data["result"]

    def _listing(self, action: str, address: str, held: dict[tuple, datetime]) -> Extract | None:
        start, page, found = from_block(held, REORGANISED), 1, {}
        window = {"endblock": 999_999_999, "offset": ETHERSCAN_WINDOW, "sort": "asc"}
        while True:
            rows = self._ask("account", action, address=address, startblock=start, page=page, **window)
            shapes.ETHERSCAN_ROW[action].each(rows, self.added)
            # Transfers of one transaction have no position in this list: their receipt tells them apart.
            found |= {row["hash"].lower(): row for row in rows}
            if len(rows) < ETHERSCAN_WINDOW:
                break
            last = max(int(row["blockNumber"]) for row in rows)
            page = page + 1 if last == start else 1  # one block fills the window
            start = last
        new = new_rows(found.values(), _etherscan_identity, held)
        if not new:
            return None
        identities = [(_etherscan_identity(row), moment(row["timeStamp"])) for row in new]
        extract = self.made(action, address, identities, held)
        extract.block_times = {int(row["blockNumber"]): int(row["timeStamp"]) for row in new}
        if action == "txlist":
            extract.rows = {"ethereum_transactions": [_etherscan_transaction(row) for row in new]}
            raw = json.dumps(new).encode()
            extract.totals = [count.listed(raw, "ethereum_transactions", "$.timeStamp", "$.none", "$.value")]
        else:
            self._receipts(extract, [row["hash"] for row in new])
        return extract

    def _receipts(self, extract: Extract, hashes: Sequence[str]) -> None:
        receipts = [self._ask("proxy", "eth_getTransactionReceipt", txhash=one) for one in hashes]
        raw = json.dumps([{"result": receipt} for receipt in receipts]).encode()
        try:
            answer = rpc.parse(raw)
        except UnusableFile as error:
            raise VendorError(f"Etherscan's receipts cannot be read: {error}.") from None
        for transfer in answer.transfers:
            transfer["block_timestamp"] = extract.block_times.get(transfer["block_number"])
        extract.rows = {"ethereum_token_transfers": answer.transfers}
        extract.rejected = [item for item in answer.rejected if item.table == "ethereum_token_transfers"]
        extract.totals = [count.rpc(raw, extract.block_times)["ethereum_token_transfers"]]


def _etherscan_limit(answer: Answer) -> float | None:
    """Seconds to wait where a 200 answer says that a limit is reached."""
    said = answer.data.get("result") if isinstance(answer.data, dict) else None
    return 1.0 if isinstance(said, str) and "rate limit" in said.lower() else None


def _etherscan_identity(row: dict) -> tuple:
    return row["hash"].lower(), int(row["blockNumber"]), str(row.get("blockHash") or "").lower()


def _etherscan_transaction(row: dict) -> dict:
    return {
        "hash": row["hash"],
        "nonce": row["nonce"],
        "block_hash": row["blockHash"],
        "block_number": row["blockNumber"],
        "transaction_index": row["transactionIndex"],
        "from_address": row["from"].lower(),
        "to_address": row["to"].lower() or None,
        "value": row["value"],
        "gas": row["gas"],
        "gas_price": row["gasPrice"],
        "input": row["input"],
        "block_timestamp": row["timeStamp"],
        "receipt_status": row.get("txreceipt_status") or {"0": "1", "1": "0"}.get(row.get("isError", "")),
    }
