"""Ethereum tables in the Blockchain ETL schema, from CSV, Parquet or NDJSON, in Arrow from end to end."""

import csv
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from ingestion.deliveries import DeliveryError, refuse_long_lines
from ingestion.onchain.lines import read_lines
from ingestion.onchain.parse import TABLES, Records, Rejected, asset_of, check

SUFFIXES = (".csv", ".parquet", ".json", ".ndjson")


def read(path: Path, table: str, business_date: date, connection: duckdb.DuckDBPyConnection) -> Records:
    """The records of one table in a file; columns beyond the schema are left out, missing ones are null. Raises
    DeliveryError when the file cannot be read or lacks a required column."""
    malformed: list[Rejected] = []
    if path.suffix != ".parquet":
        refuse_long_lines(path)
    if path.stat().st_size == 0:  # what the exporters write for a block range without records
        content = pa.table({column.name: pa.array([], pa.string()) for column in TABLES[table]})
    elif path.suffix == ".parquet":
        content = _parquet(path, table)
    elif path.suffix == ".csv":
        content = _csv(path, table, business_date, malformed)
    else:
        content = _ndjson(path, table, business_date, malformed, connection)
    required = [column.name for column in TABLES[table] if column.required]
    if missing := [name for name in required if name not in content.column_names]:
        raise DeliveryError(f"{path} lacks the column {', '.join(missing)}: export it in the Blockchain ETL schema.")
    skipped = {one.record_no for one in malformed}
    numbers = np.arange(1, content.num_rows + len(skipped) + 1)
    records = check(table, content, numbers[~np.isin(numbers, list(skipped))], business_date)
    records.rejected += malformed
    return records


def _csv(path: Path, table: str, business_date: date, malformed: list[Rejected]) -> pa.Table:
    def keep(row: pv.InvalidRow) -> str:
        reason = f"the row has {row.actual_columns} fields, the header has {row.expected_columns}"
        malformed.append(
            Rejected(row.number - 1, "malformed_row", reason, row.text, business_date, asset_of(table, None))
        )
        return "skip"

    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
            header = next(csv.reader(stream))
        if "\ufffd" in "".join(header):
            raise DeliveryError(f"{path}: its header is not UTF-8: export it again.")
        wanted = [column.name for column in TABLES[table] if column.name in header]
        return pv.read_csv(
            path,
            pv.ReadOptions(use_threads=False),  # with threads a malformed row has no number
            pv.ParseOptions(invalid_row_handler=keep),
            pv.ConvertOptions(
                column_types={name: pa.string() for name in wanted},
                include_columns=wanted,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise DeliveryError(f"{path} cannot be read as CSV ({error}): export it again.") from error


def _parquet(path: Path, table: str) -> pa.Table:
    try:
        stored = pq.ParquetFile(path)
        wanted = [column.name for column in TABLES[table] if column.name in stored.schema_arrow.names]
        content = stored.read(columns=wanted)
    except (pa.ArrowInvalid, OSError) as error:
        raise DeliveryError(f"{path} cannot be read as Parquet ({error}): export it again.") from error
    columns = [_as_text(path, name, content.column(name)) for name in wanted]
    return pa.table(columns, names=wanted)


def _as_text(path: Path, name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    stored = values.type
    if pa.types.is_dictionary(stored):
        values, stored = values.cast(stored.value_type), stored.value_type
    if pa.types.is_timestamp(stored):
        if stored.tz:
            values = pc.local_timestamp(values.cast(pa.timestamp(stored.unit, "UTC")))
        return values.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_floating(stored):
        # A double holds 53 bits, an amount in wei has up to 256: what was lost at export cannot be found again
        raise DeliveryError(f"{path} stores {name} as {stored}, which cannot hold it exactly: export it as text.")
    text = values.cast(pa.string())
    return pc.replace_substring_regex(text, r"\.0+$", "") if pa.types.is_decimal(stored) else text


def _ndjson(
    path: Path, table: str, business_date: date, malformed: list[Rejected], connection: duckdb.DuckDBPyConnection
) -> pa.Table:
    columns = {column.name: "VARCHAR" for column in TABLES[table]}
    query = "select * from read_json($path, format='newline_delimited', columns=$columns)"
    try:
        return connection.sql(query, params={"path": str(path), "columns": columns}).to_arrow_table()
    except duckdb.Error:
        good, bad = read_lines(path, table, business_date)
        malformed += bad
        names = list(columns)
        return pa.table({n: pa.array([line.get(n) for line in good], pa.string()) for n in names})
