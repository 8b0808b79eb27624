"""The on-chain feed in the Blockchain ETL schema: ethereum transactions and token transfers (Parquet), bitcoin
transactions (NDJSON)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.calendar import Calendar
from sandbox.world.chain import FIRST_BLOCK, INTERVAL, BitcoinTx, Chain
from sandbox.world.definitions import (
    ASSETS,
    BITCOIN,
    BTC,
    CHAINS,
    DAY,
    DELIVERY_DELAY,
    ETH,
    ETHEREUM,
    TOKEN_CONTRACTS,
    US,
)
from sandbox.world.landing import Delivery, Totals, amount_text, cuts, record_hashes, texts, times
from sandbox.world.streams import Streams

_STRANGE_TOKENS = tuple("0x" + hashlib.sha256(f"token {i}".encode()).hexdigest()[:40] for i in range(12))


def _mined(calendar: Calendar, chain: int, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(block number, block time) of the block after each time."""
    interval = INTERVAL[chain]
    number = (time - calendar.start_us) // interval
    return FIRST_BLOCK[chain] + number, calendar.start_us + number * interval


def _block_hash(chain: int, number: int) -> str:
    digest = hashlib.sha256(f"{CHAINS[chain]} block {number}".encode()).hexdigest()
    return f"0x{digest}" if chain == ETHEREUM else f"0000000000000000{digest[16:]}"


def _block_hashes(chain: int, number: np.ndarray) -> np.ndarray:
    blocks, inverse = np.unique(number, return_inverse=True)
    return np.array([_block_hash(chain, b) for b in blocks.tolist()], dtype=object)[inverse]


def _wei(units: np.ndarray) -> pa.Array:
    text = pc.cast(pa.array(units), pa.string())
    return pc.if_else(pa.array(units > 0), pc.binary_join_element_wise(text, "0" * 10, ""), "0")


def _ethereum(
    chain: Chain, calendar: Calendar, streams: Streams
) -> tuple[pa.Table, Totals, np.ndarray, pa.Table, Totals, np.ndarray]:
    rng = streams("onchain", "ethereum")
    rows = chain.ethereum
    time = np.concatenate(rows.time).astype(np.int64)
    inside = np.flatnonzero((time >= calendar.start_us) & (time < calendar.end_us))
    order = inside[np.argsort(time[inside], kind="stable")]
    time = time[order]
    sender, receiver = (
        np.concatenate([c.astype(object) for c in column])[order] for column in (rows.sender, rows.receiver)
    )
    tx_hash = np.concatenate([c.astype(object) for c in rows.tx_hash])[order]
    asset = np.concatenate(rows.asset).astype(np.int64)[order]
    units = np.concatenate(rows.units).astype(np.int64)[order]
    count = len(order)
    number, mined = _mined(calendar, ETHEREUM, time)
    sender, receiver = pc.utf8_lower(texts(sender)), pc.utf8_lower(texts(receiver))
    block_hash = texts(_block_hashes(ETHEREUM, number))
    # position in the block: rows of one block are neighbours after the sort
    start = np.r_[True, number[1:] != number[:-1]]
    index = np.arange(count) - np.maximum.accumulate(np.where(start, np.arange(count), 0)) + rng.integers(0, 40) * 3
    token = asset != ETH
    strange = np.array(_STRANGE_TOKENS, dtype=object)[rng.integers(0, len(_STRANGE_TOKENS), count)]
    contract = strange.copy()
    for code, address in TOKEN_CONTRACTS.items():
        contract[asset == code] = address
    called = pc.if_else(pa.array(token), texts(contract), receiver)
    value = np.where(token, 0, units)
    small = units // 100  # tokens have six decimals
    padded = pc.utf8_lpad(pc.utf8_slice_codeunits(receiver, 2), 64, "0")
    amount_hex = texts(np.array([f"{v:064x}" for v in small.tolist()], dtype=object))
    call = pc.binary_join_element_wise(pa.array(["0xa9059cbb"] * count), padded, amount_hex, "")
    gas_price = rng.integers(400_000_000, 9_000_000_000, count)
    transactions = pa.table(
        {
            "hash": texts(tx_hash),
            "nonce": pa.array(rng.integers(0, 4_000, count)),
            "block_hash": block_hash,
            "block_number": pa.array(number),
            "transaction_index": pa.array(index),
            "from_address": sender,
            "to_address": called,
            "value": _wei(value),
            "gas": pa.array(np.where(token, 65_000, 21_000)),
            "gas_price": pc.cast(pa.array(gas_price), pa.string()),
            "input": pc.if_else(pa.array(token), call, "0x"),
            "block_timestamp": times(mined),
            "max_fee_per_gas": pc.cast(pa.array(gas_price * 2), pa.string()),
            "max_priority_fee_per_gas": texts(["100000000"] * count),
            "transaction_type": pa.array(np.full(count, 2)),
        }
    )
    day = mined // DAY
    hashes = record_hashes(tx_hash, value)
    totals = Totals(day, np.full(count, ETH), value, hashes, ASSETS, count)
    t = np.flatnonzero(token)
    transfers = pa.table(
        {
            "token_address": texts(contract[t]),
            "from_address": sender.take(pa.array(t)),
            "to_address": receiver.take(pa.array(t)),
            "value": pc.cast(pa.array(small[t]), pa.string()),
            "transaction_hash": texts(tx_hash[t]),
            "log_index": pa.array(index[t] * 2 + 1),
            "block_number": pa.array(number[t]),
            "block_timestamp": times(mined[t]),
        }
    )
    keys = [f"{h}:{i}:{v}" for h, i, v in zip(tx_hash[t], index[t] * 2 + 1, small[t], strict=True)]
    token_totals = Totals(day[t], asset[t], small[t] * 100, record_hashes(keys, None), ASSETS, len(t))
    delivery_day = (mined - calendar.start_us) // DAY
    return transactions, totals, delivery_day, transfers, token_totals, delivery_day[t]


