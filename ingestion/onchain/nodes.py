"""Ethereum and Bitcoin nodes over JSON-RPC, block by block.

A run goes on behind the newest block it holds. First it walks back from there until the node's block is the one it
holds: what lies above was replaced by a reorganisation of the chain, and is read again as it is now. Nothing of the
replaced blocks is taken out of raw.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from ingestion.contract import HEX, WHOLE, changed
from ingestion.onchain import bitcoin_rpc, count, rpc, shapes
from ingestion.onchain.live import FEED, Extract, after, blocks_of, digest, known_blocks, moment
from ingestion.onchain.parse import UnusableFile
from ingestion.vendor import Vendor, VendorError, VendorUnavailable

THREADS = 8
BLOCKS_AN_EXTRACT = 200
_ATTEMPTS = 4
_METHOD_MISSING = -32601
_LIMITED = {-32005, 429}


@dataclass(frozen=True)
class Block:
    """One block as the node answered it: the bodies as received, and what they say of number, hashes and time."""

    number: int
    hash: str
    parent: str
    at: datetime
    bodies: tuple[bytes, ...]


class Bearer(AuthBase):
    """A token in the header, so that it is in no address and no log."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Node(ABC):
    """JSON-RPC to one node. Subclasses say how a block is asked for and read; `added` collects the members of answers
    that nobody knows."""

    chain: str
    transport: str

    def __init__(self, url: str, auth: AuthBase | None, start_block: int | None, max_blocks: int) -> None:
        self._vendor = Vendor(
            FEED,
            f"The {self.chain} node",
            url,
            auth=auth,
            throttled=lambda a: 1.0 if _code(a.data) in _LIMITED else None,
        )
        self._start, self._max = start_block, max_blocks
        self.added: set[str] = set()

    def call(self, method: str, *parameters: Any) -> tuple[bytes, Any]:
        """(body as received, its result). Raises _MethodMissing, else VendorError for an error answer."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = self._vendor.post("", asked)
        if (code := _code(answer.data)) is not None:
            if code == _METHOD_MISSING:
                raise _MethodMissing(method)
            said = str(answer.data["error"])[:200]
            raise VendorError(f"The {self.chain} node answered {method} with an error: {said}.")
        if not isinstance(answer.data, dict) or "result" not in answer.data:
            raise VendorError(f"The {self.chain} node answered {method} with something that is no JSON-RPC answer.")
        return answer.body, answer.data["result"]

    def extracts(self) -> list[Extract]:
        """What is new at the node: blocks behind the newest one held, and those that replaced held ones."""
        with self._vendor:
            held = known_blocks(self.chain, self.transport)
            head = self.head()
            first = self._first(held, head)
            numbers = range(first, min(head, first + self._max - 1) + 1)
            with ThreadPoolExecutor(THREADS) as pool:
                blocks = list(pool.map(self._whole, numbers))
            head_at = blocks[-1].at if blocks else None
        _in_one_chain(self.chain, blocks)
        found = []
        for (_, replaces), group in groupby(blocks, lambda b: (b.at.date(), b.number in held)):
            chosen = [b for b in group if b.number not in held or held[b.number][0].lower() != b.hash.lower()]
            for at in range(0, len(chosen), BLOCKS_AN_EXTRACT):
                part = chosen[at : at + BLOCKS_AN_EXTRACT]
                known_at = max(b.at for b in part)
                if replaces:
                    known_at = after(max(head_at, known_at), max(held[b.number][1] for b in part))
                found.append(self._extract(part, known_at))
        return found

    def again(self, extract_ids: Iterable[str]) -> list[Extract]:
        """These extracts as the node answers about their blocks now, of those whose blocks are still in the chain."""
        found = []
        with self._vendor, ThreadPoolExecutor(THREADS) as pool:
            for extract_id in extract_ids:
                if blocks := list(pool.map(self._whole, blocks_of(extract_id))):
                    extract = self._extract(blocks, max(block.at for block in blocks))
                    found += [extract] if extract.extract_id == extract_id else []
        return found

    def _first(self, held: dict[int, tuple[str, datetime]], head: int) -> int:
        if not held:
            return head if self._start is None else self._start
        number = min(max(held), head)
        while number in held and self.hash_at(number).lower() != held[number][0].lower():
            number -= 1
        return number + 1

    def _whole(self, number: int) -> Block:
        """The block with all that belongs to it. Its parts are asked for one after the other, so a reorganisation
        may come between: then they are asked for again."""
        for _ in range(_ATTEMPTS):
            if (block := self.block(number)) is not None:
                return block
        raise VendorUnavailable(
            f"The {self.chain} node's answers about block {number} do not belong together ({_ATTEMPTS} tries): it is "
            "behind, or several nodes share its address. Nothing of this load was kept; the next run catches up."
        )

    @abstractmethod
    def head(self) -> int: ...

    @abstractmethod
    def hash_at(self, number: int) -> str: ...

    @abstractmethod
    def block(self, number: int) -> Block | None: ...

    @abstractmethod
    def _extract(self, blocks: Sequence[Block], known_at: datetime) -> Extract: ...

    def _made(self, blocks: Sequence[Block], known_at: datetime) -> Extract:
        first, last = blocks[0].number, blocks[-1].number
        name = f"{self.transport}:{first}-{last}:{digest(block.hash for block in blocks)}"
        return Extract(name, f"{self.transport}/{first}-{last}", self.transport, known_at)


class EthereumNode(_Node):
    """`eth_getBlockByNumber` with transactions, and the logs of `eth_getBlockReceipts` (or, where the node does not
    serve that, of `eth_getLogs` by block hash; the receipts' status is not known then)."""

    chain, transport = "ethereum", "ethereum_rpc"

    def __init__(self, url: str, token: str | None = None, start_block: int | None = None, max_blocks: int = 2_000):
        super().__init__(url, Bearer(token) if token else None, start_block, max_blocks)
        self._serves_receipts = True

    def head(self) -> int:
        _, number = self.call("eth_blockNumber")
        if not HEX.holds(number):
            raise changed("the result of eth_blockNumber is not a hex quantity")
        return int(number, 16)

    def hash_at(self, number: int) -> str:
        _, result = self.call("eth_getBlockByNumber", hex(number), False)
        return shapes.ETHEREUM_BLOCK.of(result, self.added)["hash"] if isinstance(result, dict) else ""

    def block(self, number: int) -> Block | None:
        body, result = self.call("eth_getBlockByNumber", hex(number), True)
        if result is None:
            return None
        block_hash = shapes.ETHEREUM_BLOCK.of(result, self.added)["hash"]
        logs, items = self._logs(hex(number), block_hash)
        if any(str(item.get("blockHash")).lower() != block_hash.lower() for item in items):
            return None
        if self._serves_receipts and len(items) != len(result["transactions"]):
            return None
        parent, at = result["parentHash"], moment(int(result["timestamp"], 16))
        return Block(int(result["number"], 16), block_hash, parent, at, (body, logs))

    def _logs(self, number: str, block_hash: str) -> tuple[bytes, list[dict]]:
        if self._serves_receipts:
            try:
                body, receipts = self.call("eth_getBlockReceipts", number)
                return body, shapes.ETHEREUM_RECEIPT.each(receipts or [], self.added)
            except _MethodMissing:
                self._serves_receipts = False
        body, logs = self.call("eth_getLogs", {"blockHash": block_hash, "topics": [rpc.TRANSFER]})
        return body, shapes.ETHEREUM_LOG.each(logs or [], self.added)

    def _extract(self, blocks: Sequence[Block], known_at: datetime) -> Extract:
        extract = self._made(blocks, known_at)
        raw = b"[" + b",".join(body for block in blocks for body in block.bodies) + b"]"
        try:
            answer = rpc.parse(raw)
        except UnusableFile as error:
            raise VendorError(f"The ethereum node's answers cannot be read: {error}.") from None
        for transaction in answer.transactions:
            transaction["receipt_status"] = answer.statuses.get(str(transaction["hash"]).lower())
        for transfer in answer.transfers:
            if transfer["block_timestamp"] is None:
                transfer["block_timestamp"] = answer.block_times.get(transfer["block_number"])
        extract.rows = {
            "blocks": answer.blocks,
            "ethereum_transactions": answer.transactions,
            "ethereum_token_transfers": answer.transfers,
        }
        extract.rejected, extract.block_times = answer.rejected, answer.block_times
        extract.totals = [count.ethereum_blocks(raw), *count.rpc(raw, answer.block_times).values()]
        return extract


class BitcoinNode(_Node):
    """`getblockcount`, `getblockhash`, `getblock` with what each input spends (verbosity 3; a node before version 25
    answers it like 2, without)."""

    chain, transport = "bitcoin", "bitcoin_rpc"

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        start_block: int | None = None,
        max_blocks: int = 2_000,
    ):
        super().__init__(url, HTTPBasicAuth(user, password or "") if user else None, start_block, max_blocks)

    def head(self) -> int:
        _, number = self.call("getblockcount")
        if not WHOLE.holds(number):
            raise changed("the result of getblockcount is not a whole number")
        return number

    def hash_at(self, number: int) -> str:
        return str(self.call("getblockhash", number)[1])

    def block(self, number: int) -> Block | None:
        block_hash = self.hash_at(number)
        body, result = self.call("getblock", block_hash, 3)
        shapes.BITCOIN_BLOCK.of(result, self.added)
        for one in shapes.BITCOIN_TRANSACTION.each([tx for tx in result["tx"] if isinstance(tx, dict)], self.added):
            shapes.BITCOIN_OUTPUT.each(one["vout"], set())
        if result["height"] != number or result.get("confirmations", 1) < 0:
            return None  # -1: no longer in the best chain
        parent = str(result.get("previousblockhash"))
        return Block(number, result["hash"], parent, moment(result["time"]), (body,))

    def _extract(self, blocks: Sequence[Block], known_at: datetime) -> Extract:
        extract = self._made(blocks, known_at)
        rows = extract.rows = {"blocks": [], "bitcoin_inputs": [], "bitcoin_outputs": []}
        for block in blocks:
            try:
                about, puts = bitcoin_rpc.block(json.loads(block.bodies[0], parse_float=Decimal)["result"])
            except (UnusableFile, KeyError, TypeError) as error:
                raise VendorError(f"The bitcoin node's block {block.number} cannot be read: {error!r}.") from None
            rows["blocks"].append(about)
            for table, found in puts.items():
                rows[table] += found
        extract.totals = count.bitcoin_blocks(b"[" + b",".join(block.bodies[0] for block in blocks) + b"]")
        return extract


class _MethodMissing(VendorError):
    def __init__(self, method: str) -> None:
        super().__init__(f"The node does not serve {method}: set the address of one that does.")


def _code(data: Any) -> int | None:
    error = data.get("error") if isinstance(data, dict) else None
    return error.get("code", 0) if isinstance(error, dict) else None if error is None else 0


def _in_one_chain(chain: str, blocks: Sequence[Block]) -> None:
    """Raises VendorUnavailable where a block does not follow the one before: the chain changed while it was read."""
    for before, block in pairwise(blocks):
        if block.parent.lower() != before.hash.lower():
            raise VendorUnavailable(
                f"The {chain} node's block {block.number} does not follow its block {before.number}: the chain was "
                "reorganised while it was read. Nothing of this load was kept; the next run reads it again."
            )
