"""Blocks as a Bitcoin node answers `getblock` (verbosity 2 or 3), and transactions as Esplora does, into rows.

Belongs here: pure functions of a body. Amounts in coins become satoshi exactly (read as Decimal, never as float). An
input has its address and value only where the node says what it spends (verbosity 3, Esplora's prevout).
"""

from collections.abc import Iterator
from decimal import Decimal

from ingestion.onchain.parse import UnusableFile

_COIN = Decimal(10) ** 8


def block(body: dict) -> tuple[dict, dict[str, list[dict]]]:
    """(block row, rows of bitcoin_inputs and bitcoin_outputs) of one `getblock` result read with Decimals. Raises
    UnusableFile where it is no block with its transactions."""
    if not isinstance(body, dict) or not {"hash", "height", "time", "tx"} <= body.keys():
        raise UnusableFile("unknown_answer", "not an answer of getblock: hash, height, time or tx is missing")
    if not all(isinstance(transaction, dict) for transaction in body["tx"]):
        raise UnusableFile("hash_only_transaction", "the block was asked for without its transactions: ask verbosity 2")
    about = {
        "chain_code": "bitcoin",
        "number": body["height"],
        "hash": body["hash"],
        "parent_hash": body.get("previousblockhash"),
        "block_timestamp": body["time"],
        "transaction_count": body.get("nTx", len(body["tx"])),
    }
    rows: dict[str, list[dict]] = {"bitcoin_inputs": [], "bitcoin_outputs": []}
    for transaction in body["tx"]:
        common = _common(transaction, body["height"], body["hash"], body["time"], transaction["vin"])
        for index, spent in enumerate(_spending(transaction)):
            before = spent.get("prevout") or {}
            script = before.get("scriptPubKey") or {}
            value = _satoshi(before.get("value"))
            rows["bitcoin_inputs"].append(common | _input(index, spent, script.get("type"), _addresses(script), value))
        for output in transaction["vout"]:
            script = output.get("scriptPubKey") or {}
            row = {"index": output.get("n"), "type": script.get("type"), "address": _addresses(script)}
            rows["bitcoin_outputs"].append(common | row | {"value": _satoshi(output.get("value"))})
    return about, rows


def esplora(transaction: dict) -> tuple[dict, dict[str, list[dict]]]:
    """The same of one confirmed transaction as Esplora answers it; the block row knows no parent."""
    status = transaction["status"]
    about = {
        "chain_code": "bitcoin",
        "number": status["block_height"],
        "hash": status["block_hash"],
        "block_timestamp": status["block_time"],
    }
    common = _common(
        transaction, status["block_height"], status["block_hash"], status["block_time"], transaction["vin"]
    )
    rows: dict[str, list[dict]] = {"bitcoin_inputs": [], "bitcoin_outputs": []}
    for index, spent in enumerate(_spending(transaction)):
        before = spent.get("prevout") or {}
        address, kind = before.get("scriptpubkey_address"), before.get("scriptpubkey_type")
        rows["bitcoin_inputs"].append(common | _input(index, spent, kind, address, before.get("value")))
    for index, output in enumerate(transaction["vout"]):
        address, kind = output.get("scriptpubkey_address"), output.get("scriptpubkey_type")
        row = {"index": index, "type": kind, "address": address, "value": output.get("value")}
        rows["bitcoin_outputs"].append(common | row)
    return about, rows


def _common(transaction: dict, number: int, block_hash: str, seconds: int, inputs: list[dict]) -> dict:
    return {
        "transaction_hash": transaction.get("txid"),
        "block_number": number,
        "block_hash": block_hash,
        "block_timestamp": seconds,
        "is_coinbase": "true" if any(_is_coinbase(one) for one in inputs) else "false",
    }


def _is_coinbase(spent: dict) -> bool:
    return "coinbase" in spent or spent.get("is_coinbase") is True


def _spending(transaction: dict) -> Iterator[dict]:
    """Inputs that spend something: a coinbase creates its coins."""
    return (spent for spent in transaction["vin"] if not _is_coinbase(spent))


def _input(index: int, spent: dict, kind: str | None, address: str | None, value: int | None) -> dict:
    return {
        "index": index,
        "type": kind,
        "address": address,
        "value": value,
        "spent_transaction_hash": spent.get("txid"),
        "spent_output_index": spent.get("vout"),
    }


def _addresses(script: dict) -> str | None:
    """`address` since Bitcoin Core 22, `addresses` before (several of a bare multi-signature, joined by ";")."""
    return script.get("address") or ";".join(script.get("addresses") or []) or None


def _satoshi(coins: Decimal | int | None) -> str | None:
    """Coins as satoshi; what is no whole number of satoshi stays as it is, and is then rejected."""
    if coins is None:
        return None
    satoshi = Decimal(coins) * _COIN
    return str(int(satoshi)) if satoshi == int(satoshi) else str(coins)