def _type(address: str) -> str:
    return (
        "witness_v0_keyhash" if address.startswith("bc1") else "scripthash" if address.startswith("3") else "pubkeyhash"
    )


def _bitcoin_line(tx: BitcoinTx, number: int, block_hash: str, seconds: int, index: int) -> str:
    inputs = ",".join(
        f'{{"index":{i},"spent_transaction_hash":"{spent}","spent_output_index":{place},"script_asm":"","script_hex":"",'
        f'"sequence":4294967293,"required_signatures":1,"type":"{_type(a)}","addresses":["{a}"],"value":{v}}}'
        for i, (a, v, spent, place) in enumerate(tx.inputs)
    )
    outputs = ",".join(
        f'{{"index":{i},"script_asm":"","script_hex":"","required_signatures":1,"type":"{_type(a)}","addresses":["{a}"],"value":{v}}}'
        for i, (a, v) in enumerate(tx.outputs)
    )
    paid, received = sum(i[1] for i in tx.inputs), sum(o[1] for o in tx.outputs)
    size = 11 + 148 * len(tx.inputs) + 34 * len(tx.outputs)
    coinbase = "false" if tx.inputs else "true"
    return (
        f'{{"hash":"{tx.tx_hash}","size":{size},"virtual_size":{size},"version":2,"lock_time":0,"block_number":{number},'
        f'"block_hash":"{block_hash}","block_timestamp":{seconds},"is_coinbase":{coinbase},"index":{index},"inputs":[{inputs}],'
        f'"outputs":[{outputs}],"input_count":{len(tx.inputs)},"output_count":{len(tx.outputs)},"input_value":{paid},'
        f'"output_value":{received},"fee":{paid - received if tx.inputs else 0}}}\n'
    )


def _bitcoin_total(table: str, business: str, rows: int, satoshi: int) -> list[dict]:
    if not rows:
        return []
    return [
        {
            "table": table,
            "event_date": business,
            "asset_code": ASSETS[BTC],
            "rows": rows,
            "amount": amount_text(satoshi),
            "hash": None,
        }
    ]


def _known(totals: list[dict]) -> list[dict]:
    """A stranger's token has no decimals we know of: rows, but no amount."""
    return [t if t["asset_code"] else t | {"amount": None} for t in totals]


def write_onchain(root: Path, chain: Chain, calendar: Calendar, streams: Streams) -> dict[str, int]:
    """Writes the chain exports of each day; returns the rows by table."""
    transactions, tx_totals, tx_day, transfers, token_totals, token_day = _ethereum(chain, calendar, streams)
    tx_cuts, token_cuts = cuts(tx_day, range(calendar.days)), cuts(token_day, range(calendar.days))
    blocks: dict[int, list[tuple[int, int, BitcoinTx]]] = {}
    for tx in sorted(chain.bitcoin, key=lambda t: (t.time, t.tx_hash)):
        if calendar.start_us <= tx.time < calendar.end_us:
            number = (tx.time - calendar.start_us) // INTERVAL[BITCOIN]
            blocks.setdefault(number * INTERVAL[BITCOIN] // DAY, []).append((number, tx.time, tx))
    counts = {
        "ethereum_transactions": transactions.num_rows,
        "ethereum_token_transfers": transfers.num_rows,
        "bitcoin_inputs": 0,
        "bitcoin_outputs": 0,
    }
    for day in range(calendar.days):
        business = calendar.day(day)
        delivery = Delivery(
            root / f"delivery={business}",
            f"onchain-{business}",
            business,
            calendar.start_us + day * DAY + DELIVERY_DELAY,
        )
        low, high = tx_cuts[day]
        delivery.parquet(
            "ethereum_transactions",
            "ethereum_transactions",
            transactions.slice(low, high - low),
            tx_totals.rows(low, high),
        )
        low, high = token_cuts[day]
        delivery.parquet(
            "ethereum_token_transfers",
            "ethereum_token_transfers",
            transfers.slice(low, high - low),
            _known(token_totals.rows(low, high)),
        )
        _bitcoin_file(delivery, blocks.get(day, []), calendar, counts)
        delivery.close()
    return counts


def _bitcoin_file(
    delivery: Delivery, mined: list[tuple[int, int, BitcoinTx]], calendar: Calendar, counts: dict[str, int]
) -> None:
    lines, previous, index = [], -1, 0
    rows, sums = [0, 0], [0, 0]
    for number, _, tx in mined:
        index = index + 1 if number == previous else 1 if tx.inputs else 0
        if number != previous:
            block = FIRST_BLOCK[BITCOIN] + number
            block_hash = _block_hash(BITCOIN, block)
            seconds = (calendar.start_us + number * INTERVAL[BITCOIN]) // US
        previous = number
        lines.append(_bitcoin_line(tx, block, block_hash, seconds, index))
        rows[0] += len(tx.inputs)
        rows[1] += len(tx.outputs)
        sums[0] += sum(i[1] for i in tx.inputs)
        sums[1] += sum(o[1] for o in tx.outputs)
    business = delivery.business.isoformat()
    totals = _bitcoin_total("bitcoin_inputs", business, rows[0], sums[0]) + _bitcoin_total(
        "bitcoin_outputs", business, rows[1], sums[1]
    )
    delivery.add("bitcoin_transactions.json", "bitcoin_transactions", "".join(lines).encode(), len(lines), totals)
    counts["bitcoin_inputs"] += rows[0]
    counts["bitcoin_outputs"] += rows[1]
