"""Bitcoin transactions in the Blockchain ETL schema (NDJSON), flattened to one row per input and per output."""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from ingestion.deliveries import refuse_long_lines
from ingestion.onchain.lines import read_lines
from ingestion.onchain.parse import TABLES, Records, Rejected, check

PUTS = ("bitcoin_inputs", "bitcoin_outputs")
_TRANSACTION = ("block_number", "block_hash", "block_timestamp", "is_coinbase")
_PUT = "index VARCHAR, type VARCHAR, addresses VARCHAR[], value VARCHAR"
_COLUMNS = {
    "hash": "VARCHAR",
    "block_number": "VARCHAR",
    "block_hash": "VARCHAR",
    "block_timestamp": "VARCHAR",
    "is_coinbase": "VARCHAR",
    "inputs": f"STRUCT({_PUT}, spent_transaction_hash VARCHAR, spent_output_index VARCHAR)[]",
    "outputs": f"STRUCT({_PUT})[]",
}
_SPENT = ("spent_transaction_hash", "spent_output_index")


def read(path: Path, business_date: date, connection: duckdb.DuckDBPyConnection) -> dict[str, Records]:
    """Inputs and outputs by table. Several addresses of one output (bare multi-signature) are joined by ";". A line
    that is no record is a reject of bitcoin_outputs: every transaction has outputs."""
    refuse_long_lines(path)
    if path.stat().st_size == 0:
        return {
            table: _checked(table, _empty(table), [], business_date) for table in ("bitcoin_inputs", "bitcoin_outputs")
        }
    try:
        found = {table: _flatten(connection, path, table) for table in PUTS}
        malformed: list[Rejected] = []
    except duckdb.Error:
        lines, malformed = read_lines(path, "bitcoin_outputs", business_date)
        _number(malformed, lines)
        found = {table: _flatten_lines(lines, table) for table in PUTS}
    return {
        table: _checked(table, content, malformed if table == "bitcoin_outputs" else [], business_date)
        for table, content in found.items()
    }


def _checked(table: str, content: pa.Table, malformed: list[Rejected], business_date: date) -> Records:
    places = np.arange(1, content.num_rows + len(malformed) + 1)
    taken = [one.record_no for one in malformed]
    records = check(table, content, np.setdiff1d(places, taken), business_date)
    records.rejected += malformed
    return records


def _number(malformed: list[Rejected], lines: list[dict]) -> None:
    """Numbers the lines that are no records among the outputs of the others: each takes the place of one output."""
    outputs = [len(puts) if isinstance(puts := line.get("outputs"), list) else 0 for line in lines]
    for earlier, one in enumerate(malformed):
        before = one.record_no - 1 - earlier  # good lines in front of it
        one.record_no = sum(outputs[:before]) + earlier + 1


def _flatten(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> pa.Table:
    puts = table.removeprefix("bitcoin_")
    spent = "".join(f", put.{name}" for name in _SPENT) if puts == "inputs" else ""
    query = f"""
        with transactions as (
            select *, row_number() over () as position
            from read_json($path, format='newline_delimited', columns=$columns)
        ),
        puts as (
            select * exclude (inputs, outputs), unnest({puts}) as put, generate_subscripts({puts}, 1) as place
            from transactions
        )
        select
            hash as transaction_hash, block_number, block_hash, block_timestamp, is_coinbase,
            put.index, put.type, nullif(array_to_string(put.addresses, ';'), '') as address, put.value {spent}
        from puts
        order by position, place
    """  # noqa: S608 (names of this module)
    return connection.sql(query, params={"path": str(path), "columns": _COLUMNS}).to_arrow_table()


def _flatten_lines(lines: list[dict], table: str) -> pa.Table:
    rows = []
    for line in lines:
        for put in line.get(table.removeprefix("bitcoin_")) or []:
            put = put if isinstance(put, dict) else {}
            addresses = put.get("addresses")
            rows.append(
                {
                    **{
                        name: line.get(name)
                        for name in ("block_number", "block_hash", "block_timestamp", "is_coinbase")
                    },
                    **{name: put.get(name) for name in ("index", "type", "value", *_SPENT)},
                    "transaction_hash": line.get("hash"),
                    "address": ";".join(str(a) for a in addresses) or None if isinstance(addresses, list) else None,
                }
            )
    return pa.table({c.name: pa.array([_scalar(row.get(c.name)) for row in rows], pa.string()) for c in TABLES[table]})


def _scalar(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _empty(table: str) -> pa.Table:
    return pa.table({column.name: pa.array([], pa.string()) for column in TABLES[table]})
