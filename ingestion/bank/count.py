"""Control totals of a statement file on a path of their own: patterns over the text, no XML reader.

Belongs here: counting. It knows the shape of the format, and nothing of `parse`; the two must agree on real files.
All of it is linear in the size of the file, whatever the file holds.
"""

import html
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ingestion import wire
from ingestion.control_totals import record_hash

_ENCODING = re.compile(rb"""^\s{0,9}<\?xml[^>]{0,99}\sencoding\s{0,9}=\s{0,9}["']([\w.-]{1,40})["']""")
_CREATED = re.compile(rb"CreDtTm>\s{0,99}([0-9T:.+Z-]{10,40})\s{0,99}<")
_TAG = re.compile(r"<(/?)(?:[\w.-]{1,64}:)?(\w{1,64})(\s[^<>]{0,500})?>")
_AMOUNT = re.compile(r"""<Amt(?:\s+Ccy\s*=\s*["'](\w{1,9})["'])?\s*>\s*([0-9]{1,16}(?:\.[0-9]{1,5})?)\s*</""")
_SIDE = re.compile(r"<CdtDbtInd>\s*(CRDT|DBIT)\s*<")
_BOOKED, _VALUED = (
    re.compile(rf"<{name}>\s*<(?:Dt|DtTm)>\s*([0-9]{{4}}-[0-9][0-9]-[0-9][0-9])") for name in ("BookgDt", "ValDt")
)
_NUMBER = re.compile(r"<NbOfNtries>\s*([0-9]{1,15})\s*<")
_SUM = re.compile(r"<Sum>\s*([0-9]{1,18}(?:\.[0-9]{1,5})?)\s*<")
_STATEMENTS = ("Stmt", "Ntfctn")
_OTHER_AMOUNTS = ("InstdAmt", "CntrValAmt", "AnncdPstngAmt", "PrtryAmt", "Chrgs")


@dataclass
class Payment:
    """One payment as the patterns see it; `text` is the entry it lies in, `reference` the bank's own word for it: empty
    where there is none, None where it is written so that patterns cannot tell."""

    event_date: date | None
    ccy_code: str | None
    amount: Decimal | None
    text: str
    reference: str | None

    @property
    def share(self) -> int | None:
        """Its share of the hash of the entries."""
        return None if self.reference is None else record_hash(wire.key(self.reference), self.amount)


@dataclass
class StatementCount:
    """What the patterns count in one statement, and what it states itself (TxsSummry/TtlNtries); None where it states
    nothing, for the sum also where its entries are in several currencies."""

    payments: list[Payment]
    entries: int
    amount: Decimal
    ccy_code: str | None
    stated_entries: int | None = None
    stated_amount: Decimal | None = None

    @property
    def agrees(self) -> bool:
        return self.stated_entries in (None, self.entries) and self.stated_amount in (None, self.amount)


def as_text(raw: bytes) -> str:
    """The file as text without comments and with plain tags, whatever it holds. Decoded by its byte order mark, the
    encoding it declares, else UTF-8; bytes that are not of that encoding become escapes."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        declared = _ENCODING.match(raw.removeprefix(b"\xef\xbb\xbf"))
        encoding = declared.group(1).decode() if declared else "utf-8"
    try:
        text = raw.decode(encoding, "backslashreplace")
    except (LookupError, UnicodeError):
        text = raw.decode("latin-1")
    before, *rest = text.split("<!--")
    text = before + "".join(part.partition("-->")[2] for part in rest)
    starts = text.count("<Ntry>")
    is_plain = starts == text.count("</Ntry>") and 2 * starts == text.count("Ntry>") and statement_count(text)
    if is_plain and not any(odd in text for odd in ("Ntry ", " >", "\n>", "\r>", "\t>")):
        return text
    # Prefixed, attributed or spaced tags: only then is a pass over every tag needed, to have them plain
    return _TAG.sub(_plain_tag, text)


def _plain_tag(tag: re.Match) -> str:
    end, name, attributes = tag.groups()
    return f"<{end}{name}{attributes if attributes and name == 'Amt' else ''}>"


def created_at(raw: bytes) -> str | None:
    """The first creation time in the file, as written."""
    found = _CREATED.search(raw)
    return found.group(1).decode() if found else None


def statement_count(text: str) -> int:
    return sum(text.count(f"<{name}>") for name in _STATEMENTS)


def statement_keys(text: str) -> list[str | None]:
    """The message's id and the account of every statement, which the hash of the statements is over; None where
    patterns cannot tell."""
    message_id = _said(text, "MsgId")
    return [
        _key(message_id, _account(statement))
        for statement, _ in (element for name in _STATEMENTS for element in _elements(text, name))
    ]


def _account(statement: str) -> str | None:
    account = next((inside for inside, _ in _elements(statement, "Acct")), "")
    account = re.split("<(?:Ownr|Svcr)>", account, maxsplit=1)[0]
    iban = _said(account, "IBAN")
    other = next((inside for inside, _ in _elements(account, "Othr")), "")
    return iban if iban != "" else _said(other, "Id")


def _key(*parts: str | None) -> str | None:
    return None if None in parts else wire.key(*parts)


def _said(text: str, name: str) -> str | None:
    """The text of the first element of a name; empty where there is none, None where it is more than plain text."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    if found:
        return html.unescape(found.group(1)).strip()
    return None if f"<{name}>" in text else ""


