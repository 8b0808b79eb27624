"""Bank statements in ISO 20022 camt.053 (versions 2 to 8).

An extract is one file. A file lying outside a delivery folder was known when its message was created
(GrpHdr/CreDtTm). A file that cannot be used is rejected whole, one reject per payment it should have brought.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import dlt
from dlt.extract import DltResource

from ingestion import control_totals, landing, rejects
from ingestion.bank import count
from ingestion.bank.document import UnusableFile, instant_or_none
from ingestion.bank.parse import ENTRIES, STATEMENTS, Rejected, parse
from ingestion.deliveries import DeliveredFile, Delivery, not_yet_loaded
from ingestion.pipeline import completed_extracts

FEED = "bank"
PATTERNS = {"*.xml": "entries", "**/*.xml": "entries"}
SCHEMAS = {"statements": STATEMENTS, "entries": ENTRIES}
_SHOWN = 2_000  # characters of an unusable file kept beside each of its rejects


@dlt.source(name=FEED, section=FEED)
def bank_source(
    bucket_url: str | None = None, start: date | None = None, end: date | None = None
) -> Iterable[DltResource]:
    """The new statement files below `bucket_url`, whose business date lies in the half-open window [start, end)."""
    found = landing.find(bucket_url, PATTERNS, _created_at, start=start, end=end)
    new = landing.pairs(not_yet_loaded(found, completed_extracts(FEED))) if found else []
    return landing.resources(FEED, SCHEMAS, bool(new), lambda: _extract(new))


def _created_at(path: Path) -> datetime:
    return instant_or_none(count.created_at(path.read_bytes())) or landing.ALWAYS_KNOWN


def _extract(new: list[tuple[Delivery, DeliveredFile]]) -> landing.Extracted:
    extracted = landing.Extracted()
    for delivery, file in new:
        raw = file.path.read_bytes()
        try:
            with landing.no_garbage_collection():
                message = parse(raw)
        except UnusableFile as error:
            _reject_file(extracted, delivery, file, raw, error)
            continue
        for table, rows in (("statements", message.statements), ("entries", message.entries)):
            extracted.add(table, landing.to_table(rows, SCHEMAS[table], delivery.known_at, file.extract_id))
        extracted.rejects += [_reject(delivery, file, rejected) for rejected in message.rejected]
        extracted.totals += _totals(delivery, file, raw)
    return extracted


def _totals(delivery: Delivery, file: DeliveredFile, raw: bytes) -> list[dict]:
    """The manifest's totals; for a table it says nothing of, the patterns' count."""
    stated = [] if file.manifest_totals is None else control_totals.from_manifest(FEED, delivery, file)
    if any(total["table_name"] == "statements" for total in stated):
        return stated
    text = count.as_text(raw)
    statements = _total(delivery, file, "statements", count.statement_count(text), "independent_count")
    if file.manifest_totals is not None:
        return [*stated, statements]
    return [statements, *_counted_totals(delivery, file, count.statements(text))]


def _counted_totals(delivery: Delivery, file: DeliveredFile, statements: list[count.StatementCount]) -> list[dict]:
    """The patterns' count per booking day and currency. A statement's own totals vouch for the count; where they
    contradict it they stand instead of it, undated, so that the difference shows."""
    totals = _Sums()
    for statement in statements:
        if statement.agrees:
            for payment in statement.payments:
                totals.add(payment.event_date, payment.ccy_code, 1, payment.amount)
        else:
            amount = statement.amount if statement.stated_amount is None else statement.stated_amount
            totals.add(None, statement.ccy_code, statement.stated_entries or 0, amount)
    stated = statements and all(statement.stated_entries is not None for statement in statements)
    return totals.rows(delivery, file, "statement" if stated else "independent_count")


def _reject_file(
    extracted: landing.Extracted, delivery: Delivery, file: DeliveredFile, raw: bytes, error: UnusableFile
) -> None:
    """Rejects for all the payments and statements the file should have brought (at least one: the file itself), with
    control totals that say the same: what the manifest announces, else what the patterns find."""
    text = count.as_text(raw)
    if file.manifest_totals is not None:
        totals = _totals(delivery, file, raw)
    else:
        sums = _Sums()
        for payment in count.payments(text) or [count.Payment(None, None, None, "")]:
            sums.add(payment.event_date, payment.ccy_code, 1, payment.amount)
        statements = _total(delivery, file, "statements", count.statement_count(text), "independent_count")
        totals = [statements, *sums.rows(delivery, file, "independent_count")]
    extracted.totals += totals
    numbers = dict.fromkeys(SCHEMAS, 0)
    for total in totals:
        for record in range(total["source_rows"]):
            table = total["table_name"]
            numbers[table] += 1
            # The value of a total goes with its first record: nothing in an unusable file says how it is spread
            amount = total["source_amount"] if record == 0 else None
            day, ccy_code = total["event_date"], total["asset_code"]
            rejected = Rejected(table, numbers[table], error.code, str(error), text[:_SHOWN], day, ccy_code, amount)
            extracted.rejects.append(_reject(delivery, file, rejected))


class _Sums:
    """Rows and amounts by event date and currency."""

    def __init__(self) -> None:
        self._rows: dict[tuple[date | None, str | None], int] = defaultdict(int)
        self._amounts: dict[tuple[date | None, str | None], Decimal] = defaultdict(Decimal)

    def add(self, event_date: date | None, ccy_code: str | None, rows: int, amount: Decimal | None) -> None:
        self._rows[event_date, ccy_code] += rows
        self._amounts[event_date, ccy_code] += amount or 0

    def rows(self, delivery: Delivery, file: DeliveredFile, captured_by: str) -> list[dict]:
        return [
            _total(delivery, file, "entries", self._rows[key], captured_by, *key, self._amounts[key])
            for key in sorted(self._rows, key=str)
        ] or [_total(delivery, file, "entries", 0, captured_by)]


def _reject(delivery: Delivery, file: DeliveredFile, rejected: Rejected) -> dict:
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
    )
