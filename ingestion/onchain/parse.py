"""Tables of the on-chain feed and the rules their values follow, for whole columns at a time.

Belongs here: what a value may be, in the Blockchain ETL schemas (ethereum-etl, bitcoin-etl). Files are read in `bulk`
and `bitcoin`, recorded JSON-RPC bodies in `rpc`, control totals on an independent path in `count`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.records import TIMESTAMP

WEI = 18  # decimals of ether: value / 10^18
SATOSHI = 8


@dataclass(frozen=True)
class Kind:
    """What a column's text may be: a pattern it must match as a whole, the type it becomes, and how to say it."""

    pattern: str
    type: pa.DataType
    says: str


HASH = Kind("0x[0-9a-fA-F]{64}", pa.string(), "0x and 64 hex digits")
ADDRESS = Kind("0x[0-9a-fA-F]{40}", pa.string(), "0x and 40 hex digits")
HEX = Kind("0x[0-9a-fA-F]*", pa.string(), "0x and hex digits")
INTEGER = Kind("[0-9]{1,18}", pa.int64(), "a whole number")
# 38 digits of wei are more ether than there is; 78 digits are 2^256, the largest token amount there can be
WEIS = Kind("[0-9]{1,38}", pa.string(), "a whole number of wei")
UINT256 = Kind("[0-9]{1,78}", pa.string(), "a whole number")
SATOSHIS = Kind("[0-9]{1,18}", pa.string(), "a whole number of satoshi")
TEXT = Kind("(?s).*", pa.string(), "text")
BOOLEAN = Kind("(?i)true|false", pa.bool_(), "true or false")
TIME = Kind(
    r"[0-9]{1,11}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?( UTC|Z|\+00(:?00)?)?",
    TIMESTAMP,
    "seconds since 1970 or an existing UTC time",
)


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    required: bool = False


TABLES: dict[str, tuple[Column, ...]] = {
    "ethereum_transactions": (
        Column("hash", HASH, True),
        Column("nonce", INTEGER),
        Column("block_hash", HASH),
        Column("block_number", INTEGER, True),
        Column("transaction_index", INTEGER),
        Column("from_address", ADDRESS),
        Column("to_address", ADDRESS),
        Column("value", WEIS, True),
        Column("gas", INTEGER),
        Column("gas_price", UINT256),
        Column("input", HEX),
        Column("block_timestamp", TIME, True),
        Column("max_fee_per_gas", UINT256),
        Column("max_priority_fee_per_gas", UINT256),
        Column("transaction_type", INTEGER),
        Column("receipt_status", INTEGER),
    ),
    "ethereum_token_transfers": (
        Column("token_address", ADDRESS, True),
        Column("from_address", ADDRESS, True),
        Column("to_address", ADDRESS, True),
        Column("value", UINT256, True),
        Column("transaction_hash", HASH, True),
        Column("log_index", INTEGER, True),
        Column("block_number", INTEGER, True),
        Column("block_timestamp", TIME),
        Column("block_hash", HASH),
    ),
    "bitcoin_inputs": (
        Column("transaction_hash", TEXT, True),
        Column("block_number", INTEGER, True),
        Column("block_hash", TEXT),
        Column("block_timestamp", TIME, True),
        Column("is_coinbase", BOOLEAN),
        Column("index", INTEGER, True),
        Column("type", TEXT),
        Column("address", TEXT),
        Column("value", SATOSHIS),
        Column("spent_transaction_hash", TEXT),
        Column("spent_output_index", INTEGER),
    ),
    "bitcoin_outputs": (
        Column("transaction_hash", TEXT, True),
        Column("block_number", INTEGER, True),
        Column("block_hash", TEXT),
        Column("block_timestamp", TIME, True),
        Column("is_coinbase", BOOLEAN),
        Column("index", INTEGER, True),
        Column("type", TEXT),
        Column("address", TEXT),
        Column("value", SATOSHIS, True),
    ),
    "blocks": (
        Column("chain_code", TEXT, True),
        Column("number", INTEGER, True),
        Column("hash", TEXT, True),
        Column("parent_hash", TEXT),
        Column("block_timestamp", TIME, True),
        Column("transaction_count", INTEGER),
    ),
}
# How the rows came: `file` (an export, a recorded answer) or the live transport.
TRANSPORTS = ("file", "ethereum_rpc", "bitcoin_rpc", "esplora", "etherscan", "blockscout")
_TRANSPORT = pa.field("transport_code", pa.string(), nullable=False)
_READ = {
    table: pa.schema([pa.field(c.name, c.kind.type, nullable=not c.required) for c in columns])
    for table, columns in TABLES.items()
}
SCHEMAS = {table: schema.append(_TRANSPORT) for table, schema in _READ.items()}


class UnusableFile(ValueError):
    """The whole file cannot be used; `code` is the reject's reason code, the message its reason."""

    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


@dataclass
class Rejected:
    """A record that could not be used, with what could still be read of it; `record_hash`: its share of the hash, where
    that is not the one of its columns."""

    record_no: int
    code: str
    reason: str
    raw: dict | str
    event_date: date | None = None
    asset_code: str | None = None
    amount: Decimal | None = None
    record_hash: int | None = None


