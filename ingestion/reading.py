"""One bounded read of a vendor's end-point: what landed, what was rejected and what was counted on the wire.

Belongs here: how answers become one extract (its id, its numbering, its control totals), whoever the vendor is. Not
here: requests (`vendor`) and what an answer means (`<feed>/`).
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from ingestion import control_totals, rejects
from ingestion.contract import MOST_UNUSABLE
from ingestion.landing import Extracted
from ingestion.members import text
from ingestion.records import raw_schema


def drift(table: str, readable: Mapping[str, int], rejects: Iterable[Mapping]) -> str | None:
    """Why the answers for a table, or a part of them, cannot be read, where that is so for most of them and they are
    several: the vendor changed them. A single bad answer among good ones is a reject.

    `readable`: part of an answer -> how many answers with it could be read, "" for all of those that are in a state in
    which they have everything; `rejects` have a reason_code, a reason, the raw_record, and the part where it is one."""
    unreadable: dict[str, list[Mapping]] = defaultdict(list)
    for one in rejects:
        if one["reason_code"] == "unreadable_answer":
            for part in {"", one.get("part", "")}:
                unreadable[part].append(one)
    for part, found in sorted(unreadable.items()):
        if len(found) >= max(MOST_UNUSABLE, readable.get(part, 0) + 1):
            reason = Counter(one["reason"] for one in found).most_common(1)[0][0]
            record = next(one["raw_record"] for one in found if one["reason"] == reason)
            answers = f"{len(found) + readable.get(part, 0)} answers for {table}" + (part and f" with {part}")
            record = record if isinstance(record, str) else text(record)
            said = f"of {answers} {readable.get(part, 0)} can be read; {reason}."
            return f"{said} The first of them begins {record[:300]}."
    return None


def parts_of(answer: Any) -> set[str]:
    """The names of the members, at any depth, in which the answer has objects."""
    found: set[str] = set()
    inner = answer.items() if isinstance(answer, dict) else ()
    for name, value in inner:
        objects = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
        for one in objects:
            if isinstance(one, dict) and any(member not in (None, [], {}) for member in one.values()):
                found |= {name, *parts_of(one)}
    return found


class Counted(NamedTuple):
    """A record as it was counted on the wire: its share of its table's hash, and the amount that it states."""

    record_hash: int
    amount: Decimal | None


class Reading:
    """The read of one end-point in one run. Its extract id is made from the keys and contents of what it brought, so
    that the same answers give the same id; what an extract with that id has brought before is not landed again."""

    def __init__(self, feed: str, endpoint: str, tables: tuple[str, ...]) -> None:
        self.feed, self.endpoint = feed, endpoint
        self.counted: Counter[str] = Counter(dict.fromkeys(tables, 0))
        self._hashes: Counter[str] = Counter()
        self._amounts: dict[str, Decimal] = {}
        self._rows: dict[str, list[tuple[datetime, dict]]] = {table: [] for table in tables}
        self._rejects: list[tuple[dict, str]] = []
        self._identity: list[str] = []
        self._whole: dict[str, Counter[str]] = {table: Counter() for table in tables}
        self._captured: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        return not self._identity

    @property
    def drift(self) -> str | None:
        """See `drift`; None while the answers of this end-point are what they should be."""
        for table in self._rows:
            refused = [{**one, "part": part} for one, part in self._rejects if one["table_name"] == table]
            if said := drift(table, self._whole[table], refused):
                return f"{self.endpoint}: {said}"
        return None

    def count(self, table: str, key: str, amount: Decimal | None = None) -> Counted:
        """Counts one record of the wire for the table's control total. `key` is what its hash is over, and `amount`
        what is summed, as the answer itself says them; what a reject of the record has to state is given back."""
        share = control_totals.record_hash(key, None)
        self.counted[table] += 1
        self._hashes[table] += share
        if amount is not None:
            self._amounts[table] = self._amounts.get(table, Decimal(0)) + amount
        return Counted(share, amount)

    def states(self, table: str, rows: int) -> None:
        """Takes `rows` for the table's control total: it follows from what the vendor itself says it holds. The hash
        stays that of what was counted."""
        self.counted[table], self._captured[table] = rows, "api_total"

    def land(self, table: str, known_at: datetime, row: dict, *, answer: Any = None, is_whole: bool = True) -> None:
        """`answer`: what the row was read from; `is_whole`: it is in a state in which it has all of its members."""
        if is_whole:
            self._whole[table].update({"", *parts_of(answer)})
        self._rows[table].append((known_at, row))
        self._identity.append(repr((table, known_at, row)))

    def reject(
        self,
        table: str,
        known_at: datetime,
        reason_code: str,
        reason: str,
        record: dict | str,
        counted: Counted,
        *,
        answer: Any = None,
        part: str = "",
    ) -> None:
        """`counted`: as what it was counted (see `count`). `part`: where in the `answer` the problem is (see
        `Unreadable`)."""
        rejected = {
            "table_name": table,
            "first_seen_at": known_at,
            "reason_code": reason_code,
            "reason": reason,
            "raw_record": record if isinstance(record, str) else text(record),
            "record_hash": counted.record_hash,
            "amount": counted.amount,
        }
        self._rejects.append((rejected, part if part in parts_of(answer) else ""))
        self._identity.append(repr((table, known_at, reason_code, text(record))))

    def into(self, extracted: Extracted, schemas: Mapping[str, pa.Schema], completed: set[str]) -> None:
        """Adds the reading to what the run lands, unless it is empty or landed before."""
        digest = hashlib.sha256("\n".join(sorted(self._identity)).encode(errors="surrogateescape")).hexdigest()
        extract_id = f"{self.feed}{self.endpoint}:{digest[:16]}"
        if self.is_empty or extract_id in completed:
            return
        known = [known_at for rows in self._rows.values() for known_at, _ in rows]
        known += [reject["first_seen_at"] for reject, _ in self._rejects]
        for table, counted in self.counted.items():
            rows = [
                {**row, "_known_at": known_at, "_extract_id": extract_id, "_record_no": number}
                for number, (known_at, row) in enumerate(self._rows[table], 1)
            ]
            extracted.add(table, pa.Table.from_pylist(rows, schema=raw_schema(schemas[table])))
            refused = [reject for reject, _ in self._rejects if reject["table_name"] == table]
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
                    source_hash=self._hashes[table],
                    source_amount=self._amounts.get(table),
                    captured_by=self._captured.get(table, "independent_count"),
                    source_uri=self.endpoint,
                    known_at=max(known),
                )
            )
