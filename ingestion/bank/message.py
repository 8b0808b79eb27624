"""What every bank format is read into: rows of `bank.statements` and `bank.entries`, and what could not be used.

Belongs here: the shape of the raw tables and the words for what is wrong. Not here: any one format.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa

from ingestion import wire
from ingestion.control_totals import record_hash
from ingestion.records import MONEY, TIMESTAMP

CENT = Decimal("0.01")


class UnusableFile(ValueError):
    """The whole file cannot be used; `code` is the reject's reason code, the message its reason."""

    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


class UnusableRecord(UnusableFile):
    """One entry or statement cannot be used; the rest of the file can."""


STATEMENTS = pa.schema(
    [
        pa.field("statement_id", pa.string(), nullable=False),
        pa.field("message_id", pa.string()),
        pa.field("message_type_code", pa.string()),
        pa.field("msg_version", pa.string()),
        pa.field("account_iban", pa.string(), nullable=False),
        pa.field("ccy_code", pa.string(), nullable=False),
        pa.field("electronic_sequence_no", pa.int64()),
        pa.field("page_no", pa.int64()),
        pa.field("from_at", TIMESTAMP),
        pa.field("to_at", TIMESTAMP),
        pa.field("opening_balance_amount", MONEY),
        pa.field("closing_balance_amount", MONEY),
        pa.field("entry_count", pa.int64(), nullable=False),
        pa.field("entries_net_amount", MONEY, nullable=False),
        pa.field("is_balanced", pa.bool_()),
        pa.field("created_at", TIMESTAMP, nullable=False),
    ]
)
ENTRIES = pa.schema(
    [
        pa.field("entry_id", pa.string(), nullable=False),
        pa.field("statement_id", pa.string(), nullable=False),
        pa.field("account_iban", pa.string(), nullable=False),
        pa.field("message_type_code", pa.string()),
        pa.field("entry_reference", pa.string()),
        pa.field("servicer_reference", pa.string()),
        pa.field("amount", MONEY, nullable=False),
        pa.field("ccy_code", pa.string(), nullable=False),
        pa.field("credit_debit_code", pa.string(), nullable=False),
        pa.field("is_reversal", pa.bool_(), nullable=False),
        pa.field("status_code", pa.string(), nullable=False),
        pa.field("booking_date", pa.date32()),
        pa.field("value_date", pa.date32()),
        *(
            pa.field(name, pa.string())
            for name in (
                "bank_transaction_code",
                "end_to_end_id",
                "instruction_id",
                "tx_id",
                "uetr",
                "counterparty_name",
                "counterparty_account",
                "counterparty_bic",
                "remittance_text",
                "other_elements",
            )
        ),
    ]
)


@dataclass
class Rejected:
    """A record that could not be used, with what could still be read of it (amount >= 0 in the entry's currency);
    `record_hash` is its share of the hash of its table."""

    table: str
    record_no: int
    code: str
    reason: str
    raw: str
    event_date: date | None = None
    ccy_code: str | None = None
    amount: Decimal | None = None
    record_hash: int | None = None


@dataclass
class Message:
    """One message: rows of `statements` and `entries`, each with its `_record_no` (rejected ones are counted, too)."""

    type_code: str
    version: str | None = None
    message_id: str | None = None
    created_at: datetime | None = None
    statements: list[dict] = field(default_factory=list)
    entries: list[dict] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    statement_no: int = 0
    entry_no: int = 0
    added: set[str] = field(default_factory=set)
    """Elements that the message has and nobody knows."""

    def number(self, rows: list[dict]) -> None:
        """Adds the rows of one entry under the next record numbers."""
        for row in rows:
            self.entry_no += 1
            row["_record_no"] = self.entry_no
        self.entries += rows

    def reject_statement(self, error: UnusableRecord, raw: str, message_id: str | None, account: str | None) -> None:
        """Rejects the statement whose number has been taken already."""
        share = record_hash(wire.key(message_id, account), None)
        self.rejected.append(Rejected("statements", self.statement_no, error.code, str(error), raw, record_hash=share))

    def reject_entry(
        self,
        error: UnusableRecord,
        raw: str,
        event_date: date | None,
        ccy_code: str | None,
        amount: Decimal | None,
        reference: str | None,
    ) -> None:
        """Rejects one payment under the next record number; `reference` is the bank's own (`entry_reference`)."""
        self.entry_no += 1
        share = record_hash(wire.key(reference), amount)
        self.rejected.append(
            Rejected("entries", self.entry_no, error.code, str(error), raw, event_date, ccy_code, amount, share)
        )


def is_balanced(row: dict, ccys: set[str | None]) -> bool | None:
    """Opening balance plus booked entries gives the closing balance; None where the statement lacks one of the two.
    Balances or entries in different currencies do not add up, so such a statement is not balanced."""
    opening, closing = row["opening_balance_amount"], row["closing_balance_amount"]
    if opening is None or closing is None:
        return None
    return len(ccys) == 1 and opening + row["entries_net_amount"] == closing


def told_apart(
    base: str, content: object, seen: dict[str, list], key: Callable[[object], object] = lambda content: content
) -> str:
    """The id, with `#n` where a file holds different statements under one id: the later one would replace the earlier
    one downstream. An exact copy (the same `key`) keeps the id: it may replace its twin. `seen` collects what came
    before."""
    twins = seen.setdefault(base, [])
    wanted = key(content) if twins else None
    for position, twin in enumerate(twins, 1):
        if key(twin) == wanted:
            return base if position == 1 else f"{base}#{position}"
    twins.append(content)
    return base if len(twins) == 1 else f"{base}#{len(twins)}"
