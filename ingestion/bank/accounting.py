"""What a bank file should have brought, against which what it brought is held: totals, and rejects that say the same.

Belongs here: control totals and rejects of one delivered file, whatever its format. Not here: reading or counting.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from types import ModuleType

from ingestion import control_totals, landing, rejects
from ingestion.bank.count import Payment, StatementCount
from ingestion.bank.message import ENTRIES, STATEMENTS, Rejected, UnusableFile
from ingestion.deliveries import DeliveredFile, Delivery

FEED = "bank"
SCHEMAS = {"statements": STATEMENTS, "entries": ENTRIES}
_SHOWN = 2_000  # characters of an unusable file kept beside each of its rejects


def totals(delivery: Delivery, file: DeliveredFile, raw: bytes, count: ModuleType) -> list[dict]:
    """The manifest's totals; what it says nothing of, statements or hashes, by the patterns of the format (`count`)."""
    stated = [] if file.manifest_totals is None else control_totals.from_manifest(FEED, delivery, file)
    has_statements = any(total["table_name"] == "statements" for total in stated)
    if has_statements and all(total["source_hash"] is not None for total in stated):
        return stated
    text = count.as_text(raw)
    statements = _statements(delivery, file, count, text)
    counted = [statements, *_counted_totals(delivery, file, count.statements(text))]
    if file.manifest_totals is None:
        return counted
    stated = control_totals.with_hashes(stated, counted)
    return stated if has_statements else [*stated, statements]


def _statements(delivery: Delivery, file: DeliveredFile, count: ModuleType, text: str) -> dict:
    keys = count.statement_keys(text)
    digest = None if None in keys else sum(control_totals.record_hash(key, None) for key in keys)
    return _total(delivery, file, "statements", count.statement_count(text), "independent_count", digest=digest)


def _counted_totals(delivery: Delivery, file: DeliveredFile, statements: list[StatementCount]) -> list[dict]:
    """The patterns' count per booking day and currency. A statement's own totals vouch for the count; where they
    contradict it they stand instead of it, undated, so that the difference shows."""
    sums = _Sums()
    for statement in statements:
        if statement.agrees:
            for payment in statement.payments:
                sums.add(payment.event_date, payment.ccy_code, 1, payment.amount, payment.share)
        else:
            amount = statement.amount if statement.stated_amount is None else statement.stated_amount
            sums.add(None, statement.ccy_code, statement.stated_entries or 0, amount, None)
    stated = statements and all(statement.stated_entries is not None for statement in statements)
    return sums.rows(delivery, file, "statement" if stated else "independent_count")


def reject_file(
    extracted: landing.Extracted,
    delivery: Delivery,
    file: DeliveredFile,
    raw: bytes,
    error: UnusableFile,
    count: ModuleType | None,
) -> None:
    """Rejects for all the payments and statements the file should have brought (at least one: the file itself), with
    control totals that say the same: what the manifest announces, else what the patterns find. `count` is None where
    nobody looked into the file; `raw` is then only its beginning."""
    text = count.as_text(raw) if count else raw.decode("latin-1")
    if file.manifest_totals is not None and count:
        expected = totals(delivery, file, raw, count)
    elif file.manifest_totals is not None:
        expected = control_totals.from_manifest(FEED, delivery, file)
    else:
        sums = _Sums()
        for payment in (count.payments(text) if count else ()) or [Payment(None, None, None, "", "")]:
            sums.add(payment.event_date, payment.ccy_code, 1, payment.amount, payment.share)
        if count:
            statements = _statements(delivery, file, count, text)
        else:
            statements = _total(delivery, file, "statements", 0, "independent_count")
        expected = [statements, *sums.rows(delivery, file, "independent_count")]
    extracted.totals += expected
    numbers = dict.fromkeys(SCHEMAS, 0)
    for total in expected:
        for record in range(total["source_rows"]):
            table = total["table_name"]
            numbers[table] += 1
            # The value of a total goes with its first record: nothing in an unusable file says how it is spread
            amount, share = (total["source_amount"], total["source_hash"]) if record == 0 else (None, 0)
            said = total["event_date"], total["asset_code"], amount, share
            rejected = Rejected(table, numbers[table], error.code, str(error), text[:_SHOWN], *said)
            extracted.rejects.append(reject(delivery, file, rejected))


class _Sums:
    """Rows, amounts and hashes by event date and currency; a hash is None where a record's share is not known."""

    def __init__(self) -> None:
        self._rows: dict[tuple[date | None, str | None], int] = defaultdict(int)
        self._amounts: dict[tuple[date | None, str | None], Decimal] = defaultdict(Decimal)
        self._shares: dict[tuple[date | None, str | None], list[int | None]] = defaultdict(list)

    def add(
        self, event_date: date | None, ccy_code: str | None, rows: int, amount: Decimal | None, share: int | None
    ) -> None:
        self._rows[event_date, ccy_code] += rows
        self._amounts[event_date, ccy_code] += amount or 0
        self._shares[event_date, ccy_code].append(share)

    def _digest(self, key: tuple[date | None, str | None]) -> int | None:
        return None if None in self._shares[key] else sum(self._shares[key])

    def rows(self, delivery: Delivery, file: DeliveredFile, captured_by: str) -> list[dict]:
        return [
            _total(delivery, file, "entries", self._rows[key], captured_by, *key, self._amounts[key], self._digest(key))
            for key in sorted(self._rows, key=str)
        ] or [_total(delivery, file, "entries", 0, captured_by)]


def reject(delivery: Delivery, file: DeliveredFile, rejected: Rejected) -> dict:
    return rejects.row(
        feed_code=FEED,
        table_name=rejected.table,
        extract_id=file.extract_id,
        record_no=rejected.record_no,
        reason_code=rejected.code,
        reason=rejected.reason,
        raw_record=rejected.raw.replace("\0", "\\x00"),
        first_seen_at=delivery.known_at,
        event_date=rejected.event_date,
        asset_code=rejected.ccy_code,
        amount=rejected.amount,
        record_hash=rejected.record_hash,
    )


def _total(
    delivery: Delivery,
    file: DeliveredFile,
    table: str,
    source_rows: int,
    captured_by: str,
    event_date: date | None = None,
    asset_code: str | None = None,
    amount: Decimal | None = None,
    digest: int | None = None,
) -> dict:
    return control_totals.row(
        extract_id=file.extract_id,
        feed_code=FEED,
        table_name=table,
        source_rows=source_rows,
        captured_by=captured_by,
        source_uri=file.uri,
        known_at=delivery.known_at,
        event_date=event_date,
        asset_code=asset_code,
        source_amount=amount,
        source_hash=digest,
    )
