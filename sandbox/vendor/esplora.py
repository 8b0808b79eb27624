"""An Esplora server over the world's bitcoin chain: confirmed transactions of an address, 25 a page, newest first;
blocks by number, ten a page."""

from pathlib import Path

from aiohttp import web

from sandbox.vendor.chain_data import Block, ChainData
from sandbox.vendor.faults import Shown, everything

ESPLORA_PATH = "/esplora/api"
PAGE = 25
BLOCKS = 10


class Esplora:
    """The handler. Errors are plain text, as Esplora's are."""

    def __init__(self, world_dir: Path, shown: Shown = everything) -> None:
        self.chain, self._shown = ChainData("bitcoin", world_dir), shown

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        match request.path.removeprefix(ESPLORA_PATH).split("/")[1:]:
            case ["blocks", "tip", "height"]:
                return web.Response(text=str(self.chain.head))
            case ["blocks", height] if height.isdecimal():
                numbers = range(int(height), max(int(height) - BLOCKS, self.chain.first - 1), -1)
                found = [block for block in map(self.chain.block, numbers) if block is not None]
                return web.json_response([_block(block) for block in found])
            case ["tx", txid, "status"]:
                block = self.chain.find(txid)
                if block is None:
                    return web.Response(status=404, text="Transaction not found")
                return web.json_response(_status(block))
            case ["address", address, "txs", "chain", *last] if len(last) <= 1:
                found = self._shown(self._of(address), len(last), PAGE)
                if last:
                    places = [place for place, (_, row) in enumerate(found) if row["hash"] == last[0]]
                    found = found[places[0] + 1 :] if places else []
                return web.json_response([_transaction(block, row) for block, row in found[:PAGE]])
        return web.Response(status=404, text="endpoint does not exist")

    def _of(self, address: str) -> list[tuple[Block, dict]]:
        found = [
            (block, row)
            for block in self.chain.with_address(address)
            for row in block.transactions
            if any(address in put["addresses"] for put in (*row["inputs"], *row["outputs"]))
        ]
        return found[::-1]


def _transaction(block: Block, row: dict) -> dict:
    inputs = [
        {
            "txid": one["spent_transaction_hash"],
            "vout": one["spent_output_index"],
            "prevout": _output(one),
            "scriptsig": "",
            "is_coinbase": False,
            "sequence": one["sequence"],
        }
        for one in row["inputs"]
    ]
    if row["is_coinbase"]:
        inputs = [{"txid": "0" * 64, "vout": 2**32 - 1, "prevout": None, "scriptsig": "03a1", "is_coinbase": True}]
    return {
        "txid": row["hash"],
        "version": row["version"],
        "locktime": row["lock_time"],
        "size": row["size"],
        "weight": row["size"] * 4,
        "fee": row["fee"],
        "vin": inputs,
        "vout": [_output(one) for one in row["outputs"]],
        "status": _status(block),
    }


def _status(block: Block) -> dict:
    return {
        "confirmed": True,
        "block_height": block.number,
        "block_hash": block.hash,
        "block_time": block.seconds,
    }


def _block(block: Block) -> dict:
    return {
        "id": block.hash,
        "height": block.number,
        "timestamp": block.seconds,
        "tx_count": len(block.transactions),
        "previousblockhash": block.parent,
    }


def _output(put: dict) -> dict:
    kind = {"witness_v0_keyhash": "v0_p2wpkh", "scripthash": "p2sh", "pubkeyhash": "p2pkh"}.get(put["type"], "unknown")
    return {
        "scriptpubkey": "",
        "scriptpubkey_asm": "",
        "scriptpubkey_type": kind,
        "scriptpubkey_address": put["addresses"][0],
        "value": put["value"],
    }
