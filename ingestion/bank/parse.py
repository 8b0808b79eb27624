"""camt.053 statements (versions 2 to 8) as plain records.

Belongs here: reading one message, a pure function of its bytes. Single entries are in `entry`, XML in `document`,
control totals on an independent path in `count`; deliveries, known-at times and dlt in the package's `__init__`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element, canonicalize, tostring

import pyarrow as pa

from ingestion.bank import entry as entries
from ingestion.bank.document import (
    UnusableFile,
    UnusableRecord,
    account_id,
    instant,
    instant_or_none,
    read,
    source_text,
    text,
)
from ingestion.records import MONEY, TIMESTAMP

STATEMENTS = pa.schema(
    [
        pa.field("statement_id", pa.string(), nullable=False),
        pa.field("message_id", pa.string()),
        pa.field("msg_version", pa.string()),
        pa.field("account_iban", pa.string(), nullable=False),
        pa.field("ccy_code", pa.string(), nullable=False),
        pa.field("electronic_sequence_no", pa.int64()),
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
        pa.field("entry_reference", pa.string()),
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
            )
        ),
    ]
)


@dataclass
class Rejected:
    """A record that could not be used, with what could still be read of it (amount >= 0 in the entry's currency)."""

    table: str
    record_no: int
    code: str
    reason: str
    raw: str
    event_date: date | None = None
    ccy_code: str | None = None
    amount: Decimal | None = None


@dataclass
class Message:
    """One message: rows of `statements` and `entries`, each with its `_record_no` (rejected ones are counted, too)."""

    version: str
    message_id: str
    created_at: datetime
    statements: list[dict] = field(default_factory=list)
    entries: list[dict] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    statement_no: int = 0
    entry_no: int = 0


def parse(raw: bytes) -> Message:
    """The message in `raw`. Instants become naive UTC; booking and value dates stay the bank's own calendar day.
    Raises UnusableFile when the whole file has to be rejected."""
    version, body = read(raw)
    created = text(body, "GrpHdr", "CreDtTm")
    if created is None:
        raise UnusableFile("missing_creation_time", "the group header has no creation time (GrpHdr/CreDtTm)")
    try:
        created_at = instant(created)
    except ValueError:
        raise UnusableFile("invalid_creation_time", f"GrpHdr/CreDtTm {created!r} is not a date and time") from None
    message = Message(version, text(body, "GrpHdr", "MsgId") or "", created_at)
    seen: dict[str, list[Element]] = {}
    for statement in body.findall("Stmt"):
        _read_statement(statement, message, seen)
    return message


def _read_statement(statement: Element, message: Message, seen: dict[str, list[Element]]) -> None:
    message.statement_no += 1
    try:
        row, balance_ccys = _statement(statement, message, seen)
    except UnusableRecord as error:
        message.rejected.append(
            Rejected("statements", message.statement_no, error.code, str(error), source_text(statement))
        )
        for entry in statement.findall("Ntry"):
            _reject_payments(entry, error, message)
        return
    net = Decimal(0)
    ccys = {row["ccy_code"]} | balance_ccys
    count = 0
    for count, entry in enumerate(statement.findall("Ntry"), 1):
        if entries.status(entry) == "BOOK" and (signed := entries.signed_or_none(entry)) is not None:
            net += signed
            ccys.add(entries.ccy_or_none(entry))
        try:
            found = entries.rows(entry, f"{row['statement_id']}/{count}", row["statement_id"], row["account_iban"])
        except UnusableRecord as error:
            _reject_entry(entry, error, message)
            continue
        for movement in found:
            message.entry_no += 1
            movement["_record_no"] = message.entry_no
        message.entries += found
    row["entry_count"] = count
    row["entries_net_amount"] = net.quantize(entries.CENT)
    row["is_balanced"] = _is_balanced(row, ccys)
    row["_record_no"] = message.statement_no
    message.statements.append(row)


def _is_balanced(row: dict, ccys: set[str | None]) -> bool | None:
    """Opening balance plus booked entries gives the closing balance; None where the statement lacks one of the two.
    Balances or entries in different currencies do not add up, so such a statement is not balanced."""
    opening, closing = row["opening_balance_amount"], row["closing_balance_amount"]
    if opening is None or closing is None:
        return None
    return len(ccys) == 1 and opening + row["entries_net_amount"] == closing


def _reject_payments(entry: Element, error: UnusableRecord, message: Message) -> None:
    """The entry may be fine, its statement is not: one reject per payment in it, as control totals count them."""
    try:
        amounts = [row["amount"] for row in entries.rows(entry, "", "", "")]
    except UnusableRecord:
        amounts = [entries.amount_or_none(entry)]
    for amount in amounts:
        _reject_entry(entry, error, message)
        message.rejected[-1].amount = amount


def _reject_entry(entry: Element, error: UnusableRecord, message: Message) -> None:
    message.entry_no += 1
    message.rejected.append(
        Rejected(
            "entries",
            message.entry_no,
            error.code,
            str(error),
            source_text(entry),
            entries.event_date_or_none(entry),
            entries.ccy_or_none(entry),
            entries.amount_or_none(entry),
        )
    )


def _statement(statement: Element, message: Message, seen: dict[str, list[Element]]) -> tuple[dict, set[str]]:
    """The statement's row without what its entries give, and the currencies of its balances."""
    identifier, account = text(statement, "Id"), account_id(statement.find("Acct"))
    if not identifier or not account:
        raise UnusableRecord("missing_identifier", "the statement lacks its id (Stmt/Id) or its account (Acct/Id)")
    opening, opening_ccy = _balance(statement, "OPBD", "PRCD")
    closing, closing_ccy = _balance(statement, "CLBD")
    first_ccy = entries.ccy_or_none(statement.find("Ntry"))
    ccy_code = text(statement, "Acct", "Ccy") or opening_ccy or closing_ccy or first_ccy
    if ccy_code is None:
        raise UnusableRecord("missing_currency", "neither the account nor a balance or entry says its currency")
    sequence = text(statement, "ElctrncSeqNb")
    return {
        "statement_id": _statement_id(statement, "/".join((message.message_id, identifier, account)), seen),
        "message_id": message.message_id,
        "msg_version": message.version,
        "account_iban": account,
        "ccy_code": ccy_code,
        "electronic_sequence_no": int(sequence) if sequence and sequence.isdecimal() and len(sequence) < 19 else None,
        "from_at": instant_or_none(text(statement, "FrToDt", "FrDtTm")),
        "to_at": instant_or_none(text(statement, "FrToDt", "ToDtTm")),
        "opening_balance_amount": opening,
        "closing_balance_amount": closing,
        "created_at": instant_or_none(text(statement, "CreDtTm")) or message.created_at,
    }, {ccy for ccy in (opening_ccy, closing_ccy) if ccy}


def _statement_id(statement: Element, base: str, seen: dict[str, list[Element]]) -> str:
    """The id, told apart by page number, and by `#n` where a file holds different statements under one id: the later
    one would replace the earlier one downstream. An exact copy keeps the id: it may replace its twin."""
    number, last = text(statement, "StmtPgntn", "PgNb"), text(statement, "StmtPgntn", "LastPgInd")
    if number is not None and (number != "1" or last != "true"):
        base += f"/page {number}"
    twins = seen.setdefault(base, [])
    content = _content(statement) if twins else ""
    for position, twin in enumerate(twins, 1):
        if _content(twin) == content:
            return base if position == 1 else f"{base}#{position}"
    twins.append(statement)
    return base if len(twins) == 1 else f"{base}#{len(twins)}"


def _content(statement: Element) -> str:
    return canonicalize(tostring(statement, encoding="unicode"), strip_text=True)


def _balance(statement: Element, *codes: str) -> tuple[Decimal | None, str | None]:
    """The signed amount and currency of the first balance of the first code that occurs."""
    for code in codes:
        for balance in statement.findall("Bal"):
            if text(balance, "Tp", "CdOrPrtry", "Cd") == code:
                signed = entries.signed_or_none(balance)
                return (None, None) if signed is None else (signed.quantize(entries.CENT), entries.ccy_or_none(balance))
    return None, None
