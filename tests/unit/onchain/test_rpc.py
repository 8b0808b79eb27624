"""Recorded JSON-RPC answers, written here by hand in the form of the Ethereum execution APIs."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.onchain import count
from ingestion.onchain.parse import UnusableFile
from ingestion.onchain.rpc import TRANSFER, parse

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=12)
HASH = "0x" + "ab" * 32
SENDER, RECEIVER, TOKEN = ("0x" + digit * 40 for digit in "123")


def word(address: str) -> str:
    return "0x" + address.removeprefix("0x").rjust(64, "0")


def transaction(**changes) -> dict:
    return {
        "hash": HASH,
        "nonce": "0xc",
        "blockHash": HASH,
        "blockNumber": "0x10",
        "transactionIndex": "0x0",
        "from": SENDER.upper().replace("0X", "0x"),
        "to": RECEIVER,
        "value": "0x" + "f" * 24,
        "gas": "0x5208",
        "gasPrice": "0xba43b7400",
        "input": "0x",
        "type": "0x2",
        **changes,
    }


def block(*transactions: object, **changes) -> dict:
    return {"number": "0x10", "timestamp": "0x5638c858", "hash": HASH, "transactions": list(transactions), **changes}


def log(*topics: str, data: str = word("64"), **changes) -> dict:
    return {
        "address": TOKEN,
        "blockNumber": "0x10",
        "data": data,
        "logIndex": "0x3",
        "topics": [TRANSFER, *(topics or (word(SENDER), word(RECEIVER)))],
        "transactionHash": HASH,
        **changes,
    }


def answer(result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()


def counted(raw: bytes, times: dict | None = None) -> dict[str, int]:
    return {name: sum(totals.rows.values()) for name, totals in count.rpc(raw, times or {}).items()}


def test_a_block_brings_its_transactions_with_exact_amounts():
    raw = answer(block(transaction(), transaction(to=None, maxFeePerGas="0x1", maxPriorityFeePerGas="0x0")))
    first, second = parse(raw).transactions
    assert (first["nonce"], first["block_number"], first["transaction_index"]) == (12, 16, 0)
    assert first["from_address"] == SENDER and first["to_address"] == RECEIVER
    assert first["value"] == 16**24 - 1 and first["block_timestamp"] == 1446561880
    assert first["max_fee_per_gas"] is None and first["transaction_type"] == 2
    assert second["to_address"] is None and second["max_priority_fee_per_gas"] == 0
    assert parse(raw).block_times == {16: 1446561880}
    assert counted(raw)["ethereum_transactions"] == 2


def test_transfers_have_three_words_wherever_the_contract_put_them():
    erc20 = log()
    erc721 = log(word(SENDER), word(RECEIVER), word("37e"), data="0x")
    oldest = log(data=word(SENDER) + word(RECEIVER)[2:] + word("9")[2:], topics=[TRANSFER])
    raw = answer([erc20, erc721, oldest, log(topics=["0x" + "0" * 64]), log(topics=[])])
    read = parse(raw)
    assert [row["value"] for row in read.transfers] == [0x64, 0x37E, 9]
    assert {(row["from_address"], row["to_address"]) for row in read.transfers} == {(SENDER, RECEIVER)}
    assert read.transfers[0]["log_index"] == 3 and not read.rejected
    assert counted(raw)["ethereum_token_transfers"] == 3


def test_a_value_of_256_bits_is_exact():
    assert parse(answer([log(data="0x" + "f" * 64)])).transfers[0]["value"] == 2**256 - 1


def test_receipts_and_batches_bring_the_same():
    receipt = {"transactionHash": HASH, "logs": [log(), log(logIndex="0x4")]}
    for result in (receipt, [receipt]):
        assert [row["log_index"] for row in parse(answer(result)).transfers] == [3, 4]
        assert counted(answer(result))["ethereum_token_transfers"] == 2
    batch = b"[" + answer(block(transaction())) + b"," + answer(receipt) + b"]"
    read = parse(batch)
    assert (len(read.transactions), len(read.transfers)) == (1, 2)
    assert counted(batch) == {"ethereum_transactions": 1, "ethereum_token_transfers": 2}


def test_an_answer_may_be_utf_16():
    raw = answer(block(transaction())).decode().encode("utf-16")
    assert len(parse(raw).transactions) == counted(raw)["ethereum_transactions"] == 1


@pytest.mark.parametrize("result", [None, True, "0x0", [], {"logs": []}, block()])
def test_an_answer_without_records_brings_nothing(result):
    read = parse(answer(result))
    assert not (read.transactions or read.transfers or read.rejected)
    assert counted(answer(result)) == {"ethereum_transactions": 0, "ethereum_token_transfers": 0}


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (block(HASH), "hash_only_transaction"),
        (block(transaction(value="12 ether")), "invalid_value"),
        (block(transaction(nonce=7)), "invalid_nonce"),
        ([log(removed=True)], "removed_log"),
        ([log(word(SENDER), data="0x")], "not_a_transfer"),
        ([log(data=word("1") + word("2")[2:])], "not_a_transfer"),
        ([log(data=["0x1"])], "invalid_data"),
        ([log(logIndex="three")], "invalid_logIndex"),
        ([log(data="0x" + "z" * 64)], "invalid_value"),
    ],
)
def test_an_unusable_item_is_rejected_and_counted(result, code):
    raw = answer(result)
    read = parse(raw)
    assert [item.code for item in read.rejected] == [code]
    assert counted(raw)[read.rejected[0].table] == 1 and not (read.transactions or read.transfers)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_json"),
        (b"<html>502 Bad Gateway</html>", "not_json"),
        (answer(block(transaction()))[:-20], "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"result": NaN}', "not_json"),
        (b"{}", "not_json_rpc"),
        (b'"text"', "not_json_rpc"),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"limit exceeded"}}', "rpc_error"),
        (answer({"code": "0x6060"}), "unknown_answer"),
        (answer(block(number=None)), "missing_value"),
        (answer(block(timestamp="soon")), "invalid_timestamp"),
        (answer(block(timestamp="0xffffffffffff")), "invalid_timestamp"),
    ],
)
def test_an_unusable_answer_says_why(raw, code):
    with pytest.raises(UnusableFile) as refused:
        parse(raw)
    assert refused.value.code == code and str(refused.value)


@FIXED
@given(
    st.lists(st.integers(0, 2**200), max_size=5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=6),
)
def test_both_paths_agree_whatever_the_node_answers(values, shapes):
    block_body = answer(block(*(transaction(value=hex(value)) for value in values)))
    logs = [
        log(*[word(SENDER)] * topics or [""], data="0x" + word("1")[2:] * words, removed=removed)
        for topics, words, removed in shapes
    ]
    for raw in (block_body, answer(logs), answer({"logs": logs})):
        read, rows = parse(raw), counted(raw)
        found = {"ethereum_transactions": read.transactions, "ethereum_token_transfers": read.transfers}
        for table, good in found.items():
            assert rows[table] == len(good) + sum(1 for item in read.rejected if item.table == table)