@dataclass
class Records:
    """One table's part of a file: good rows (typed, without the common columns), their record numbers, rejects."""

    rows: pa.Table
    numbers: np.ndarray
    rejected: list[Rejected] = field(default_factory=list)


def check(table: str, read: pa.Table, numbers: np.ndarray, business_date: date) -> Records:
    """Casts and checks text columns (`block_timestamp` may be a timestamp already) by the table's rules; a column the
    file does not have is null. `numbers` are the record numbers. A reject counts on its block's day, and on
    `business_date` where that cannot be read."""
    count = read.num_rows
    problems: dict[int, list[tuple[str, str]]] = {}
    typed = []
    for column in TABLES[table]:
        stored = _one(read.column(column.name)) if column.name in read.column_names else pa.nulls(count, pa.string())
        values, wrong = _typed(column.kind, stored)
        if column.required:
            for row in np.flatnonzero(stored.is_null().to_numpy(zero_copy_only=False)):
                problems.setdefault(int(row), []).append(("missing_value", f"{column.name} is empty"))
        for row in np.flatnonzero(wrong):
            shown = stored[int(row)].as_py()
            problems.setdefault(int(row), []).append(
                (f"invalid_{column.name}", f"{column.name} {str(shown)[:100]!r} is not {column.kind.says}")
            )
        typed.append(values)
    rows = pa.table(typed, schema=pa.schema([f.with_nullable(True) for f in _READ[table]]))
    if not problems:
        return Records(rows, numbers)
    rejected = [
        _rejected(table, read, rows, row, int(numbers[row]), problems[row], business_date) for row in sorted(problems)
    ]
    good = np.ones(count, dtype=bool)
    good[list(problems)] = False
    return Records(rows.filter(pa.array(good)), numbers[good], rejected)


def amount_of(table: str, value: str | None) -> Decimal | None:
    """The amount a record counts with: ether, bitcoin; a token's decimals are not known here."""
    if value is None or table in ("ethereum_token_transfers", "blocks"):
        return None
    return exact(value, WEI if table == "ethereum_transactions" else SATOSHI)


def exact(units: str | int, decimals: int) -> Decimal:
    """The amount of that many smallest units. Constructed, not computed: arithmetic on Decimal rounds to 28 digits."""
    return Decimal(f"{units}E-{decimals}")


def asset_of(table: str, token_address: str | None) -> str | None:
    """The asset a record counts for: ETH, BTC, or a token's contract; a block counts for none."""
    if table == "blocks":
        return None
    if table == "ethereum_token_transfers":
        return token_address.lower() if token_address else None
    return "ETH" if table == "ethereum_transactions" else "BTC"


def _rejected(
    table: str,
    read: pa.Table,
    rows: pa.Table,
    row: int,
    number: int,
    problems: list[tuple[str, str]],
    business_date: date,
) -> Rejected:
    raw = {name: read.column(name)[row].as_py() for name in read.column_names}
    moment: datetime | None = rows.column("block_timestamp")[row].as_py()
    day = moment.date() if moment else None
    if day is None and (table != "ethereum_token_transfers" or raw.get("block_timestamp") is not None):
        day = business_date
    return Rejected(
        number,
        problems[0][0],
        "; ".join(sentence for _, sentence in problems),
        raw,
        day,
        asset_of(table, raw.get("token_address")),
        amount_of(table, None if table == "blocks" else rows.column("value")[row].as_py()),
    )


def _typed(kind: Kind, stored: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """The values (null where they are wrong) and which are wrong."""
    if not pa.types.is_string(stored.type):
        return stored.cast(kind.type), np.zeros(len(stored), dtype=bool)
    right = pc.fill_null(pc.match_substring_regex(stored, f"^(?:{kind.pattern})$"), True)
    wrong = ~right.to_numpy(zero_copy_only=False)
    text = pc.if_else(pa.array(wrong), None, stored) if wrong.any() else stored
    if kind is TIME:
        values = _times(text)
        return values, wrong | (values.is_null().to_numpy(zero_copy_only=False) & stored.is_valid().to_numpy(False))
    if kind is BOOLEAN:
        return pc.equal(pc.utf8_lower(text), "true"), wrong
    return text.cast(kind.type), wrong


def _times(text: pa.Array) -> pa.Array:
    """Naive UTC; null where a text of the right form is no existing time."""
    seconds = pc.match_substring_regex(text, "^[0-9]+$")
    from_seconds = pc.if_else(seconds, text, None).cast(pa.int64()).cast(pa.timestamp("s")).cast(TIMESTAMP)
    iso = pc.if_else(seconds, None, text)
    if iso.null_count == len(iso):
        return from_seconds
    plain = pc.replace_substring_regex(iso, r"( UTC|Z|\+00(:?00)?)$", "")
    plain = pc.replace_substring_regex(plain, r"(\.[0-9]{6})[0-9]+$", r"\1")
    try:
        written = plain.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        written = pa.array([_time_or_none(value) for value in plain.to_pylist()], TIMESTAMP)
    return pc.coalesce(from_seconds, written)


def _time_or_none(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
