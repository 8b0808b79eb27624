"""A Bitcoin node's JSON-RPC over the world's chain: `getblockcount`, `getblockhash`, `getblock`.

Belongs here: what Bitcoin Core answers (errors with status 500 and an error object, amounts in coins with eight
decimals, HTTP Basic). Verbosity 3 tells what inputs spend; an old node (`with_prevouts=False`) answers it like 2.
"""

import json
from base64 import b64encode
from pathlib import Path

from aiohttp import web

from sandbox.vendor.chain_data import Block, ChainData

BITCOIN_RPC_PATH = "/bitcoin-rpc"
USER, PASSWORD = "sandbox", "sandbox"


class BitcoinRpc:
    """The handler."""

    def __init__(self, world_dir: Path, user: str = USER, password: str = PASSWORD, with_prevouts: bool = True) -> None:
        self.chain = ChainData("bitcoin", world_dir)
        self._authorization = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        self._with_prevouts = with_prevouts

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        if request.headers.get("Authorization") != self._authorization:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="jsonrpc"'})
        if request.method != "POST":
            return web.Response(status=405, text="JSONRPC server handles only POST requests")
        asked = json.loads(await request.read())
        try:
            result = self._call(asked["method"], asked.get("params") or [])
        except LookupError as error:
            code, message = error.args
            body = {"result": None, "error": {"code": code, "message": message}, "id": asked.get("id")}
            return web.json_response(body, status=404 if code == -32601 else 500)
        text = f'{{"result":{result},"error":null,"id":{json.dumps(asked.get("id"))}}}\n'
        return web.Response(text=text, content_type="application/json")

    def _call(self, method: str, parameters: list) -> str:
        """The result as JSON text."""
        match method, parameters:
            case "getblockcount", []:
                return str(self.chain.head)
            case "getblockhash", [int(number)]:
                if self.chain.block(number) is None:
                    raise LookupError(-8, "Block height out of range")
                return json.dumps(self.chain.hash(number))
            case "getblock", [block_hash, *rest]:
                verbosity = rest[0] if rest else 1
                for number in range(self.chain.head, self.chain.first - 1, -1):
                    if self.chain.hash(number) == block_hash:
                        return self._block(self.chain.block(number), int(verbosity))
                raise LookupError(-5, "Block not found")
        raise LookupError(-32601, "Method not found")

    def _block(self, block: Block, verbosity: int) -> str:
        seen = ",".join(
            json.dumps(row["hash"]) if verbosity < 2 else self._transaction(row, verbosity)
            for row in block.transactions
        )
        return (
            f'{{"hash":"{block.hash}","confirmations":{self.chain.head - block.number + 1},"height":{block.number},'
            f'"version":536870912,"time":{block.seconds},"mediantime":{block.seconds},'
            f'"previousblockhash":"{block.parent}","nTx":{len(block.transactions)},"tx":[{seen}]}}'
        )

    def _transaction(self, row: dict, verbosity: int) -> str:
        inputs = []
        for one in row["inputs"]:
            before = ""
            if verbosity >= 3 and self._with_prevouts:
                before = f',"prevout":{{"generated":false,"value":{coins(one["value"])},"scriptPubKey":{_script(one)}}}'
            inputs.append(
                f'{{"txid":"{one["spent_transaction_hash"]}","vout":{one["spent_output_index"]},'
                f'"sequence":{one["sequence"]}{before}}}'
            )
        if row["is_coinbase"]:
            inputs = ['{"coinbase":"03a1b2c3","sequence":4294967295}']
        outputs = ",".join(
            f'{{"value":{coins(one["value"])},"n":{one["index"]},"scriptPubKey":{_script(one)}}}'
            for one in row["outputs"]
        )
        return (
            f'{{"txid":"{row["hash"]}","hash":"{row["hash"]}","version":{row["version"]},"size":{row["size"]},'
            f'"vsize":{row["virtual_size"]},"locktime":{row["lock_time"]},"vin":[{",".join(inputs)}],"vout":[{outputs}]}}'
        )


def _script(put: dict) -> str:
    return json.dumps({"asm": "", "hex": "", "type": put["type"], "address": put["addresses"][0]})


def coins(satoshi: int) -> str:
    """Satoshi as coins with eight decimals."""
    return f"{satoshi // 10**8}.{satoshi % 10**8:08d}"
