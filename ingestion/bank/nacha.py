"""Nacha (ACH) files as plain records: a batch is a statement, an entry detail an entry, from the originator's side.

Belongs here: reading one file of 94-character records, a pure function of its bytes. Where the batch and file controls
contradict what is in the file, its batches are read and say so (`is_balanced`).
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from ingestion.bank import plain
from ingestion.bank.message import CENT, Message, UnusableFile, UnusableRecord, told_apart

WIDTH = 94
HASH_MODULUS = 10**10
_PADDING = "9" * WIDTH
_RETURN, _CHANGE = "99", "98"
_CONTROL = re.compile(r"8.{3}[0-9]{40}.{35}[0-9]{15}")
_FILE_CONTROL = re.compile(r"9[0-9]{54} *")
_ENTRY = re.compile(r"6[0-9]{11}.{17}[0-9]{10}.{40}[0-9]{15}")


@dataclass
class _Totals:
    """What a control record says, or what was found to hold against it; amounts in cents."""

    records: int = 0
    hash: int = 0
    debit: int = 0
    credit: int = 0

    def add(self, other: "_Totals") -> None:
        self.records += other.records
        self.hash = (self.hash + other.hash) % HASH_MODULUS
        self.debit += other.debit
        self.credit += other.credit


@dataclass
class _Batch:
    header: str
    entries: list[list[str]] = field(default_factory=list)
    control: str = ""

    def found(self) -> _Totals:
        totals = _Totals()
        for entry, *addenda in self.entries:
            totals.records += 1 + len(addenda)
            if _ENTRY.fullmatch(entry):
                amount = int(entry[29:39])
                is_debit = entry[2] in "56789"
                cents = _Totals(0, int(entry[3:11]), amount if is_debit else 0, 0 if is_debit else amount)
                totals.add(cents)
        return totals

    def agrees(self) -> bool:
        return _totals(self.control, 4, 6) == self.found() and self.control[1:4] == self.header[1:4]


def parse(raw: bytes, encoding: str = "utf-8") -> Message:
    """The batches in `raw`. Raises UnusableFile when the whole file has to be rejected: records out of order, of
    another length, or a file that ends before its control record."""
    header, batches, control = _structure(_records(raw, encoding))
    message = Message("nacha", message_id=f"{header[3:13].strip()}/{header[13:23].strip()}/{header[23:34].strip()}")
    message.created_at = _created(header)
    found = _Totals()
    for batch in batches:
        found.add(batch.found())
    file_agrees = _totals(control, 13, 8) == found and int(control[1:7]) == len(batches)
    seen: dict[str, list] = {}
    for batch in batches:
        _read_batch(batch, message, file_agrees, seen)
    return message


def _records(raw: bytes, encoding: str) -> list[str]:
    """Lines, or blocks of 94 characters where the file has no line ends. Trailing blanks may have been cut off."""
    found = plain.lines(raw, encoding)
    if not found[0].startswith("101"):
        raise UnusableFile("not_nacha", "the first record is no Nacha file header")
    if len(found) == 1:
        found = [found[0][at : at + WIDTH] for at in range(0, len(found[0]), WIDTH)]
    return [line.ljust(WIDTH) for line in found if line.strip()]


def _structure(records: list[str]) -> tuple[str, list[_Batch], str]:
    """The file header, the batches and the file control. Raises UnusableFile."""
    batches: list[_Batch] = []
    control = ""
    for number, record in enumerate(records[1:], 2):
        is_open = bool(batches) and not batches[-1].control
        if len(record) != WIDTH:
            raise UnusableFile("record_length", f"record {number} has {len(record)} characters, not {WIDTH}")
        if control and record != _PADDING:
            raise UnusableFile("record_order", f"record {number} comes after the file control")
        match record[0]:
            case "5" if not is_open:
                batches.append(_Batch(record))
            case "6" if is_open:
                batches[-1].entries.append([record])
            case "7" if is_open and batches[-1].entries:
                batches[-1].entries[-1].append(record)
            case "8" if is_open and _CONTROL.fullmatch(record):
                batches[-1].control = record
            case "9" if not is_open and (control or _FILE_CONTROL.fullmatch(record)):
                control = control or record
            case _:
                raise UnusableFile("record_order", f"record {number} of type {record[0]!r} is not expected there")
    if not control:
        raise UnusableFile("cut_off", "the file ends before its control record (type 9)")
    return records[0], batches, control


def _totals(control: str, at: int, width: int) -> _Totals:
    """Count, hash and totals of a control record; the count begins at `at` and has `width` digits."""
    ends = (at, at + width, at + width + 10, at + width + 22, at + width + 34)
    return _Totals(*(int(control[start:end]) for start, end in pairwise(ends)))


def _read_batch(batch: _Batch, message: Message, file_agrees: bool, seen: dict[str, list]) -> None:
    message.statement_no += 1
    header = batch.header
    effective = _day(header[69:75])
    settled = _settled(header[75:78], effective)
    account = f"{header[79:87]}/{header[40:50].strip()}"
    problem = None
    if header[50:53] == "ADV":
        problem = UnusableRecord("unsupported_batch", "a batch of accounting advices (ADV) has another layout")
    elif not header[79:87].isdecimal() or not header[40:50].strip():
        problem = UnusableRecord("missing_identifier", "the batch header lacks its company or its bank")
    elif message.created_at is None:
        problem = UnusableRecord("invalid_creation_time", "the file header has no creation date")
    if problem:
        message.reject_statement(problem, f"{header}\n{batch.control}", message.message_id, account)
        for records in batch.entries:
            _reject(message, problem, records, settled or effective)
        return
    content = (header, batch.entries, batch.control)
    statement_id = told_apart(f"nacha/{message.message_id}/{account}/{header[87:94].strip()}", content, seen)
    net = Decimal(0)
    for position, records in enumerate(batch.entries, 1):
        try:
            payment = _payment(records, header)
        except UnusableRecord as error:
            _reject(message, error, records, settled or effective)
            continue
        if payment["status_code"] == "BOOK" and settled is None:
            payment["status_code"] = "PDNG"
        net += payment["amount"] if payment["credit_debit_code"] == "CRDT" else -payment["amount"]
        payment |= {
            "entry_id": f"{statement_id}/{position}/1",
            "statement_id": statement_id,
            "account_iban": account,
            "message_type_code": message.type_code,
            "ccy_code": "USD",
            "booking_date": settled,
            "value_date": effective,
        }
        message.number([payment])
    message.statements.append(
        {
            "statement_id": statement_id,
            "message_id": message.message_id,
            "message_type_code": message.type_code,
            "account_iban": account,
            "ccy_code": "USD",
            "entry_count": len(batch.entries),
            "entries_net_amount": net.quantize(CENT),
            "is_balanced": file_agrees and batch.agrees(),
            "created_at": message.created_at,
            "_record_no": message.statement_no,
        }
    )


def _payment(records: list[str], header: str) -> dict:
    """The entry as a row without what its batch gives. A debit of the receiver is money in for the originator."""
    entry, *addenda = records
    if not _ENTRY.fullmatch(entry):
        raise UnusableRecord("invalid_entry", "the entry detail has other characters where its numbers should be")
    code, kind = entry[1:3], header[50:53]
    if code[0] not in "2345" or code[1] == "0":
        raise UnusableRecord("invalid_transaction_code", f"transaction code {code} is none of Nacha's")
    is_debit = code[1] in "56789"
    returned = next((record for record in addenda if record[1:3] == _RETURN), None)
    changed = next((record for record in addenda if record[1:3] == _CHANGE), None)
    is_return = changed is None and (returned is not None or code[1] in "16" or code == "55")
    is_note = changed is not None or code[1] in "3489"
    names = _names(entry, addenda, kind)
    return {
        "entry_reference": entry[79:94],
        "servicer_reference": None,
        "amount": Decimal(entry[29:39]).scaleb(-2),
        "credit_debit_code": "CRDT" if is_debit != is_return else "DBIT",
        "is_reversal": is_return,
        "status_code": "INFO" if is_note else "BOOK",
        "bank_transaction_code": "/".join(filter(None, (kind, code, (returned or changed or "")[3:6]))),
        "end_to_end_id": entry[39:54].strip() or None if kind not in ("CTX", "IAT") else None,
        "instruction_id": (returned or changed or "")[6:21].strip() or None,
        "counterparty_name": names[0],
        "counterparty_account": f"{entry[3:12]}/{names[1]}" if names[1] else None,
        "remittance_text": "\n".join([header[53:63].strip(), *(record[3:].rstrip() for record in addenda)]).strip(),
    }


def _names(entry: str, addenda: list[str], kind: str) -> tuple[str | None, str]:
    """Name and account of the receiver; an international entry (IAT) has the name in its first addenda record."""
    if kind == "IAT":
        first = next((record for record in addenda if record[1:3] == "10"), "")
        return first[24:59].strip() or None, entry[39:74].strip()
    return (entry[58:74] if kind == "CTX" else entry[54:76]).strip() or None, entry[12:29].strip()


def _reject(message: Message, error: UnusableRecord, records: list[str], day: date | None) -> None:
    cents = records[0][29:39]
    amount = Decimal(cents).scaleb(-2) if cents.isascii() and cents.isdigit() else None
    message.reject_entry(error, "\n".join(records), day, "USD", amount, records[0][79:94])


def _created(header: str) -> datetime | None:
    """When the file was made: the originator's clock, whose zone it does not say, taken as UTC."""
    time = header[29:33].strip() or "0000"
    try:
        return datetime.strptime(header[23:29] + time, "%y%m%d%H%M")
    except ValueError:
        return None


def _day(stated: str) -> date | None:
    try:
        return datetime.strptime(stated, "%y%m%d").date()
    except ValueError:
        return None


def _settled(stated: str, near: date | None) -> date | None:
    """The day the operator settles: a number of the year of the effective day, or of a neighbour at New Year."""
    if near is None or not (stated.isascii() and stated.isdigit()) or not 1 <= int(stated) <= 366:
        return None
    years = (near.year - 1, near.year, near.year + 1)
    days = [date(year, 1, 1) + timedelta(days=int(stated) - 1) for year in years]
    return min((day for day, year in zip(days, years, strict=True) if day.year == year), key=lambda d: abs(d - near))
