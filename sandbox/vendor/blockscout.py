"""Blockscout's API v2 over the world's ethereum chain: transactions and token transfers of an address.

Belongs here: newest first, 50 a page, the key of the next page as an object (`next_page_params`, null at the end) that
the client sends back as it is.
"""

from pathlib import Path

from aiohttp import web

from sandbox.vendor.chain_data import ChainData, iso
from sandbox.vendor.faults import Shown, everything

BLOCKSCOUT_PATH = "/blockscout"
PAGE = 50


class Blockscout:
    """The handler."""

    def __init__(self, world_dir: Path, page: int = PAGE, shown: Shown = everything) -> None:
        self.chain = ChainData("ethereum", world_dir)
        self._page, self._shown = page, shown

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        match request.path.removeprefix(BLOCKSCOUT_PATH).split("/")[1:]:
            case ["api", "v2", "addresses", address, "transactions" | "token-transfers" as listing]:
                if not address.startswith("0x") or len(address) != 42:
                    return web.json_response({"message": "Invalid parameter(s)"}, status=422)
                rows = self._rows(listing, address.lower())
                asked = request.query
                rows = self._shown(rows, "block_number" in asked, self._page)
                if "block_number" in asked:
                    before = (int(asked["block_number"]), int(asked["index"]))
                    rows = [(key, row) for key, row in rows if key < before]
                page = rows[: self._page]
                more = None
                if len(rows) > self._page:
                    number, index = page[-1][0]
                    more = {"block_number": number, "index": index, "items_count": self._page}
                return web.json_response({"items": [row for _, row in page], "next_page_params": more})
            case ["api", "v2", "blocks", number] if number.isdecimal() and self.chain.block(int(number)):
                block = self.chain.block(int(number))
                said = {"height": block.number, "hash": block.hash, "parent_hash": block.parent}
                return web.json_response(said | {"timestamp": iso(block.seconds), "type": "block"})
        return web.json_response({"message": "Not found"}, status=404)

    def _rows(self, listing: str, address: str) -> list[tuple[tuple[int, int], dict]]:
        found = []
        for block in self.chain.with_address(address):
            at = iso(block.seconds)
            if listing == "transactions":
                for row in block.transactions:
                    if address in (row["from_address"], row["to_address"]):
                        found.append(((block.number, row["transaction_index"]), _transaction(block.number, at, row)))
            else:
                for row in block.transfers:
                    if address in (row["from_address"], row["to_address"]):
                        found.append(((block.number, row["log_index"]), _transfer(block.number, block.hash, at, row)))
        return sorted(found, key=lambda pair: pair[0], reverse=True)


def _transaction(number: int, at: str, row: dict) -> dict:
    return {
        "hash": row["hash"],
        "block_number": number,
        "timestamp": at,
        "status": "ok",
        "result": "success",
        "from": {"hash": row["from_address"], "is_contract": False},
        "to": {"hash": row["to_address"], "is_contract": False},
        "value": row["value"],
        "nonce": row["nonce"],
        "position": row["transaction_index"],
        "gas_limit": str(row["gas"]),
        "gas_price": row["gas_price"],
        "max_fee_per_gas": row["max_fee_per_gas"],
        "max_priority_fee_per_gas": row["max_priority_fee_per_gas"],
        "raw_input": row["input"],
        "type": row["transaction_type"],
    }


def _transfer(number: int, block_hash: str, at: str, row: dict) -> dict:
    return {
        "block_hash": block_hash,
        "block_number": number,
        "from": {"hash": row["from_address"], "is_contract": False},
        "to": {"hash": row["to_address"], "is_contract": False},
        "log_index": row["log_index"],
        "timestamp": at,
        "token": {"address_hash": row["token_address"], "type": "ERC-20", "decimals": "6", "symbol": "TKN"},
        "token_type": "ERC-20",
        "total": {"decimals": "6", "value": row["value"]},
        "transaction_hash": row["transaction_hash"],
        "type": "token_transfer",
    }
