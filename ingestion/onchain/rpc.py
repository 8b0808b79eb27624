"""Recorded JSON-RPC answers of an Ethereum node: blocks with full transactions, logs, receipts.

Belongs here: reading one answer, a pure function of its bytes, into rows as ethereum-etl exports them (addresses in
lower case, quantities as decimal text). Structure: the Ethereum execution APIs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ingestion import bounded
from ingestion.onchain.parse import UnusableFile

# keccak-256 of Transfer(address,address,uint256)
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_WORD = 64
_YEAR_9999 = 253_402_300_800


class _Unusable(ValueError):
    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


@dataclass
class RejectedItem:
    """A transaction or log that could not be used; `place` is the one it would have among its table's rows, `value` its
    amount in wei where that can be read."""

    table: str
    place: int
    code: str
    reason: str
    raw: object
    block_number: int | None = None
    value: str | None = None


@dataclass
class Answer:
    """What one body brings: rows of the tables (text, without the common columns) in order, rejected items, the time
    of each block it holds (seconds since 1970 by block number), and the status of each receipt by transaction."""

    transactions: list[dict] = field(default_factory=list)
    transfers: list[dict] = field(default_factory=list)
    rejected: list[RejectedItem] = field(default_factory=list)
    block_times: dict[int, int] = field(default_factory=dict)
    blocks: list[dict] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    _refused: Counter[str] = field(default_factory=Counter)

    def reject(self, error: _Unusable, table: str, raw: object, number: int | None, value: str | None = None) -> None:
        """Takes down what is no row of its table, in the place where one would be."""
        rows = self.transactions if table == "ethereum_transactions" else self.transfers
        self._refused[table] += 1
        place = len(rows) + self._refused[table]
        self.rejected.append(RejectedItem(table, place, error.code, str(error), raw, number, value))


def parse(raw: bytes) -> Answer:
    """The answer (or batch of answers) in `raw`. An answer without records (null, a filter's id, true) brings
    nothing. Raises UnusableFile for what is no JSON-RPC answer, or an error answer."""
    try:
        body = bounded.json_of(raw)
    except ValueError as error:
        raise UnusableFile("not_json", f"cannot be read as JSON: {error}") from None
    answer = Answer()
    for one in body if isinstance(body, list) else [body]:
        if not isinstance(one, dict) or not ("result" in one or "error" in one):
            raise UnusableFile("not_json_rpc", "not a JSON-RPC answer: it has neither a result nor an error")
        if "result" not in one:
            raise UnusableFile("rpc_error", f"the node answered with an error: {str(one['error'])[:300]}")
        for item in one["result"] if isinstance(one["result"], list) else [one["result"]]:
            _read(item, answer)
    return answer


def _read(item: object, answer: Answer) -> None:
    if not isinstance(item, dict):
        return
    if isinstance(item.get("transactions"), list):
        _read_block(item, answer)
    elif isinstance(item.get("logs"), list):
        status = _decimal_or_none(item.get("status"))
        if isinstance(item.get("transactionHash"), str) and status is not None:
            answer.statuses[item["transactionHash"].lower()] = int(status)
        for log in item["logs"]:
            _read_log(log, answer)
    elif "topics" in item:
        _read_log(item, answer)
    else:
        known = ", ".join(list(item)[:5])
        raise UnusableFile("unknown_answer", f"neither a block, a log nor a receipt: an object with {known}")


def _read_block(block: dict, answer: Answer) -> None:
    try:
        number, seconds = quantity(block, "number"), quantity(block, "timestamp")
    except _Unusable as error:
        raise UnusableFile(error.code, f"block without number and time: {error}") from None
    if number is None or seconds is None:
        raise UnusableFile("missing_value", "block without number and time (a pending block is not a record)")
    if seconds >= _YEAR_9999:
        raise UnusableFile("invalid_timestamp", f"block time {seconds} is no time in seconds")
    answer.block_times[number] = seconds
    answer.blocks.append(
        {
            "chain_code": "ethereum",
            "number": number,
            "hash": block.get("hash"),
            "parent_hash": block.get("parentHash"),
            "block_timestamp": seconds,
            "transaction_count": len(block["transactions"]),
        }
    )
    for transaction in block["transactions"]:
        try:
            if not isinstance(transaction, dict):
                raise _Unusable(
                    "hash_only_transaction", "the block was asked for without its transactions: ask with `true`"
                )
            answer.transactions.append(_transaction(transaction, seconds))
        except _Unusable as error:
            value = None
            if isinstance(transaction, dict):
                value = _decimal_or_none(transaction.get("value"))
            answer.reject(error, "ethereum_transactions", transaction, number, value)


def _transaction(transaction: dict, seconds: int) -> dict:
    return {
        "hash": transaction.get("hash"),
        "nonce": quantity(transaction, "nonce"),
        "block_hash": transaction.get("blockHash"),
        "block_number": quantity(transaction, "blockNumber"),
        "transaction_index": quantity(transaction, "transactionIndex"),
        "from_address": _lower(transaction.get("from")),
        "to_address": _lower(transaction.get("to")),
        "value": quantity(transaction, "value"),
        "gas": quantity(transaction, "gas"),
        "gas_price": quantity(transaction, "gasPrice"),
        "input": transaction.get("input"),
        "block_timestamp": seconds,
        "max_fee_per_gas": quantity(transaction, "maxFeePerGas"),
        "max_priority_fee_per_gas": quantity(transaction, "maxPriorityFeePerGas"),
        "transaction_type": quantity(transaction, "type"),
    }


def _read_log(log: object, answer: Answer) -> None:
    topics = log.get("topics") if isinstance(log, dict) else None
    if not isinstance(topics, list) or not topics or str(topics[0]).lower() != TRANSFER:
        return
    try:
        answer.transfers.append(_transfer(log, topics))
    except _Unusable as error:
        try:
            number = quantity(log, "blockNumber")
        except _Unusable:
            number = None
        answer.reject(error, "ethereum_token_transfers", log, number)


def _transfer(log: dict, topics: list) -> dict:
    """Sender, receiver and value are the words behind the event's own, wherever the contract put them: ERC-20 has two
    indexed and the value in the data, ERC-721 all three indexed (value is the token's id), old contracts none."""
    if log.get("removed") is True:
        raise _Unusable("removed_log", "the node took the log back with its block (a chain reorganisation)")
    data = log.get("data") or "0x"
    if not isinstance(data, str) or not all(isinstance(topic, str) for topic in topics):
        raise _Unusable("invalid_data", "data and topics must be hex text")
    words = [*topics[1:], *(data[at : at + _WORD] for at in range(2, len(data), _WORD))]
    if len(words) != 3:
        raise _Unusable("not_a_transfer", f"a Transfer has three words behind the event's, this has {len(words)}")
    block_time = quantity(log, "blockTimestamp")
    return {
        "token_address": _lower(log.get("address")),
        "from_address": _address(words[0]),
        "to_address": _address(words[1]),
        "value": _number(words[2], "value"),
        "transaction_hash": log.get("transactionHash"),
        "log_index": quantity(log, "logIndex"),
        "block_number": quantity(log, "blockNumber"),
        "block_timestamp": block_time,
        "block_hash": log.get("blockHash"),
    }


def quantity(holder: Mapping, name: str) -> int | None:
    """A hex quantity of the JSON-RPC; None where it is missing or null."""
    value = holder.get(name)
    return None if value is None else _number(value, name)


def _number(value: object, name: str) -> int:
    try:
        if isinstance(value, str):
            return int(value, 16)
    except ValueError:
        pass
    raise _Unusable(f"invalid_{name}", f"{name} {str(value)[:100]!r} is not a hex quantity")


def _decimal_or_none(value: object) -> str | None:
    try:
        return str(_number(value, "value"))
    except _Unusable:
        return None


def _address(word: str) -> str:
    return "0x" + word[-40:].lower()


def _lower(address: object) -> object:
    return address.lower() if isinstance(address, str) else address


def block_times(bodies: Iterator[bytes]) -> dict[int, int]:
    """Block times of all the bodies that can be read."""
    times: dict[int, int] = {}
    for raw in bodies:
        try:
            times.update(parse(raw).block_times)
        except UnusableFile:
            continue
    return times
