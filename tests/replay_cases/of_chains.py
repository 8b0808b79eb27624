"""Cases of chain exports, of answers of nodes, and of nodes and explorers themselves."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ingestion.onchain import parse as onchain
from ingestion.onchain import rpc
from replay_cases.common import ADDRESS, HASH, Case, files, narrow, own_address, refusing, serve
from sandbox.vendor import in_thread

TRANSFER = rpc.TRANSFER


def _transaction(number: int, sender: str = ADDRESS) -> dict:
    return {
        "hash": "0x" + f"{number:02x}" * 32, "from": sender, "to": ADDRESS, "value": hex(number), "nonce": "0x1",
        "blockNumber": "0x5", "blockHash": HASH, "transactionIndex": hex(number), "gas": "0x1", "gasPrice": "0x1",
        "input": "0x",
    }  # fmt: skip


def _log(number: int) -> dict:
    word = "0x" + "0" * 24 + "ab" * 20
    return {
        "address": ADDRESS, "topics": [TRANSFER, word, word], "data": f"0x{number:064x}", "logIndex": hex(number),
        "transactionHash": "0x" + f"{number:02x}" * 32, "blockNumber": "0x5", "blockHash": HASH,
    }  # fmt: skip


def _block(*transactions: dict) -> dict:
    return {
        "number": "0x5", "hash": HASH, "parentHash": "0x" + "00" * 32, "timestamp": hex(1_767_225_600),
        "transactions": list(transactions),
    }  # fmt: skip


STRANGE = rpc._Unusable("strange", "no")
NO_TWO = "[013-9]+"


def onchain_rows(folder: Path, case: ExitStack) -> Case:
    columns = ("hash", "block_number", "from_address", "value", "block_timestamp", "transaction_index")
    rows = [("0x" + f"{n:02x}" * 32, "5", ADDRESS, str(n), "1767225600", str(n)) for n in (1, 2, 3)]
    lines = [",".join(columns), *(",".join(row) for row in rows), ""]
    bucket = files(folder, ethereum_transactions__csv="\n".join(lines))
    refuse = narrow("ethereum_transactions", "value", NO_TWO)
    return Case("onchain", {"bucket_url": bucket}, refuse, {"ethereum_transactions": 1})


def onchain_bitcoin(folder: Path, case: ExitStack) -> Case:
    def line(number: int) -> dict:
        put = {"index": 0, "type": "p2pkh", "addresses": [f"1a{number}"], "value": number}
        return {
            "hash": f"t{number}", "block_number": 5, "block_hash": "b", "block_timestamp": 1767225600,
            "is_coinbase": False, "inputs": [], "outputs": [put],
        }  # fmt: skip

    text = "".join(json.dumps(line(number)) + "\n" for number in (1, 2, 3))
    bucket = files(folder, bitcoin_transactions__json=text)
    refuse = narrow("bitcoin_outputs", "address", "1[^2]*")
    return Case("onchain", {"bucket_url": bucket}, refuse, {"bitcoin_outputs": 1})


def onchain_answers(folder: Path, case: ExitStack) -> Case:
    answer = {"jsonrpc": "2.0", "id": 1, "result": [_log(1), _log(2), _log(3)]}
    block = {"jsonrpc": "2.0", "id": 1, "result": _block(_transaction(1), _transaction(2), _transaction(3))}
    bucket = files(folder, eth_getLogs__json=json.dumps(answer), eth_getBlockByNumber__json=json.dumps(block))

    def refuse(patch: pytest.MonkeyPatch) -> None:
        refusing(rpc, "_transfer", STRANGE, lambda log, _: log["logIndex"] == "0x2")(patch)
        refusing(rpc, "_transaction", STRANGE, lambda one, _: one["value"] == "0x2")(patch)

    brings = {"ethereum_transactions": 1, "ethereum_token_transfers": 1}
    return Case("onchain", {"bucket_url": bucket}, refuse, brings)


def onchain_answer_whole(folder: Path, case: ExitStack) -> Case:
    """Nobody could count what is in it, so that it lands as an extract of its own."""
    answer = {"jsonrpc": "2.0", "id": 1, "result": [_log(4), _log(5), _log(6)]}
    bucket = files(folder, whole_eth_getLogs__json=json.dumps(answer))
    refuse = refusing(rpc, "parse", onchain.UnusableFile("not_json", "no"), lambda raw: b'"0x6"' in raw)
    brings = {"ethereum_token_transfers": 3}
    return Case("onchain", {"bucket_url": bucket}, refuse, brings, rejects=1)


def ethereum_node(folder: Path, case: ExitStack) -> Case:
    block = _block(_transaction(1), _transaction(2), _transaction(3))
    receipts = [
        {"transactionHash": one["hash"], "blockHash": HASH, "logs": [], "status": "0x1"}
        for one in block["transactions"]
    ]

    def answer(_: str, asked: dict) -> dict:
        results = {"eth_blockNumber": "0x5", "eth_getBlockByNumber": block, "eth_getBlockReceipts": receipts}
        return {"jsonrpc": "2.0", "id": 1, "result": results[asked["method"]]}

    url = serve(case, answer)
    settings = dict(ethereum_rpc_url=url, ethereum_start_block=5)
    refuse = refusing(rpc, "_transaction", STRANGE, lambda one, _: one["value"] == "0x2")
    return Case("onchain", settings, refuse, {"ethereum_transactions": 1})


def bitcoin_node(folder: Path, case: ExitStack) -> Case:
    transactions = [
        {"txid": f"t{n}", "vin": [{"coinbase": "00"}], "vout": [
            {"value": n, "n": 0, "scriptPubKey": {"type": "p2pkh", "address": f"1a{n}"}}]}
        for n in (1, 2, 3)
    ]  # fmt: skip
    block = {"hash": "b5", "height": 5, "time": 1767225600, "tx": transactions, "confirmations": 1}

    def answer(_: str, asked: dict) -> dict:
        results = {"getblockcount": 5, "getblockhash": "b5", "getblock": block}
        return {"result": results[asked["method"]], "error": None, "id": 1}

    url = serve(case, answer)
    settings = dict(bitcoin_rpc_url=url, bitcoin_start_block=5)
    return Case("onchain", settings, narrow("bitcoin_outputs", "address", "1[^2]*"), {"bitcoin_outputs": 1})


def esplora(folder: Path, case: ExitStack) -> Case:
    own_address(folder / "home", "bitcoin", "1own")
    put = {"scriptpubkey_type": "p2pkh", "scriptpubkey_address": "1own"}
    listed = [
        {"txid": f"t{n}", "vin": [], "vout": [put | {"value": n}], "status": {
            "confirmed": True, "block_height": n, "block_hash": f"b{n}", "block_time": 1767225600 + n}}
        for n in (3, 2, 1)
    ]  # fmt: skip

    def answer(path: str, _: Any) -> Any:
        return {"confirmed": True} if path.endswith("/status") else listed if path.endswith("/chain") else []

    url = serve(case, answer)
    refuse = narrow("bitcoin_outputs", "value", NO_TWO)
    return Case("onchain", dict(esplora_url=url), refuse, {"bitcoin_outputs": 1})


def etherscan(folder: Path, case: ExitStack) -> Case:
    own_address(folder / "home", "ethereum", ADDRESS)
    common = {
        "timeStamp": "1767225600", "nonce": "1", "blockHash": HASH, "transactionIndex": "0", "from": ADDRESS,
        "to": ADDRESS, "gas": "21000", "gasPrice": "1", "input": "0x", "isError": "0", "txreceipt_status": "1",
    }  # fmt: skip
    rows = [common | {"hash": "0x" + f"{n:02x}" * 32, "value": str(n), "blockNumber": str(n)} for n in (1, 2, 3)]

    async def answer(request: web.BaseRequest) -> web.Response:
        result = rows if request.query["action"] == "txlist" else []
        return web.json_response({"status": "1", "message": "OK", "result": result})

    url = case.enter_context(in_thread(answer))
    refuse = narrow("ethereum_transactions", "value", NO_TWO)
    settings = dict(etherscan_url=url, etherscan_key="k")
    return Case("onchain", settings, refuse, {"ethereum_transactions": 1})


def blockscout(folder: Path, case: ExitStack) -> Case:
    own_address(folder / "home", "ethereum", ADDRESS)
    common = {
        "block_hash": HASH, "block_number": 5, "from": {"hash": ADDRESS}, "to": {"hash": ADDRESS},
        "timestamp": "2026-01-01T00:00:05.000000Z", "token": {"address_hash": ADDRESS}, "transaction_hash": HASH,
    }  # fmt: skip
    items = [common | {"log_index": n, "total": {"value": str(n)}} for n in (1, 2, 3)]

    def answer(path: str, _: Any) -> dict:
        return {"items": items if path.endswith("token-transfers") else [], "next_page_params": None}

    url = serve(case, answer)
    refuse = narrow("ethereum_token_transfers", "value", NO_TWO)
    settings = dict(blockscout_url=url)
    return Case("onchain", settings, refuse, {"ethereum_token_transfers": 1})
