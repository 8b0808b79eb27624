"""Control totals of an MT940 file on a path of their own: patterns over the text, nothing of the reader.

Belongs here: counting. Shared with the other formats are only the words in which a count is told.
"""

import re
from datetime import date, timedelta
from decimal import Decimal

from ingestion.bank.count import Payment, StatementCount

_CLOSED = re.compile(rb"^:62[FM]:[CD]([0-9]{6})", re.MULTILINE)
_ACCOUNT = re.compile(r"^:25:(.*)$", re.MULTILINE)
_CCY = re.compile(r"^:60[FM]:[CD][0-9]{6}([A-Z]{3})[0-9]{1,14},[0-9]{0,2}[ \t]*$", re.MULTILINE)
_LINE = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})|    )?R?[CD][A-Z]?"
    r"([0-9]{1,14}),([0-9]{0,5})[A-Z][A-Z0-9]{3}(?:(?!//).)*(?://(.*?))?[ \t]*$"
)


def as_text(raw: bytes) -> str:
    """Whatever the bytes are, one character each: what is counted here is plain ASCII."""
    return raw.removeprefix(b"\xef\xbb\xbf").decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


def created_at(raw: bytes) -> str | None:
    """The end of the last day a balance in the file closes, ISO: no statement can have been known before."""
    days = []
    for stated in _CLOSED.findall(raw):
        day = _date(f"20{stated[:2].decode()}", stated[2:4].decode(), stated[4:].decode())
        days += [day] if day else []
    return f"{max(days) + timedelta(days=1)}T00:00:00" if days else None


def statement_count(text: str) -> int:
    return len(_parts(text))


def statements(text: str) -> list[StatementCount]:
    """Every statement; an MT940 states no totals of its own beside its balances."""
    return [
        StatementCount(found, len(found), sum((p.amount or Decimal(0) for p in found), Decimal(0)), None)
        for found in (_payments(part) for part in _parts(text))
    ]


def payments(text: str) -> list[Payment]:
    """Every statement line (:61:) in the text."""
    return [payment for part in _parts(text) for payment in _payments(part)]


def statement_keys(text: str) -> list[str | None]:
    """The reference (:20:) and the account (:25:) of every statement, which the hash of the statements is over."""
    found = []
    for part in _parts(text):
        account = _ACCOUNT.search(part)
        said = _plain(part.partition("\n")[0]), _plain(account and account.group(1))
        found.append(None if None in said else ":".join(said))
    return found


def _plain(text: str | None) -> str | None:
    """The text without blanks around it; None for one beyond ASCII, whose encoding only the reader is told."""
    text = (text or "").strip()
    return text if text.isascii() else None


def _parts(text: str) -> list[str]:
    parts = re.split(r"^:20:", text, flags=re.MULTILINE)[1:]
    return [re.split(r"^-}?[ \t]*$", part, maxsplit=1, flags=re.MULTILINE)[0] for part in parts]


def _payments(statement: str) -> list[Payment]:
    ccy = _CCY.search(statement)
    found = []
    for part in re.split(r"^:61:", statement, flags=re.MULTILINE)[1:]:
        line = _LINE.match(part.partition("\n")[0])
        if line is None:
            found.append(Payment(None, ccy and ccy.group(1), None, part, ""))
            continue
        year, month, day, booked_month, booked_day, whole, cents, reference = line.groups()
        valued = _date(f"20{year}", month, day)
        amount = Decimal(f"{whole}.{cents or 0}")
        booked = _booked(valued, booked_month, booked_day)
        found.append(Payment(booked, ccy and ccy.group(1), amount, part, _plain(reference)))
    return found


def _booked(valued: date | None, month: str | None, day: str | None) -> date | None:
    """The booking day has no year of its own: it is that of the value date, but for the days around New Year."""
    if valued is None or month is None:
        return valued
    booked = _date(str(valued.year), month, day)
    if booked is None or abs((booked - valued).days) < 330:
        return booked
    return _date(str(valued.year + (1 if booked < valued else -1)), month, day)


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