def statements(text: str) -> list[StatementCount]:
    """Every statement in the text, the last one also where the file is cut off in it."""
    found = []
    for statement, _ in (element for name in _STATEMENTS for element in _elements(text, name)):
        counted = [_amount(_without(entry, "TxDtls")) for entry, _ in _elements(statement, "Ntry")]
        ccys = {ccy for ccy, _ in counted}
        ccy_code = ccys.pop() if len(ccys) == 1 else None
        summary = next((inside for inside, closed in _elements(statement, "TtlNtries") if closed), "")
        number, amount = _NUMBER.search(summary), _SUM.search(summary)
        found.append(
            StatementCount(
                payments(statement),
                len(counted),
                sum((entry for _, entry in counted if entry is not None), Decimal(0)),
                ccy_code,
                int(number.group(1)) if number else None,
                Decimal(amount.group(1)) if amount and ccy_code else None,
            )
        )
    return found


def payments(text: str) -> list[Payment]:
    """Every payment in the text: one per entry, or one per TxDtls where an entry has several with amounts that add up.
    An entry that never ends (a file cut off) counts as one without amount."""
    found = []
    for entry, closed in _elements(text, "Ntry"):
        found += _of_entry(entry) if closed else [Payment(None, None, None, entry, "")]
    return found


def _of_entry(entry: str) -> list[Payment]:
    head = _without(entry, "TxDtls")
    day = _day(_BOOKED.search(head)) or _day(_VALUED.search(head))
    ccy_code, amount = _amount(head)
    reference = _said(head, "NtryRef")
    reference = _said(head, "AcctSvcrRef") if reference == "" else reference
    details = [detail for detail, _ in _elements(entry, "TxDtls")]
    if len(details) > 1:
        shares = [_amount(_without(detail, *_OTHER_AMOUNTS)) for detail in details]
        if all(share is not None for _, share in shares):
            side = _SIDE.search(head)
            signs = [_sign(detail, side) for detail in details]
            total = sum(sign * share for sign, (_, share) in zip(signs, shares, strict=True))
            if total == amount and {ccy for ccy, _ in shares} == {ccy_code}:
                return [Payment(day, ccy_code, share, entry, reference) for _, share in shares]
    return [Payment(day, ccy_code, amount, entry, reference)]


def _day(found: re.Match | None) -> date | None:
    try:
        return date.fromisoformat(found.group(1)) if found else None
    except ValueError:
        return None


def _sign(detail: str, side: re.Match | None) -> int:
    own = _SIDE.search(detail)
    return 1 if own is None or side is None or own.group(1) == side.group(1) else -1


def _amount(text: str) -> tuple[str | None, Decimal | None]:
    found = _AMOUNT.search(text)
    return (found.group(1), Decimal(found.group(2))) if found else (None, None)


def _elements(text: str, name: str) -> list[tuple[str, bool]]:
    """(text between start and end tag, whether it ends) of every element of a name; elements do not nest."""
    end = f"</{name}>"
    found = []
    for part in text.split(f"<{name}>")[1:]:
        inside, closed, _ = part.partition(end)
        found.append((inside, bool(closed)))
    return found


def _without(text: str, *names: str) -> str:
    for name in names:
        end = f"</{name}>"
        before, *rest = text.split(f"<{name}>")
        text = before + "".join(part.partition(end)[2] for part in rest)
    return text
