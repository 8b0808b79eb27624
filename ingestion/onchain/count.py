"""Control totals of on-chain files on a path of their own: nothing here is what the loader parses with.

CSV is read with Python's csv module, Parquet by DuckDB (and must agree with its footer), NDJSON line by line, JSON-RPC
bodies with DuckDB's JSON functions. What counts as a time and an amount is written again.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion import bounded, wire
from ingestion.control_totals import RECORD_HASH_SQL, record_hash
from ingestion.deliveries import DeliveryError, refuse_long_lines
from ingestion.onchain.rpc import TRANSFER

_PLACE = re.compile(r"[0-9]{1,18}")
_DIGITS = re.compile(r"[0-9]{1,38}")
_SECONDS = re.compile(r"[0-9]{1,11}")
_WRITTEN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?( UTC|Z|\+00(:?00)?)?")
_SCALES = {"ethereum_transactions": 18, "bitcoin_inputs": 8, "bitcoin_outputs": 8}
_ASSETS = {"ethereum_transactions": "ETH", "bitcoin_inputs": "BTC", "bitcoin_outputs": "BTC"}
_KEYS = {
    "ethereum_transactions": ("hash",),
    "ethereum_token_transfers": ("transaction_hash", "log_index", "value"),
    "bitcoin_inputs": ("transaction_hash", "index"),
    "bitcoin_outputs": ("transaction_hash", "index"),
}
_NUMBERS = ("log_index", "index")
_WORD = 64
Key = tuple[date | None, str | None]


class Totals:
    """Rows, amount (None where the table has none) and record hash by event day and asset of one table."""

    def __init__(self, table: str):
        self.table = table
        self.rows: dict[Key, int] = defaultdict(int)
        self.hashes: dict[Key, int] = defaultdict(int)
        self._units: dict[Key, int] = defaultdict(int)

    def add(self, day: date | None, asset: str | None, value: str | None, digest: int, rows: int = 1) -> None:
        """Counts `rows` records of a value together; `digest` is the sum of their shares of the hash (see `share`)."""
        key = (day, _ASSETS.get(self.table, asset))
        self.rows[key] += rows
        self.hashes[key] += digest
        self._units[key] += int(value) if value is not None and _DIGITS.fullmatch(value) else 0

    def amount(self, key: Key) -> Decimal | None:
        return Decimal(f"{self._units[key]}E-{_SCALES[self.table]}") if self.table in _SCALES else None


def share(table: str, record: Mapping[str, str | None] | None) -> int:
    """The share of the hash that a record in the Blockchain ETL schema has, by its text; None: one without shape."""
    if record is None:
        return record_hash("", None)
    said = [_plain(record.get(name)) if name in _NUMBERS else record.get(name) for name in _KEYS[table]]
    return keyed(table, said, record.get("value"))


def keyed(table: str, parts: Iterable[str | None], value: str | None) -> int:
    """The same of a record with this key and this value in smallest units."""
    amount = None
    if table in _SCALES and value is not None and _DIGITS.fullmatch(value):
        amount = Decimal(f"{value}E-{_SCALES[table]}")
    return record_hash(wire.key(*parts).lower(), amount)


def transaction_share(transaction: object) -> int:
    """The same of a transaction as a node answers it."""
    value = _hex(wire.said(transaction, "value"))
    return keyed("ethereum_transactions", [wire.said(transaction, "hash")], None if value is None else str(value))


def log_share(log: object) -> int:
    """The same of the log of a token transfer: its value is the third word behind the event's own."""
    data = (wire.said(log, "data") or "0x")[2:]
    words = [*wire.listed(log, "topics")[1:], *(data[at : at + _WORD] for at in range(0, len(data), _WORD))]
    value = _hex(words[2]) if len(words) > 2 and isinstance(words[2], str) else None
    numbers = [None if number is None else str(number) for number in (_hex(wire.said(log, "logIndex")), value)]
    return keyed("ethereum_token_transfers", [wire.said(log, "transactionHash"), *numbers], None)


