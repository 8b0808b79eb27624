"""Etherscan V2, asked about the exchange's own addresses on Ethereum.

Belongs here: its paging, its errors, and its records as rows. What all explorers share is in `explorers`.
"""

import json
from collections.abc import Sequence
from typing import Any

from ingestion.onchain import count, rpc, shapes
from ingestion.onchain.count import Totals
from ingestion.onchain.explorers import REORGANISED, Explorer, from_block, new_rows
from ingestion.onchain.live import Extract, moment
from ingestion.onchain.parse import UnusableFile
from ingestion.vendor import Answer, VendorError

ETHERSCAN_WINDOW = 1_000
"""Records a page that every plan of Etherscan serves."""


class Etherscan(Explorer):
    """Etherscan V2 (`chainid=1`): `txlist`, and `tokentx` with the receipts of what it lists, because a token transfer
    is known by the position of its log, which only the receipt says. Pages by `startblock`, each from the last block
    of the one before. Errors come with status 200."""

    title, transport = "Etherscan", "etherscan"
    tables = {"txlist": ("ethereum_transactions", "hash"), "tokentx": ("ethereum_token_transfers", "transaction_hash")}

    def __init__(self, url: str, key: str | None) -> None:
        super().__init__(url, per_second=3, throttled=_etherscan_limit)
        self._key = key or ""

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

    def listing(self, name: str, address: str, held: dict, blocks: tuple[int, int] | None = None) -> list[Extract]:
        action, start, page, found = name, from_block(held, REORGANISED, blocks), 1, {}
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
        replaced = self.replaced(action, address, held, found, from_block(held, REORGANISED, blocks))
        new = new_rows(found.values(), _etherscan_identity, held, blocks)
        if not new:
            return replaced
        identities = [(_etherscan_identity(row), moment(row["timeStamp"])) for row in new]
        extract = self.made(action, address, identities, held)
        extract.block_times = {int(row["blockNumber"]): int(row["timeStamp"]) for row in new}
        if action == "txlist":
            extract.rows = {"ethereum_transactions": [_etherscan_transaction(row) for row in new]}
            raw = json.dumps(new).encode()
            extract.totals = [
                count.listed(raw, "ethereum_transactions", "$.timeStamp", "$.none", "$.value", ("$.hash",))
            ]
        else:
            self._receipts(extract, [row["hash"] for row in new])
        return [extract, *replaced]

    def blocks_at(self, numbers: Sequence[int]) -> tuple[list[dict], Totals]:
        asked = [self._ask("proxy", "eth_getBlockByNumber", tag=hex(number), boolean="false") for number in numbers]
        found = [shapes.ETHEREUM_BLOCK.of(block, self.added) for block in asked if block is not None]
        rows = [
            {
                "chain_code": "ethereum",
                "number": int(block["number"], 16),
                "hash": block["hash"],
                "parent_hash": block["parentHash"],
                "block_timestamp": int(block["timestamp"], 16),
                "transaction_count": len(block["transactions"]),
            }
            for block in found
        ]
        return rows, count.ethereum_blocks(json.dumps([{"result": block} for block in found]).encode())

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
