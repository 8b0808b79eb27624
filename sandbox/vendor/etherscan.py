"""Etherscan V2 over the world's ethereum chain: `txlist`, `tokentx`, and receipts through `module=proxy`.

Belongs here: Etherscan's own way to answer: everything with status 200, errors in `status`, `message` and `result`; all
values text; pages that do not reach behind the first 10,000 records.
"""

from pathlib import Path

from aiohttp import web

from sandbox.vendor.chain_data import Block
from sandbox.vendor.ethereum_rpc import EthereumRpc

ETHERSCAN_PATH = "/etherscan"
KEY = "sandbox-etherscan-key"
WINDOW = 1_000
REACH = 10_000


class Etherscan:
    """The handler. Every `limit_every`-th request is answered with the rate limit's message (0: none); `window` is the
    number of records that this plan gets in one answer."""

    def __init__(self, world_dir: Path, key: str = KEY, window: int = WINDOW, limit_every: int = 0) -> None:
        self._node = EthereumRpc(world_dir)
        self.chain = self._node.chain
        self._key, self._window, self._limit_every, self._requests = key, window, limit_every, 0

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        if request.path.removeprefix(ETHERSCAN_PATH) != "/v2/api":
            return web.Response(status=404, text="<html>404</html>", content_type="text/html")
        asked = request.query
        self._requests += 1
        if asked.get("apikey") != self._key:
            return _no("Invalid API Key (#err2)|")
        if self._limit_every and self._requests % self._limit_every == 0:
            return _no("Max calls per sec rate limit reached (3/sec)")
        if asked.get("chainid") != "1":
            return _no("Missing or unsupported chainid parameter (required for v2 api)")
        match asked.get("module"), asked.get("action"):
            case "proxy", "eth_blockNumber":
                return web.json_response({"jsonrpc": "2.0", "id": 83, "result": hex(self.chain.head)})
            case "proxy", "eth_getBlockByNumber":
                block = self._node.block(int(asked.get("tag", "0x0"), 16), full=asked.get("boolean") == "true")
                return web.json_response({"jsonrpc": "2.0", "id": 1, "result": block})
            case "proxy", "eth_getTransactionReceipt":
                receipt = self._node.transaction_receipt(asked.get("txhash", ""))
                return web.json_response({"jsonrpc": "2.0", "id": 1, "result": receipt})
            case "account", "txlist" | "tokentx" as action:
                return self._listing(action, asked)
        return _no("Error! Missing Or invalid Action name")

    def _listing(self, action: str, asked: dict) -> web.Response:
        address = asked.get("address", "").lower()
        if len(address) != 42:
            return _no("Error! Invalid address format")
        first, last = int(asked.get("startblock", 0)), int(asked.get("endblock", 999_999_999))
        page, offset = int(asked.get("page", 1)), min(int(asked.get("offset", self._window)), self._window)
        if page * offset > REACH:
            return _no("Result window is too large, PageNo x Offset size must be less than or equal to 10000")
        rows = [
            made
            for block in self.chain.with_address(address)
            if first <= block.number <= last
            for made in (self._transactions(block, address) if action == "txlist" else self._tokens(block, address))
        ]
        if asked.get("sort") == "desc":
            rows.reverse()
        rows = rows[(page - 1) * offset : page * offset]
        if not rows:
            return web.json_response({"status": "0", "message": "No transactions found", "result": []})
        return web.json_response({"status": "1", "message": "OK", "result": rows})

    def _transactions(self, block: Block, address: str) -> list[dict]:
        return [
            _common(self.chain.head, block, row)
            | {
                "from": row["from_address"],
                "to": row["to_address"],
                "value": row["value"],
                "input": row["input"],
                "isError": "1" if row["hash"] in self._node.failed else "0",
                "txreceipt_status": "0" if row["hash"] in self._node.failed else "1",
            }
            for row in block.transactions
            if address in (row["from_address"], row["to_address"])
        ]

    def _tokens(self, block: Block, address: str) -> list[dict]:
        called = {row["hash"]: row for row in block.transactions}
        return [
            _common(self.chain.head, block, called[row["transaction_hash"]])
            | {
                "from": row["from_address"],
                "to": row["to_address"],
                "value": row["value"],
                "contractAddress": row["token_address"],
                "tokenName": "Token",
                "tokenSymbol": "TKN",
                "tokenDecimal": "6",
            }
            for row in block.transfers
            if address in (row["from_address"], row["to_address"]) and row["transaction_hash"] in called
        ]


def _common(head: int, block: Block, row: dict) -> dict:
    return {
        "blockNumber": str(block.number),
        "timeStamp": str(block.seconds),
        "hash": row["hash"],
        "nonce": str(row["nonce"]),
        "blockHash": block.hash,
        "transactionIndex": str(row["transaction_index"]),
        "gas": str(row["gas"]),
        "gasPrice": str(row["gas_price"]),
        "gasUsed": str(row["gas"]),
        "cumulativeGasUsed": str(row["gas"]),
        "confirmations": str(head - block.number + 1),
        "contractAddress": "",
        "methodId": row["input"][:10],
        "functionName": "",
    }


def _no(result: str) -> web.Response:
    return web.json_response({"status": "0", "message": "NOTOK", "result": result})