def bulk(path: Path, table: str, business_date: date) -> Totals:
    """Totals of an Ethereum table in the Blockchain ETL schema."""
    totals = Totals(table)
    for record in _records(path):
        if record is None:
            totals.add(business_date, None, None, share(table, None))
            continue
        contract = record.get("token_address")
        undated = business_date if table in _SCALES else None  # a token transfer may lack its time
        totals.add(
            _day(record.get("block_timestamp"), business_date, undated),
            contract.lower() if contract else None,
            record.get("value"),
            share(table, record),
        )
    return totals


def bitcoin(path: Path, business_date: date) -> dict[str, Totals]:
    """Totals of bitcoin transactions from what each record states of itself (input_count, output_value and so on),
    else from its lists; the hash is over the lists."""
    totals = {name: Totals(f"bitcoin_{name}") for name in ("inputs", "outputs")}
    for record in _ndjson(path):
        if record is None:
            totals["outputs"].add(business_date, None, None, share("bitcoin_outputs", None))
            continue
        day = _day(record.get("block_timestamp"), business_date, business_date)
        for name, total in totals.items():
            puts = record.get(name) or []
            stated = record.get(f"{name[:-1]}_count")
            count = int(stated) if isinstance(stated, str) and stated.isdecimal() else len(puts)
            if count:
                value = record.get(f"{name[:-1]}_value")
                digest = sum(_put_share(total.table, record, put) for put in puts)
                total.add(day, None, value if value is not None else _sum(puts), digest, count)
    return {total.table: total for total in totals.values()}


def rpc(raw: bytes, block_times: Mapping[int, int]) -> dict[str, Totals]:
    """Totals of a JSON-RPC body: its transactions, and its logs of the Transfer event on the day of their block."""
    totals = {name: Totals(name) for name in ("ethereum_transactions", "ethereum_token_transfers")}
    with duckdb.connect() as connection:
        connection.execute(
            """
            create temp table answer as
            select unnest(case json_type(body) when 'ARRAY' then cast(body as json[]) else [body] end) as body
            from (select cast($body as json) as body)
            """,
            {"body": raw.decode(json.detect_encoding(raw))},
        )
        blocks = connection.execute(
            """
            select body->>'$.result.timestamp', cast(transaction as varchar)
            from answer, unnest(json_extract(body, '$.result.transactions[*]')) as listed(transaction)
            """
        ).fetchall()
        logs = connection.execute(
            """
            select log->>'$.address', log->>'$.blockNumber', log->>'$.blockTimestamp', cast(log as varchar)
            from answer, unnest(
                json_extract(body, '$.result[*]') || json_extract(body, '$.result.logs[*]')
                || json_extract(body, '$.result[*].logs[*]')
            ) as listed(log)
            where lower(log->>'$.topics[0]') = $transfer
            """,
            {"transfer": TRANSFER},
        ).fetchall()
    for seconds, text in blocks:
        transaction = wire.document(text)
        wei = _hex(wire.said(transaction, "value"))
        totals["ethereum_transactions"].add(
            _day(str(_hex(seconds)), date.min, None),
            None,
            None if wei is None else str(wei),
            transaction_share(transaction),
        )
    for address, number, stated, log in logs:
        seconds = _hex(stated)
        seconds = block_times.get(_hex(number)) if seconds is None else seconds
        day = None if seconds is None else datetime.fromtimestamp(seconds, UTC).date()
        digest = log_share(wire.document(log))
        totals["ethereum_token_transfers"].add(day, address.lower() if address else None, None, digest)
    return totals


def ethereum_blocks(raw: bytes) -> Totals:
    """Blocks in a JSON-RPC body (a list of answers) by day."""
    totals = Totals("blocks")
    query = """
        select body->>'$.result.timestamp', body->>'$.result.number', body->>'$.result.hash'
        from answer where (body->'$.result.transactions') is not null
    """
    for seconds, number, block_hash in _answers(raw, query):
        digest = keyed("blocks", [str(_hex(number)), block_hash], None)
        totals.add(_day(str(_hex(seconds)), date.min, None), None, None, digest)
    return totals


