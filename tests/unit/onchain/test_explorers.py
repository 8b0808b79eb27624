"""What explorers answer into rows: amounts of any size, errors that come with status 200."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.onchain import blockscout, count, explorers
from ingestion.vendor import Answer, dumps

ADDRESS, HASH = "0x" + "ab" * 20, "0x" + "cd" * 32
amount = st.integers(0, 2**256 - 1)


def transfer(value: int, position: int) -> dict:
    return {
        "block_hash": HASH,
        "block_number": 5,
        "from": {"hash": ADDRESS},
        "to": {"hash": ADDRESS.upper().replace("X", "x")},
        "log_index": position,
        "timestamp": "2026-01-01T00:00:05.000000Z",
        "token": {"address_hash": ADDRESS},
        "total": {"value": str(value)},
        "transaction_hash": HASH,
    }


@given(st.lists(amount, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_token_amounts_beyond_64_bits_are_exact_and_counted(values):
    items = [transfer(value, position) for position, value in enumerate(values)]
    rows = [blockscout._blockscout_transfer(item) for item in items]
    assert [int(row["value"]) for row in rows] == values
    assert {row["to_address"] for row in rows} == {ADDRESS}
    counted = count.listed(
        dumps(items).encode(), "ethereum_token_transfers", "$.timestamp", "$.token.address_hash", None
    )
    assert sum(counted.rows.values()) == len(values)


@given(st.integers(0, 10**30))
@settings(max_examples=25, deadline=None)
def test_wei_are_counted_exactly(wei):
    row = {"timeStamp": "1767225600", "value": str(wei)}
    counted = count.listed(dumps([row]).encode(), "ethereum_transactions", "$.timeStamp", "$.none", "$.value")
    ((key, rows),) = counted.rows.items()
    assert rows == 1 and counted.amount(key).scaleb(18) == wei


def test_a_limit_with_status_200_is_waited_for_and_nothing_else():
    def answer(result: object) -> Answer:
        return Answer(200, b"", {"status": "0", "message": "NOTOK", "result": result}, {})

    assert explorers._etherscan_limit(answer("Max calls per sec rate limit reached (3/sec)")) == 1.0
    assert explorers._etherscan_limit(answer("Invalid API Key")) is None
    assert explorers._etherscan_limit(answer([])) is None
