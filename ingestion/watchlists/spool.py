"""Rows on their way into the warehouse, on disk: a list of 80 MB and more must not lie in memory."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ingestion import landing, records
from ingestion.watchlists.model import SCHEMAS

ROWS = 2_000
"""Rows held in memory for each table."""


class Spool:
    """One table's rows of a run, written as Arrow and read back batch by batch; the file goes with the object."""

    def __init__(self, table: str) -> None:
        self._schema = SCHEMAS[table]
        self._folder = tempfile.TemporaryDirectory(prefix="watchlists-")
        self._path = Path(self._folder.name) / f"{table}.arrows"
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._rows: list[dict] = []
        self._of: tuple[datetime, str] | None = None

    def add(self, row: dict, known_at: datetime, extract_id: str) -> None:
        """A row with its `_record_no`, of an extract known at (naive UTC)."""
        if self._of != (known_at, extract_id) or len(self._rows) >= ROWS:
            self._flush()
            self._of = (known_at, extract_id)
        self._rows.append(row)

    def __iter__(self) -> Iterator[pa.Table]:
        """The rows, once."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
            with pa.ipc.open_stream(self._path) as reader:
                for batch in reader:
                    yield pa.Table.from_batches([batch])
        self._folder.cleanup()

    def _flush(self) -> None:
        if not self._rows:
            return
        table = landing.to_table(self._rows, self._schema, *self._of)
        if self._writer is None:
            self._writer = pa.ipc.new_stream(str(self._path), records.raw_schema(self._schema))
        self._writer.write_table(table)
        self._rows = []
