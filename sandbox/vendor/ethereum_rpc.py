"""An Ethereum node's JSON-RPC over the world's chain: blocks, receipts, logs.

Belongs here: the execution API's methods, hex quantities, and its errors (HTTP 200 with an error object).
"""

import json
from pathlib import Path

from aiohttp import web

from sandbox.vendor.chain_data import Block, ChainData

ETHEREUM_RPC_PATH = "/ethereum-rpc"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_RANGE = 10_000


class RpcError(Exception):
    """An error answer: code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class EthereumRpc:
    """The handler. `token` (None: anybody may ask) is what the Authorization header has to bear; `without` names
    methods that this node does not serve; `failed` are transactions that were mined and did not succeed."""

    def __init__(self, world_dir: Path, token: str | None = None, without: frozenset[str] = frozenset()) -> None:
        self.chain = ChainData("ethereum", world_dir)
        self._token, self._without = token, without
        self.failed: set[str] = set()

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        if request.method != "POST":
            return web.Response(status=405, text="Method Not Allowed")
        if self._token and request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"error": "unauthorized"}, status=401)
        try:
            asked = json.loads(await request.read())
        except ValueError:
            return web.json_response(_error(None, RpcError(-32700, "parse error")))
        answers = [self._answer(one) for one in (asked if isinstance(asked, list) else [asked])]
        return web.json_response(answers if isinstance(asked, list) else answers[0])

    def _answer(self, asked: dict) -> dict:
        try:
            result = self._call(asked.get("method"), asked.get("params") or [])
        except RpcError as error:
            return _error(asked.get("id"), error)
        return {"jsonrpc": "2.0", "id": asked.get("id"), "result": result}

    def _call(self, method: str | None, parameters: list) -> object:
        if method in self._without:
            raise RpcError(-32601, f"the method {method} does not exist/is not available")
        match method, parameters:
            case "eth_chainId", []:
                return "0x1"
            case "eth_blockNumber", []:
                return hex(self.chain.head)
            case "eth_getBlockByNumber", [tag, bool(full)]:
                return self.block(self._number(tag), full)
            case "eth_getBlockReceipts", [tag]:
                block = self.chain.block(self._number(tag))
                return None if block is None else [self.receipt(block, row) for row in block.transactions]
            case "eth_getTransactionReceipt", [tx_hash]:
                return self.transaction_receipt(tx_hash)
            case "eth_getLogs", [{**wanted}]:
                return self._logs(wanted)
        known = {"eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getLogs"}
        if method in known | {"eth_getTransactionReceipt"}:
            raise RpcError(-32602, "invalid params")
        raise RpcError(-32601, f"the method {method} does not exist/is not available")

    def block(self, number: int, full: bool) -> dict | None:
        """The block with that number, with its transactions or with their hashes."""
        block = self.chain.block(number)
        return None if block is None else _block(block, full)

    def transaction_receipt(self, tx_hash: str) -> dict | None:
        """The receipt of a transaction, None where it is in no block."""
        block = self.chain.find(tx_hash.lower())
        if block is None:
            return None
        return self.receipt(block, next(row for row in block.transactions if row["hash"] == tx_hash.lower()))

    def _number(self, tag: object) -> int:
        if tag in ("latest", "safe", "finalized"):
            return self.chain.head
        if not isinstance(tag, str) or not tag.startswith("0x"):
            raise RpcError(-32602, "invalid argument 0: hex string without 0x prefix")
        return int(tag, 16)

    def receipt(self, block: Block, row: dict) -> dict:
        """The receipt of a transaction of the block, with its logs."""
        failed = row["hash"] in self.failed
        transfers = [] if failed else [one for one in block.transfers if one["transaction_hash"] == row["hash"]]
        return {
            "transactionHash": row["hash"],
            "transactionIndex": hex(row["transaction_index"]),
            "blockHash": block.hash,
            "blockNumber": hex(block.number),
            "from": row["from_address"],
            "to": row["to_address"],
            "status": "0x0" if failed else "0x1",
            "gasUsed": hex(row["gas"]),
            "logs": [_log(block, one) for one in transfers],
        }

    def _logs(self, wanted: dict) -> list[dict]:
        if "blockHash" in wanted:
            blocks = [b for b in self.chain.blocks() if b.hash == wanted["blockHash"]]
        else:
            first, last = (self._number(wanted.get(name, "latest")) for name in ("fromBlock", "toBlock"))
            if last - first > _RANGE:
                raise RpcError(-32005, f"query exceeds max block range {_RANGE}")
            blocks = [b for b in self.chain.blocks() if first <= b.number <= last]
        addresses = wanted.get("address")
        addresses = [addresses] if isinstance(addresses, str) else addresses
        topics = wanted.get("topics") or []
        logs = [_log(b, one) for b in blocks for one in b.transfers if one["transaction_hash"] not in self.failed]
        return [
            log
            for log in logs
            if (not addresses or log["address"].lower() in {a.lower() for a in addresses})
            and all(topic is None or log["topics"][place] in topic for place, topic in enumerate(topics))
        ]


def _error(asked_id: object, error: RpcError) -> dict:
    return {"jsonrpc": "2.0", "id": asked_id, "error": {"code": error.code, "message": str(error)}}


def _block(block: Block, full: bool) -> dict:
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent,
        "timestamp": hex(block.seconds),
        "transactions": [_transaction(block, row) if full else row["hash"] for row in block.transactions],
    }


def _transaction(block: Block, row: dict) -> dict:
    quantities = {
        "nonce": row["nonce"],
        "blockNumber": block.number,
        "transactionIndex": row["transaction_index"],
        "value": row["value"],
        "gas": row["gas"],
        "gasPrice": row["gas_price"],
        "maxFeePerGas": row["max_fee_per_gas"],
        "maxPriorityFeePerGas": row["max_priority_fee_per_gas"],
        "type": row["transaction_type"],
    }
    return {
        "hash": row["hash"],
        "blockHash": block.hash,
        "from": row["from_address"],
        "to": row["to_address"],
        "input": row["input"],
        **{name: hex(int(value)) for name, value in quantities.items()},
    }


def _log(block: Block, row: dict) -> dict:
    return {
        "address": row["token_address"],
        "topics": [TRANSFER, *("0x" + row[name][2:].rjust(64, "0") for name in ("from_address", "to_address"))],
        "data": f"0x{int(row['value']):064x}",
        "blockNumber": hex(block.number),
        "blockHash": block.hash,
        "transactionHash": row["transaction_hash"],
        "logIndex": hex(row["log_index"]),
        "removed": False,
    }
