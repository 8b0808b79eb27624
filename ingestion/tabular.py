"""Canonical tables: their declaration, and reading the files that hold them as they are.

Belongs here: columns and their rules, CSV and Parquet into Arrow without interpreting a value. Whether a value is
good is `validation.py`'s to say.
"""

import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from ingestion.deliveries import DeliveryError
from ingestion.records import AMOUNT, MONEY, TIMESTAMP

TEXT = pa.string()
DATE = pa.date32()
BOOLEAN = pa.bool_()
__all__ = ["AMOUNT", "BOOLEAN", "DATE", "MONEY", "TEXT", "TIMESTAMP", "Column", "MalformedRow", "Table", "read"]


@dataclass(frozen=True)
class Column:
    """A column of a canonical table and what a value of it may be. `minimum` is "any", "zero" (>= 0) or "positive"
    (> 0); `pattern` is an RE2 pattern the whole text must match, `pattern_name` how to say it in a sentence."""

    name: str
    type: pa.DataType = TEXT
    required: bool = False
    codes: tuple[str, ...] = ()
    pattern: str | None = None
    pattern_name: str = ""
    minimum: str = "any"
    is_asset: bool = False


@dataclass(frozen=True)
class Table:
    """A canonical table. `key`, `event`, `asset` and `amount` name the columns its control totals are made of; the
    record hash takes the key columns joined by `:`. `addresses` names the columns that hold addresses of the chain in
    `chain_code`."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event: str
    asset: str | None = None
    amount: str | None = None
    addresses: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The raw table's columns: the declared ones, and what the loader says about the addresses of a row."""
        said = [pa.field("bad_checksums", TEXT)] if self.addresses else []
        return pa.schema([*(pa.field(c.name, c.type, nullable=not c.required) for c in self.columns), *said])


@dataclass(frozen=True)
class MalformedRow:
    """A CSV line whose number of fields is not the header's; `record_no` counts records from 1."""

    record_no: int
    text: str
    reason: str


def read(path: Path, table: Table) -> tuple[pa.Table, list[int] | None, list[MalformedRow]]:
    """The file's columns in the declared order, values untouched: a CSV's as binary (null where the field is empty),
    a Parquet file's in their stored type (text as binary). Second, the record numbers where they are not simply
    1..n (None when they are); third, CSV rows that have no shape.

    Raises DeliveryError when the file cannot be read, or its columns are not exactly the declared ones."""
    if path.suffix == ".parquet":
        return _read_parquet(path, table), None, []
    return _read_csv(path, table)


def _read_csv(path: Path, table: Table) -> tuple[pa.Table, list[int] | None, list[MalformedRow]]:
    _refuse_unreadable(path)
    malformed: list[MalformedRow] = []

    def keep(row: pv.InvalidRow) -> str:
        reason = f"the row has {row.actual_columns} fields, the header has {row.expected_columns}"
        malformed.append(MalformedRow(row.number - 1, row.text, reason))
        return "skip"

    try:
        read = pv.read_csv(
            path,
            pv.ReadOptions(use_threads=False, block_size=16 << 20),  # with threads a malformed row has no number
            pv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            pv.ConvertOptions(
                column_types={column.name: pa.binary() for column in table.columns},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise DeliveryError(f"{path} cannot be read as CSV ({error}): see the file format guide.") from error
    read = _declared(path, table, read)
    if not malformed:
        return read, None, []
    skipped = {row.record_no for row in malformed}
    numbers = [n for n in range(1, read.num_rows + len(skipped) + 1) if n not in skipped]
    return read, numbers, malformed


def _refuse_unreadable(path: Path) -> None:
    if path.stat().st_size == 0:
        raise DeliveryError(f"{path} is empty: a file without records still has its header line.")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DeliveryError(f"{path} is UTF-16: write it as UTF-8.")
        quotes = sum(data[at : at + (1 << 24)].count(b'"') for at in range(0, len(data), 1 << 24))
    # An unclosed quote makes every CSV reader swallow the records behind it into one value.
    if quotes % 2:
        raise DeliveryError(f"{path} has a quote that is never closed: write a quote inside a value as two quotes.")


def _read_parquet(path: Path, table: Table) -> pa.Table:
    try:
        read = pq.ParquetFile(path).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise DeliveryError(f"{path} cannot be read as Parquet ({error}).") from error
    read = _declared(path, table, read)
    columns = [_storable(path, column, read.column(column.name)) for column in table.columns]
    return pa.table(columns, names=read.column_names)


def _declared(path: Path, table: Table, read: pa.Table) -> pa.Table:
    names = [column.name for column in table.columns]
    missing = [name for name in names if name not in read.column_names]
    unknown = [name for name in read.column_names if name not in names]
    twice = sorted({name for name in read.column_names if read.column_names.count(name) > 1})
    for problem, found, remedy in (
        ("lacks the column", missing, "add it (empty where there is no value)"),
        ("has the unknown column", unknown, "take it out or rename it"),
        ("has more than once the column", twice, "keep one"),
    ):
        if found:
            raise DeliveryError(f"{path} {problem} {', '.join(found)}: {remedy}; {table.name} has {', '.join(names)}.")
    return read.select(names)


def _storable(path: Path, column: Column, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A Parquet column, if its stored type can hold the declared one without loss."""
    stored = values.type
    if pa.types.is_dictionary(stored):
        values = pc.cast(values, stored.value_type)
        stored = values.type
    if pa.types.is_string(stored) or pa.types.is_large_string(stored) or pa.types.is_string_view(stored):
        return pc.cast(pc.if_else(pc.equal(values, ""), None, values), pa.binary())
    declared = column.type
    fits = (
        pa.types.is_null(stored)
        or (pa.types.is_decimal(declared) and (pa.types.is_decimal(stored) or pa.types.is_integer(stored)))
        or (pa.types.is_timestamp(declared) and pa.types.is_timestamp(stored))
        or (pa.types.is_date32(declared) and pa.types.is_date32(stored))
        or (pa.types.is_boolean(declared) and pa.types.is_boolean(stored))
    )
    if not fits:
        raise DeliveryError(
            f"{path} stores {column.name} as {stored}: store it as {type_name(declared)}, "
            "or as text written like in CSV."
        )
    return pc.cast(values, pa.binary()) if pa.types.is_null(stored) else values


def type_name(declared: pa.DataType) -> str:
    """The declared type in the words of the file format guide."""
    if pa.types.is_decimal(declared):
        return f"decimal({declared.precision},{declared.scale})"
    if pa.types.is_timestamp(declared):
        return "timestamp"
    return {TEXT: "text", DATE: "date", BOOLEAN: "boolean"}[declared]


def stack(parts: Iterable[pa.Table]) -> pa.Table:
    """One table of parts of one schema, each column in one chunk (vectorised rules run once, not once a file)."""
    return pa.concat_tables(parts).combine_chunks()
