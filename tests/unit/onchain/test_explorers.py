"""What explorers answer into rows: amounts of any size, errors that come with status 200."""

from copy import deepcopy

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.onchain import blockscout, count, etherscan, explorers
from ingestion.vendor import Answer, VendorError, dumps
from sandbox.vendor import in_thread

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
        dumps(items).encode(),
        "ethereum_token_transfers",
        "$.timestamp",
        "$.token.address_hash",
        None,
        ("$.transaction_hash", "$.log_index", "$.total.value"),
    )
    assert sum(counted.rows.values()) == len(values)


@given(st.integers(0, 10**30))
@settings(max_examples=25, deadline=None)
def test_wei_are_counted_exactly(wei):
    row = {"timeStamp": "1767225600", "value": str(wei)}
    counted = count.listed(
        dumps([row]).encode(), "ethereum_transactions", "$.timeStamp", "$.none", "$.value", ("$.hash",)
    )
    ((key, rows),) = counted.rows.items()
    assert rows == 1 and counted.amount(key).scaleb(18) == wei


def test_a_limit_with_status_200_is_waited_for_and_nothing_else():
    def answer(result: object) -> Answer:
        return Answer(200, b"", {"status": "0", "message": "NOTOK", "result": result}, {})

    assert etherscan._etherscan_limit(answer("Max calls per sec rate limit reached (3/sec)")) == 1.0
    assert etherscan._etherscan_limit(answer("Invalid API Key")) is None
    assert etherscan._etherscan_limit(answer([])) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
OUTPUT = {"scriptpubkey_type": "p2sh", "scriptpubkey_address": "3x", "value": 5}
ESPLORA = {
    "txid": "ab" * 32,
    "vin": [{"txid": "cd" * 32, "vout": 0, "prevout": OUTPUT, "is_coinbase": False}],
    "vout": [OUTPUT],
    "status": {"confirmed": True, "block_height": 5, "block_hash": "ef" * 32, "block_time": 1767225600},
}
ETHERSCAN = {
    "blockNumber": "5", "timeStamp": "1767225600", "hash": HASH, "nonce": "1", "blockHash": HASH,
    "transactionIndex": "0", "from": ADDRESS, "to": ADDRESS, "value": "7", "gas": "21000", "gasPrice": "1",
    "input": "0x", "isError": "0", "txreceipt_status": "1",
}  # fmt: skip
BLOCKSCOUT = {
    "hash": HASH, "block_number": 5, "timestamp": "2026-01-01T00:00:05.000000Z", "status": "ok",
    "from": {"hash": ADDRESS}, "to": {"hash": ADDRESS}, "value": "7", "nonce": 1, "position": 0, "gas_limit": "1",
    "gas_price": "1", "raw_input": "0x", "type": 2,
}  # fmt: skip
PLACES = [
    ("esplora", ESPLORA, path)
    for path in (("txid",), ("vin",), ("vin", 0, "prevout"), ("vin", 0, "prevout", "value"), ("vout",),
                 ("vout", 0, "value"), ("status",), ("status", "block_height"), ("status", "block_hash"),
                 ("status", "block_time"))
] + [
    ("txlist", ETHERSCAN, (name,)) for name in ETHERSCAN if name not in ("isError", "txreceipt_status")
] + [
    ("transactions", BLOCKSCOUT, (name,)) for name in ("hash", "block_number", "timestamp", "from", "to", "value")
] + [
    ("token-transfers", transfer(7, 0), path)
    for path in (("transaction_hash",), ("log_index",), ("block_number",), ("timestamp",), ("token",), ("total",),
                 ("total", "value"), ("token", "address_hash"), ("from", "hash"))
]  # fmt: skip
"""Explorer's listing, a record as it answers it, and a member that is read."""


class Says:
    """An explorer that answers with these records, and then with no more."""

    def __init__(self) -> None:
        self.records: list = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        if request.path.endswith("/status"):
            return web.json_response({"confirmed": True})
        page = [] if "/chain/" in request.path else self.records
        if "/v2/addresses/" in request.path:
            return web.json_response({"items": page, "next_page_params": None})
        if "/v2/api" in request.path:
            return web.json_response({"status": "1", "message": "OK", "result": page})
        return web.json_response(page)


@pytest.fixture(scope="module")
def server():
    handler = Says()
    with in_thread(handler) as url:
        handler.url = url
        yield handler


def read(server: Says, listing: str, record: object) -> tuple[list, set[str]]:
    """Rows that the explorer's listing brings, and the members nobody knows."""
    server.records = [record]
    if listing == "esplora":
        explorer, arguments = explorers.Esplora(server.url), ("txs", ADDRESS, {})
    elif listing == "txlist":
        explorer, arguments = etherscan.Etherscan(server.url, "key"), (listing, ADDRESS, {})
    else:
        explorer, arguments = blockscout.Blockscout(server.url), (listing, ADDRESS, {})
    with explorer.vendor:
        extracts = explorer.listing(*arguments)
    if not extracts:
        return [], explorer.added
    (extract,) = extracts
    counted = {total.table: sum(total.rows.values()) for total in extract.totals}
    assert {table: len(rows) for table, rows in extract.rows.items()} == {t: counted.get(t, 0) for t in extract.rows}
    return [row for rows in extract.rows.values() for row in rows], explorer.added


def changed(record: dict, path: tuple, change) -> dict:
    """A copy of the record in which `change` was made to the holder of the last step of the path."""
    copy = deepcopy(record)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return copy


@pytest.mark.parametrize(
    ("listing", "record"), list({listing: (listing, record) for listing, record, _ in PLACES}.values())
)
def test_an_answer_as_promised_is_read_and_a_new_member_noted(server, listing, record):
    assert read(server, listing, record)[0]
    rows, added = read(server, listing, record | {"somethingNew": [1]})
    assert rows and len(added) == 1 and added.pop().endswith(".somethingNew")


@pytest.mark.parametrize(("listing", "record", "path"), PLACES)
def test_a_member_that_is_gone_stops_the_feed_with_its_name(server, listing, record, path):
    with pytest.raises(VendorError, match="no longer answers as its contract says"):
        read(server, listing, changed(record, path, lambda holder, step: holder.pop(step)))


@given(place=st.sampled_from(PLACES), value=JSON)
@settings(max_examples=60, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_no_value_of_a_member_is_an_error_other_than_a_changed_contract(server, place, value):
    listing, record, path = place
    try:
        read(server, listing, changed(record, path, lambda holder, step: holder.__setitem__(step, value)))
    except VendorError as error:
        assert "no longer answers as its contract says" in str(error)
