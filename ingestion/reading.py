"""One bounded read of a vendor's end-point: what landed, what was rejected and what was counted on the wire.

Belongs here: how answers become one extract (its id, its numbering, its control totals), whoever the vendor is. Not
here: requests (`vendor`) and what an answer means (`<feed>/`).
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from ingestion import control_totals, rejects
from ingestion.landing import Extracted
from ingestion.members import text
from ingestion.records import raw_schema


class Reading:
    """The read of one end-point in one run. Its extract id is made from the keys and contents of what it brought, so
    that the same answers give the same id; what an extract with that id has brought before is not landed again."""

    def __init__(self, feed: str, endpoint: str, tables: tuple[str, ...]) -> None:
        self.feed, self.endpoint = feed, endpoint
        self.counted: Counter[str] = Counter(dict.fromkeys(tables, 0))
        self._rows: dict[str, list[tuple[datetime, dict]]] = {table: [] for table in tables}
        self._rejects: list[dict] = []
        self._identity: list[str] = []

    @property
    def is_empty(self) -> bool:
        return not self._identity

    def land(self, table: str, known_at: datetime, row: dict) -> None:
        self._rows[table].append((known_at, row))
        self._identity.append(repr((table, known_at, row)))

    def reject(self, table: str, known_at: datetime, reason_code: str, reason: str, record: dict | str) -> None:
        self._rejects.append(
            {
                "table_name": table,
                "first_seen_at": known_at,
                "reason_code": reason_code,
                "reason": reason,
                "raw_record": record if isinstance(record, str) else text(record),
            }
        )
        self._identity.append(repr((table, known_at, reason_code, text(record))))

    def into(self, extracted: Extracted, schemas: Mapping[str, pa.Schema], completed: set[str]) -> None:
        """Adds the reading to what the run lands, unless it is empty or landed before."""
        digest = hashlib.sha256("\n".join(sorted(self._identity)).encode(errors="surrogateescape")).hexdigest()
        extract_id = f"{self.feed}{self.endpoint}:{digest[:16]}"
        if self.is_empty or extract_id in completed:
            return
        known = [known_at for rows in self._rows.values() for known_at, _ in rows]
        known += [reject["first_seen_at"] for reject in self._rejects]
        for table, counted in self.counted.items():
            rows = [
                {**row, "_known_at": known_at, "_extract_id": extract_id, "_record_no": number}
                for number, (known_at, row) in enumerate(self._rows[table], 1)
            ]
            extracted.add(table, pa.Table.from_pylist(rows, schema=raw_schema(schemas[table])))
            refused = [reject for reject in self._rejects if reject["table_name"] == table]
            extracted.rejects += [
                rejects.row(feed_code=self.feed, extract_id=extract_id, record_no=number, **reject)
                for number, reject in enumerate(refused, len(rows) + 1)
            ]
            extracted.totals.append(
                control_totals.row(
                    extract_id=extract_id,
                    feed_code=self.feed,
                    table_name=table,
                    source_rows=counted,
                    captured_by="independent_count",
                    source_uri=self.endpoint,
                    known_at=max(known),
                )
            )
