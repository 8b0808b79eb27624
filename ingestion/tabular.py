"""Canonical tables: their declaration, and reading the files that hold them as they are.

Belongs here: columns and their rules, CSV and Parquet into Arrow without interpreting a value. Whether a value is
good is `validation.py`'s to say.
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from ingestion.deliveries import LONGEST_LINE, DeliveryError, refuse_long_lines
from ingestion.records import AMOUNT, MONEY, TIMESTAMP

PIECE_ROWS = 1 << 20
"""A Parquet file with more rows is read some row groups at a time."""
LARGEST_ROW_GROUP = 16 << 20
"""Rows; a row group is read whole."""
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


def pieces(path: Path) -> list[tuple[range | None, int]]:
    """The parts in which a file is read, so that memory does not grow with it: row groups of a Parquet file (None for
    all of a file), and the number of the first record. Raises DeliveryError for a Parquet file that cannot be read or
    has a row group too large to be read."""
    if path.suffix != ".parquet":
        return [(None, 1)]
    try:
        footer = pq.read_metadata(path)
        rows = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DeliveryError(f"{path} cannot be read as Parquet ({_said(error)}).") from error
    if max(rows, default=0) > LARGEST_ROW_GROUP:
        raise DeliveryError(
            f"{path} has a row group of {max(rows):,} rows: write row groups of {LARGEST_ROW_GROUP:,} rows at most."
        )
    if sum(rows) <= PIECE_ROWS:
        return [(None, 1)]
    found, start, first, number = [], 0, 1, 1
    for group, count in enumerate(rows):
        if group > start and number + count - first > PIECE_ROWS:
            found.append((range(start, group), first))
            start, first = group, number
        number += count
    return [*found, (range(start, len(rows)), first)]


def read(
    path: Path, table: Table, row_groups: range | None = None
) -> tuple[pa.Table, list[int] | None, list[MalformedRow]]:
    """The file's columns in the declared order, values untouched: a CSV's as binary (null where the field is empty),
    a Parquet file's in their stored type (text as binary). Second, the record numbers where they are not simply
    1..n (None when they are); third, CSV rows that have no shape.

    Of a Parquet file, only `row_groups` where they are given. Raises DeliveryError when the file cannot be read, or its
    columns are not exactly the declared ones."""
    if path.suffix == ".parquet":
        return _read_parquet(path, table, row_groups), None, []
    return _read_csv(path, table)


def _read_csv(path: Path, table: Table) -> tuple[pa.Table, list[int] | None, list[MalformedRow]]:
    is_utf8 = _refuse_unreadable(path)
    malformed: list[MalformedRow] = []

    def keep(row: pv.InvalidRow) -> str:
        reason = f"the row has {row.actual_columns} fields, the header has {row.expected_columns}"
        text = row.text if is_utf8 else row.text.encode("latin-1").decode("utf-8", "backslashreplace")
        malformed.append(MalformedRow(row.number - 1, text.replace("\0", "\\x00"), reason))
        return "skip"

    try:
        read = pv.read_csv(
            path,
            # With threads a malformed row has no number. Arrow loses a malformed row that is not UTF-8: a file that is
            # not is read as if each byte were a character, and gets its bytes back below.
            pv.ReadOptions(use_threads=False, block_size=LONGEST_LINE, encoding="utf8" if is_utf8 else "latin-1"),
            pv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            pv.ConvertOptions(
                column_types={column.name: pa.binary() if is_utf8 else pa.string() for column in table.columns},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise DeliveryError(f"{path} cannot be read as CSV ({_said(error)}): see the file format guide.") from error
    read = _declared(path, table, read)
    if not is_utf8:
        read = pa.table([_bytes(column) for column in read.columns], names=read.column_names)
    if not malformed:
        return read, None, []
    skipped = {row.record_no for row in malformed}
    numbers = [n for n in range(1, read.num_rows + len(skipped) + 1) if n not in skipped]
    return read, numbers, malformed


def _bytes(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if text is None else text.encode("latin-1") for text in column.to_pylist()], pa.binary())


def _said(error: Exception) -> str:
    """Arrow's message without the piece of the file that it quotes, which may be a person's."""
    return str(error).partition(": '")[0].partition("\n")[0][:200]


def _refuse_unreadable(path: Path) -> bool:
    """Whether the file is UTF-8 from beginning to end; in few passes over pages that the system may drop again. Raises
    DeliveryError for what no CSV reader would read as its sender meant it."""
    if path.stat().st_size == 0:
        raise DeliveryError(f"{path} is empty: a file without records still has its header line.")
    refuse_long_lines(path)
    decode, is_utf8, quotes = codecs.getincrementaldecoder("utf-8")(), True, 0
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            if not quotes and stream.tell() == len(piece) and piece[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DeliveryError(f"{path} is UTF-16: write it as UTF-8.")
            quotes += piece.count(b'"')
            if is_utf8:
                try:
                    decode.decode(piece)
                except UnicodeDecodeError:
                    is_utf8 = False
    # An unclosed quote makes every CSV reader swallow the records behind it into one value.
    if quotes % 2:
        raise DeliveryError(f"{path} has a quote that is never closed: write a quote inside a value as two quotes.")
    return is_utf8 and not decode.getstate()[0]


def _read_parquet(path: Path, table: Table, row_groups: range | None) -> pa.Table:
    try:
        file = pq.ParquetFile(path)
        read = file.read() if row_groups is None else file.read_row_groups(row_groups)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DeliveryError(f"{path} cannot be read as Parquet ({_said(error)}).") from error
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
