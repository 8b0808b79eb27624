"""Control totals of a Nacha file on a path of their own: patterns over the text, nothing of the reader.

Belongs here: counting. A batch states its own totals; where the file's control says something else than its batches
do, what it says stands, so that the difference shows.
"""

import re
from datetime import date, timedelta
from decimal import Decimal

from ingestion.bank.count import Payment, StatementCount

_MADE = re.compile(rb"^101[0-9 ]{20}([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2}|  )([0-9]{2}|  )")
_FILE = re.compile(r"^9[0-9]{12}([0-9]{8})[0-9]{10}([0-9]{12})([0-9]{12}) *$", re.MULTILINE)
_BATCH = re.compile(r"^8...([0-9]{6})[0-9]{10}([0-9]{12})([0-9]{12})", re.MULTILINE)
_ENTRY = re.compile(r"^6.*", re.MULTILINE)
_ADDENDA = re.compile(r"^7", re.MULTILINE)


def as_text(raw: bytes) -> str:
    """Whatever the bytes are, one record a line and one character a byte."""
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text if "\n" in text.strip() else re.sub(r"(.{94})(?=.)", r"\1\n", text)


def created_at(raw: bytes) -> str | None:
    """The creation time in the file header, ISO."""
    found = _MADE.match(raw.removeprefix(b"\xef\xbb\xbf"))
    if found is None:
        return None
    year, month, day, hour, minute = (part.decode().strip() or "00" for part in found.groups())
    return f"20{year}-{month}-{day}T{hour}:{minute}:00"


def statement_count(text: str) -> int:
    return len(_batches(text))


def statements(text: str) -> list[StatementCount]:
    """Every batch with what its control states; all of the file in one, where the file's control contradicts them."""
    found = [_counted(batch) for batch in _batches(text)]
    control = _FILE.search(text)
    if control is None:
        return found
    records, debit, credit = control.groups()
    stated = (int(records) - len(_ADDENDA.findall(text)), _money(debit) + _money(credit))
    batches = (sum(one.stated_entries or 0 for one in found), sum(one.stated_amount or Decimal(0) for one in found))
    if stated == batches:
        return found
    everything = payments(text)
    total = sum((one.amount for one in found), Decimal(0))
    return [StatementCount(everything, len(everything), total, "USD", max(stated[0], 0), stated[1])]


def payments(text: str) -> list[Payment]:
    """Every entry detail of every batch."""
    return [payment for batch in _batches(text) for payment in _counted(batch).payments]


def statement_keys(text: str) -> list[str | None]:
    """The file's id and the account (bank and company) of every batch, which the hash of the statements is over."""
    file = text.partition("\n")[0].ljust(94)
    message_id = f"{file[3:13].strip()}/{file[13:23].strip()}/{file[23:34].strip()}"
    found = []
    for batch in _batches(text):
        header = f"5{batch.partition(chr(10))[0]}".ljust(94)
        key = f"{message_id}:{header[79:87]}/{header[40:50].strip()}"
        found.append(key if header.isascii() and file.isascii() else None)
    return found


def _batches(text: str) -> list[str]:
    return re.split(r"^5", text, flags=re.MULTILINE)[1:]


def _counted(batch: str) -> StatementCount:
    day = _day(batch)
    found = []
    for entry in _ENTRY.findall(batch):
        entry = entry.ljust(94)
        # A record cut off before its amount is counted all the same
        amount = _money(entry[29:39]) if re.fullmatch("[0-9]{10}", entry[29:39]) else None
        found.append(Payment(day, "USD", amount, "", entry[79:94] if entry.isascii() else None))
    control = _BATCH.search(batch)
    counted = StatementCount(
        found,
        len(found),
        sum((payment.amount for payment in found if payment.amount is not None), Decimal(0)),
        "USD",
    )
    if control:
        counted.stated_entries = max(int(control.group(1)) - len(_ADDENDA.findall(batch)), 0)
        counted.stated_amount = _money(control.group(2)) + _money(control.group(3))
    return counted


def _money(cents: str) -> Decimal:
    return Decimal(int(cents)) / 100


def _day(batch: str) -> date | None:
    """The day of settlement, else the effective one (positions 76-78 and 70-75 of the header, whose 5 is gone)."""
    stated, julian = batch[68:74], batch[74:77]
    try:
        effective = date(2000 + int(stated[:2]), int(stated[2:4]), int(stated[4:]))
    except ValueError:
        return None
    if not re.fullmatch("[0-9]{3}", julian) or not 1 <= int(julian) <= 366:
        return effective
    near = []
    for year in (effective.year - 1, effective.year, effective.year + 1):
        settled = date(year, 1, 1) + timedelta(days=int(julian) - 1)
        near += [settled] if settled.year == year else []
    return min(near, key=lambda settled: abs((settled - effective).days))