def bitcoin_blocks(raw: bytes) -> list[Totals]:
    """Blocks, inputs and outputs in a list of `getblock` answers by day. Up to 90 million coins a double holds every
    satoshi."""
    blocks = Totals("blocks")
    query = "select body->>'$.result.time', body->>'$.result.height', body->>'$.result.hash' from answer"
    for seconds, number, block_hash in _answers(raw, query):
        blocks.add(_day(seconds, date.min, None), None, None, keyed("blocks", [number, block_hash], None))
    transactions = """
        select body->>'$.result.time' as seconds, tx
        from answer, unnest(json_extract(body, '$.result.tx[*]')) as listed(tx)
    """
    satoshi = "cast(round(cast({} as double) * 1e8) as hugeint)"
    return [blocks, *_puts(raw, transactions, satoshi, "(put->'$.coinbase') is null")]


def esplora(raw: bytes) -> list[Totals]:
    """Blocks (by distinct hash), inputs and outputs in a list of Esplora's transactions by day."""
    distinct = """
        select distinct body->>'$.status.block_hash', body->>'$.status.block_time', body->>'$.status.block_height'
        from answer
    """
    blocks = Totals("blocks")
    for block_hash, seconds, number in _answers(raw, distinct):
        blocks.add(_day(seconds, date.min, None), None, None, keyed("blocks", [number, block_hash], None))
    transactions = "select body->>'$.status.block_time' as seconds, body as tx from answer"
    is_spending = "coalesce(put->>'$.is_coinbase', 'false') <> 'true'"
    return [blocks, *_puts(raw, transactions, "cast({} as hugeint)", is_spending)]


def _puts(raw: bytes, transactions: str, satoshi: str, is_spending: str) -> list[Totals]:
    """Inputs and outputs by day of what the query `transactions` (columns seconds, tx) finds in a list of answers.
    `satoshi` makes them of a value, `is_spending` is true of an input or output that counts. The hashes are summed up
    where the answers are read: a block has thousands of them."""
    found = []
    for table, place, value in (
        ("bitcoin_inputs", "vin", "put->>'$.prevout.value'"),
        ("bitcoin_outputs", "vout", "put->>'$.value'"),
    ):
        totals = Totals(table)
        amount = "satoshi // 100000000 || '.' || lpad(cast(satoshi % 100000000 as varchar), 8, '0') || '0000000000'"
        digest = RECORD_HASH_SQL.format(f"lower(coalesce(txid, '')) || ':' || place || '|' || coalesce({amount}, '')")
        query = f"""
            with puts as (
                select
                    seconds, tx->>'$.txid' as txid, unnest(json_extract(tx, '$.{place}[*]')) as put,
                    generate_subscripts(json_extract(tx, '$.{place}[*]'), 1) - 1 as place
                from ({transactions})
            )
            select seconds, count(*), sum(satoshi), sum({digest})
            from (select *, {satoshi.format(value)} as satoshi from puts where {is_spending})
            group by 1
        """  # noqa: S608 (names of this module)
        for seconds, rows, total, shares in _answers(raw, query):
            day = _day(seconds, date.min, None)
            totals.add(day, None, None if total is None else str(total), int(shares), rows)
        found.append(totals)
    return found


def listed(raw: bytes, table: str, seconds: str, asset: str, value: str | None, key: tuple[str, ...]) -> Totals:
    """Rows of an explorer's list of records by day; `seconds`, `asset`, `value` and the parts of the `key` are where in
    a record they are."""
    totals = Totals(table)
    query = (
        "select body->>$seconds, body->>$asset, body->>$value, list_transform($key, lambda one: body->>one) from answer"
    )
    places = {"seconds": seconds, "asset": asset, "value": value or "$.none", "key": list(key)}
    for at, contract, amount, parts in _answers(raw, query, places):
        digest = keyed(table, parts, amount)
        totals.add(_day(at, date.min, None), contract.lower() if contract else None, amount, digest)
    return totals


