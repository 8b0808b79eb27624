"""Bitcoin bodies into rows: real recordings against the expected rows of an independent exporter, and amounts."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.onchain import bitcoin_rpc, count
from ingestion.onchain.parse import TABLES, UnusableFile
from sandbox.vendor.bitcoin_rpc import coins

RECORDED = "onchain/bitcoin/bitcoin-etl/tests/resources/test_export_blocks_job/bitcoin"


def read(path: Path) -> dict:
    return json.loads(path.read_text(), parse_float=Decimal)


def expected(folder: Path) -> dict[str, list[tuple]]:
    """Rows of the exporter: (hash, block, time, coinbase, index, type, addresses, value[, spent])."""
    rows: dict[str, list[tuple]] = {"inputs": [], "outputs": []}
    for transaction in map(json.loads, (folder / "expected_transactions.json").read_text().splitlines()):
        common = [transaction[n] for n in ("hash", "block_number", "block_hash", "block_timestamp", "is_coinbase")]
        for name, found in rows.items():
            for put in transaction[name]:
                row = [*common, put["index"], put["type"], ";".join(put["addresses"]) or None, put["value"]]
                if name == "inputs":
                    row += [put["spent_transaction_hash"], put["spent_output_index"]]
                found.append(tuple(row))
    return rows


@pytest.mark.parametrize("name", ["block_0", "block_1", "block_with_transactions", "block_without_transactions"])
def test_real_blocks_give_the_expected_rows(shared_data, name):
    folder = shared_data / RECORDED / name
    got: dict[str, list[tuple]] = {"inputs": [], "outputs": []}
    bodies = [read(path) for path in sorted(folder.glob("rpc_response_getblock_*_2.json"))]
    for body in sorted(bodies, key=lambda body: body["height"]):
        about, puts = bitcoin_rpc.block(body)
        assert (about["number"], about["hash"], about["transaction_count"]) == (
            body["height"],
            body["hash"],
            body["nTx"],
        )
        for kind in got:
            names = [c.name for c in TABLES[f"bitcoin_{kind}"]]
            for row in puts[f"bitcoin_{kind}"]:
                row = row | {"is_coinbase": row["is_coinbase"] == "true"}
                row["value"] = None if row["value"] is None else int(row["value"])
                got[kind].append(tuple(row[name] for name in names))
    wanted = expected(folder)
    assert got == wanted and sum(map(len, got.values())) > 0


def test_real_blocks_are_counted_as_they_are_read(shared_data):
    for path in sorted((shared_data / RECORDED).rglob("rpc_response_getblock_*_2.json")):
        body = path.read_bytes()
        _, puts = bitcoin_rpc.block(read(path))
        blocks, inputs, outputs = count.bitcoin_blocks(b'[{"result":' + body + b"}]")
        assert sum(blocks.rows.values()) == 1
        assert sum(inputs.rows.values()) == len(puts["bitcoin_inputs"])
        assert sum(outputs.rows.values()) == len(puts["bitcoin_outputs"])
        stated = sum(Decimal(outputs.amount(key)) for key in outputs.rows)
        assert stated == Decimal(sum(int(row["value"]) for row in puts["bitcoin_outputs"])) / 10**8


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2_100_000_000_000_000), min_size=1, max_size=20))
def test_every_satoshi_survives_and_is_counted(values):
    """Coins are written as decimals; a float would lose the last digits of large amounts."""
    outputs = ",".join(f'{{"n":{n},"value":{coins(value)},"scriptPubKey":{{}}}}' for n, value in enumerate(values))
    text = f'{{"hash":"h","height":1,"time":1767225600,"tx":[{{"txid":"t","vin":[],"vout":[{outputs}]}}]}}'
    _, puts = bitcoin_rpc.block(json.loads(text, parse_float=Decimal))
    assert [int(row["value"]) for row in puts["bitcoin_outputs"]] == values
    *_, counted = count.bitcoin_blocks(b'[{"result":' + text.encode() + b"}]")
    ((key, rows),) = counted.rows.items()
    assert rows == len(values) and counted.amount(key) == Decimal(sum(values)).scaleb(-8)


def test_a_part_of_a_satoshi_is_not_rounded_away():
    body = {"hash": "h", "height": 1, "time": 1, "tx": [
        {"txid": "t", "vin": [], "vout": [{"n": 0, "value": Decimal("0.000000001"), "scriptPubKey": {}}]}
    ]}  # fmt: skip
    _, puts = bitcoin_rpc.block(body)
    assert puts["bitcoin_outputs"][0]["value"] == "1E-9"  # which is no whole number of satoshi, and so a reject


@pytest.mark.parametrize("body", [{}, [], None, {"hash": "h", "height": 1, "time": 1, "tx": ["t1"]}])
def test_what_is_no_block_with_its_transactions_is_refused(body):
    with pytest.raises(UnusableFile):
        bitcoin_rpc.block(body)
