"""Raw tables filled by hand from a list of rows, with the control totals their sources would state."""

from pathlib import Path

import duckdb
import yaml

FEEDS = (
    "exchange", "kyc", "bank", "onchain", "chainalysis", "trm", "elliptic", "watchlists",
    "cases", "tagpacks", "prices", "travel_rule", "behaviour",
)  # fmt: skip
FIXTURES = Path(__file__).parent / "fixtures"
REPOSITORY = Path(__file__).resolve().parents[1]


def fill(connection: duckdb.DuckDBPyConnection, rows: list[dict], load_id: str, *, completed: bool = True) -> None:
    """Inserts the rows (table, known_at, row, and total where the source states day, asset or amount) as one load of
    all feeds. A load that is not completed is missing from `_dlt_loads`, as after a crash."""
    if completed:
        for feed in FEEDS:
            _insert(connection, f"raw_{feed}._dlt_loads", _load(load_id, feed))
    for number, entry in enumerate(rows, 1):
        feed, table = entry["table"].split(".")
        common = {
            "_known_at": entry["known_at"],
            "_extract_id": f"{table}@{entry['known_at']}",
            "_record_no": number,
            "_dlt_load_id": load_id,
        }
        has_answer = feed in ("chainalysis", "trm") and table not in ("categories", "withdrawal_attempts")
        whole_answer = {"answer_json": "{}"} if has_answer or table == "analyses" else {}
        _insert(connection, f"raw_{feed}.{table}", entry["row"] | whole_answer | common)
        event_date, asset_code, amount = entry.get("total", (None, None, None))
        total = {
            "extract_id": common["_extract_id"],
            "feed_code": feed,
            "table_name": table,
            "event_date": event_date,
            "asset_code": asset_code,
            "source_rows": 1,
            "source_amount": amount,
            "captured_by": "independent_count",
            "source_uri": table,
            "known_at": entry["known_at"],
        }
        _insert(connection, f"raw_{feed}.control_totals", total | common)


def allow_missing_values(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes the loaders' NOT NULL off raw tables, so that a row of a test says only what it is about."""
    required = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where starts_with(schema_name, 'raw_') and not is_nullable and not ends_with(schema_name, '_staging')"
    ).fetchall()
    for schema, table, column in required:
        connection.execute(f'alter table {schema}.{table} alter column "{column}" drop not null')


def awkward_rows() -> list[dict]:
    return yaml.safe_load((FIXTURES / "awkward_rows.yml").read_text())


def _load(load_id: str, feed: str) -> dict:
    return {
        "load_id": load_id,
        "schema_name": feed,
        "status": 0,
        "inserted_at": "2026-01-01",
        "schema_version_hash": "test",
    }


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict) -> None:
    columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    connection.execute(f"insert into {table} ({columns}) values ({marks})", list(row.values()))  # noqa: S608 (our names)