def _answers(raw: bytes, query: str, parameters: Mapping[str, object] | None = None) -> list[tuple]:
    """Rows of a query over `answer` (column body, as JSON): each answer of a list."""
    with duckdb.connect() as connection:
        connection.execute(
            "create temp table answer as select unnest(cast(cast($body as json) as json[])) as body",
            {"body": raw.decode(json.detect_encoding(raw))},
        )
        return connection.execute(query, parameters or {}).fetchall()


def newest_time(path: Path) -> datetime | None:
    """The newest block time in a Blockchain ETL file."""
    if path.suffix != ".parquet":
        refuse_long_lines(path)
    times = [_time(record.get("block_timestamp")) for record in _records(path) if record is not None]
    return max((time for time in times if time is not None), default=None)


def _records(path: Path) -> Iterator[dict | None]:
    """Each record as a mapping of text, None for one without shape."""
    if path.stat().st_size == 0:
        return iter(())
    if path.suffix == ".csv":
        return _csv(path)
    return _parquet(path) if path.suffix == ".parquet" else _ndjson(path)


def _csv(path: Path) -> Iterator[dict | None]:
    with path.open(newline="", encoding="utf-8-sig", errors="backslashreplace") as stream:
        lines = bounded.csv_rows(stream)
        header = next(lines, [])
        for line in lines:
            if line:
                yield {n: v or None for n, v in zip(header, line, strict=True)} if len(line) == len(header) else None


def _parquet(path: Path) -> Iterator[dict]:
    footer = pq.read_metadata(path)
    present = {name for name in pq.read_schema(path).names}
    wanted = ("block_timestamp", "value", "token_address", "hash", "transaction_hash", "log_index")
    names = [name for name in wanted if name in present]
    columns = ", ".join(f'cast("{name}" as varchar)' for name in names)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        query = f"select {columns} from read_parquet($path)"  # noqa: S608 (names of this module)
        rows = connection.execute(query, {"path": str(path)}).fetchall()
    if len(rows) != footer.num_rows:
        raise DeliveryError(f"{path}: its footer says {footer.num_rows} rows, it holds {len(rows)}: export it again.")
    for row in rows:
        record = dict(zip(names, row, strict=True))
        for name in ("value", "log_index"):
            if record.get(name) is not None:
                record[name] = re.sub(r"\.0+$", "", record[name])
        yield record


def _ndjson(path: Path) -> Iterator[dict | None]:
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                try:
                    record = bounded.json_of(line, parse_int=str, parse_float=str, parse_constant=str)
                except ValueError:
                    record = None
                yield record if isinstance(record, dict) else None


def _put_share(table: str, record: Mapping, put: object) -> int:
    said = put if isinstance(put, dict) else {}
    return share(
        table, {"transaction_hash": record.get("hash"), "index": said.get("index"), "value": said.get("value")}
    )


def _plain(number: str | None) -> str | None:
    """A whole number as a column of numbers holds it."""
    return str(int(number)) if number is not None and _PLACE.fullmatch(number) else number


def _sum(puts: list) -> str:
    values = [put.get("value") for put in puts if isinstance(put, dict)]
    return str(sum(int(value) for value in values if isinstance(value, str) and value.isdecimal()))


def _day(text: str | None, business_date: date, undated: date | None) -> date | None:
    """The UTC day of a time; the business date where it is no time, `undated` where there is none."""
    if text is None:
        return undated
    time = _time(text)
    return business_date if time is None else time.date()


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    if _SECONDS.fullmatch(text):
        try:
            return datetime.fromtimestamp(int(text), UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            return None
    written = _WRITTEN.fullmatch(text)
    try:
        return datetime.fromisoformat(written.group(1)) if written else None
    except ValueError:
        return None


def _hex(text: str | None) -> int | None:
    try:
        return None if text is None else int(text, 16)
    except ValueError:
        return None
