"""NDJSON line by line, for files that hold a line which is no record: slow, but it says which."""

from datetime import date
from pathlib import Path

from ingestion import bounded
from ingestion.onchain.parse import Rejected, asset_of


def read_lines(path: Path, table: str, business_date: date) -> tuple[list[dict], list[Rejected]]:
    """The records that are JSON objects, with scalars as the text they are written as, and the lines that are not."""
    good, bad = [], []
    number = 0
    with path.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            number += 1
            try:
                record = bounded.json_of(line, parse_int=str, parse_float=str, parse_constant=str)
            except ValueError as error:
                bad.append(_rejected(number, f"the line is not JSON: {error}", line, table, business_date))
                continue
            if not isinstance(record, dict):
                bad.append(_rejected(number, "the line is not a JSON object", line, table, business_date))
                continue
            good.append({name: _text(value) for name, value in record.items()})
    return good, bad


def _rejected(number: int, reason: str, line: bytes, table: str, business_date: date) -> Rejected:
    raw = line.decode("utf-8", "backslashreplace").strip()
    return Rejected(number, "malformed_row", reason, raw, business_date, asset_of(table, None))


def _text(value: object) -> object:
    """Booleans as JSON writes them; nested values stay."""
    return ("true" if value else "false") if isinstance(value, bool) else value
