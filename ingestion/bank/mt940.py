"""MT940 statements as plain records: several in a file, with their balances, and what the bank wrote kept whole.

Belongs here: reading one file, a pure function of its bytes. The content of a field is read by the library `mt940`,
after a pattern has seen that nothing of it would be cut off; it logs what it cannot read, so its log is switched off.
"""

import logging
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from mt940.models import Transactions
from mt940.options import Options

from ingestion.bank import plain
from ingestion.bank.message import CENT, Message, UnusableFile, UnusableRecord, is_balanced, told_apart

logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

_OPTIONS = Options.all()
_FIELD = re.compile(r":([0-9]{2}[A-Z]?|NS):")
_ENTRY = re.compile(r"[0-9]{6}(?:[0-9]{4}| {4})?R?[CD][A-Z]?([0-9]{1,14},[0-9]{0,5})[A-Z][A-Z0-9]{3}(.*)")
_BALANCE = re.compile(r"[CD][0-9]{6}([A-Z]{3})[0-9]{1,14},[0-9]{0,2}")
_NUMBER = re.compile(r"([0-9]{1,5})(?:/([0-9]{1,5}))?")
_MADE = re.compile(r"([0-9]{10})(?:([+-][0-9]{4}))?")
_SIDES = {"C": ("CRDT", False), "D": ("DBIT", False), "RC": ("DBIT", True), "RD": ("CRDT", True)}

Field = tuple[str, str]


def parse(raw: bytes, encoding: str = "utf-8") -> Message:
    """The statements in `raw`. Raises UnusableFile when the whole file has to be rejected."""
    message = Message("mt940")
    seen: dict[str, list] = {}
    statements = _statements(plain.lines(raw, encoding))
    if not statements:
        raise UnusableFile("not_mt940", "no line begins a statement (:20:)")
    for fields in statements:
        _read_statement(fields, message, seen)
    return message


def _statements(lines: list[str]) -> list[list[Field]]:
    """The fields of each statement: from `:20:` to the line that ends the message, or to the next `:20:`."""
    found: list[list[Field]] = []
    inside = False
    for line in lines:
        start = _FIELD.match(line)
        if start and start.group(1) == "20":
            found.append([])
            inside = True
        elif line.rstrip() in ("-", "-}"):
            inside = False
        if not inside:
            continue
        if start:
            found[-1].append((start.group(1), line[start.end() :]))
        elif line.strip():
            tag, value = found[-1][-1]
            found[-1][-1] = (tag, f"{value}\n{line}")
    return found


def _read_statement(fields: list[Field], message: Message, seen: dict[str, list]) -> None:
    message.statement_no += 1
    ccy_code = _ccy(fields)
    entries = _entries(fields)
    try:
        row, ccys = _statement(fields, seen)
    except UnusableRecord as error:
        values = dict(reversed(fields))
        message.reject_statement(error, _shown(fields), values["20"].strip(), values.get("25", "").strip())
        for line, details in entries:
            _reject_entry(message, error, line, details, ccy_code)
        return
    net = Decimal(0)
    for position, (line, details) in enumerate(entries, 1):
        try:
            payment = _payment(line, details)
        except UnusableRecord as error:
            _reject_entry(message, error, line, details, ccy_code)
            # Its amount moved the balance, whatever else is wrong with it
            net += _signed(line) or 0
            continue
        net += payment["amount"] if payment["credit_debit_code"] == "CRDT" else -payment["amount"]
        payment |= {
            "entry_id": f"{row['statement_id']}/{position}/1",
            "statement_id": row["statement_id"],
            "account_iban": row["account_iban"],
            "message_type_code": message.type_code,
            "ccy_code": row["ccy_code"],
            "status_code": "BOOK",
        }
        message.number([payment])
    row |= {"entry_count": len(entries), "entries_net_amount": net.quantize(CENT)}
    row |= {"is_balanced": is_balanced(row, ccys), "_record_no": message.statement_no}
    message.statements.append(row)


def _entries(fields: list[Field]) -> list[tuple[str, str | None]]:
    """The statement lines (:61:), each with the details (:86:) that directly follow it."""
    found = []
    for position, (tag, value) in enumerate(fields):
        if tag == "61":
            following = fields[position + 1] if position + 1 < len(fields) else ("", "")
            found.append((value, following[1] if following[0] == "86" else None))
    return found


def _statement(fields: list[Field], seen: dict[str, list]) -> tuple[dict, set[str | None]]:
    """The statement's row without what its entries give, and the currencies of its balances."""
    values = dict(reversed(fields))  # of a field that comes twice the first counts
    account, reference = values.get("25", "").strip(), values["20"].strip()
    if not account:
        raise UnusableRecord("missing_identifier", "the statement lacks its account (:25:)")
    opening = _balance(values, "60", "opening")
    closing = _balance(values, "62", "closing")
    number = _NUMBER.fullmatch((values.get("28C") or values.get("28") or "").strip())
    if number is None:
        raise UnusableRecord("missing_identifier", "the statement lacks its number (:28C:)")
    ended = closing.date
    base = f"mt940/{reference}/{account}/{date(ended.year, ended.month, ended.day)}/{number.group(1)}"
    if number.group(2):
        base += f"/page {int(number.group(2))}"
    return {
        "statement_id": told_apart(base, fields, seen),
        "message_id": reference,
        "message_type_code": "mt940",
        "account_iban": account,
        "ccy_code": opening.amount.currency,
        "electronic_sequence_no": int(number.group(1)),
        "page_no": int(number.group(2)) if number.group(2) else None,
        "opening_balance_amount": opening.amount.amount.quantize(CENT),
        "closing_balance_amount": closing.amount.amount.quantize(CENT),
        "created_at": _made(values.get("13D")) or datetime(ended.year, ended.month, ended.day),
    }, {opening.amount.currency, closing.amount.currency}


def _balance(values: dict[str, str], tag: str, name: str):
    """The balance of the statement (F) or, where it goes over several messages, of this page (M)."""
    tag = f"{tag}F" if f"{tag}F" in values else f"{tag}M"
    stated = values.get(tag, "").strip()
    if not stated:
        raise UnusableRecord(
            "missing_balance", f"the statement has no {name} balance (:{tag[:2]}F:): the file may be cut off"
        )
    if not _BALANCE.fullmatch(stated):
        raise UnusableRecord("invalid_balance", f"the {name} balance (:{tag}:) cannot be read")
    try:
        read = Transactions(options=_OPTIONS)
        read.parse(f":{tag}:{stated}")
        return next(iter(read.data.values()))
    except (RuntimeError, ValueError, ArithmeticError, StopIteration):
        raise UnusableRecord("invalid_balance", f"the {name} balance (:{tag}:) has no such date") from None


def _payment(line: str, details: str | None) -> dict:
    """The statement line as a row without what its statement gives."""
    first = line.split("\n", 1)[0].rstrip()
    stated = _ENTRY.fullmatch(first)
    if stated is None:
        raise UnusableRecord("invalid_entry", "the statement line (:61:) is not as MT940 has it")
    references = stated.group(2).partition("//")
    if len(references[0]) > 16 or len(references[2]) > 23:
        raise UnusableRecord("invalid_entry", "a reference in the statement line (:61:) is longer than MT940 allows")
    read = Transactions(options=_OPTIONS)
    try:
        (made,) = read.parse(f":61:{line}\n:86:{details}" if details else f":61:{line}")
    except (RuntimeError, ValueError, ArithmeticError):
        raise UnusableRecord("invalid_entry", "the statement line (:61:) has no such date or amount") from None
    found = made.data
    amount = abs(found["amount"].amount)
    if amount.quantize(CENT) != amount:
        raise UnusableRecord("amount_precision", f"amount {amount} has more than two decimals, which would be lost")
    side, is_reversal = _SIDES[found["status"]]
    booked, bank = found.get("entry_date"), found.get("bank_reference") or None
    customer = (found.get("customer_reference") or "").strip()
    return {
        "entry_reference": bank,
        "servicer_reference": bank,
        "amount": amount.quantize(CENT),
        "credit_debit_code": side,
        "is_reversal": is_reversal,
        "booking_date": _day(booked) if booked and not isinstance(booked, str) else _day(found["date"]),
        "value_date": _day(found["date"]),
        "bank_transaction_code": found.get("id"),
        "end_to_end_id": found.get("end_to_end_reference") or None,
        "instruction_id": None if customer in ("", "NONREF") else customer,
        "counterparty_name": found.get("applicant_name") or None,
        "counterparty_account": found.get("applicant_iban") or None,
        "counterparty_bic": found.get("applicant_bin") or None,
        "remittance_text": details or "\n".join(line.split("\n")[1:]) or None,
    }


def _reject_entry(
    message: Message, error: UnusableRecord, line: str, details: str | None, ccy_code: str | None
) -> None:
    day, signed = _booking_day(line), _signed(line)
    raw = f":61:{line}" if details is None else f":61:{line}\n:86:{details}"
    stated = _ENTRY.fullmatch(line.split("\n", 1)[0].rstrip())
    reference = stated.group(2).partition("//")[2].strip() if stated else None
    message.reject_entry(error, raw, day, ccy_code, None if signed is None else abs(signed), reference)


def _booking_day(line: str) -> date | None:
    """The booking day of a line, whatever is wrong with its references and amount; None where it has none."""
    stated = _ENTRY.fullmatch(line.split("\n", 1)[0].rstrip())
    if stated is None:
        return None
    plain_line = f"{line[: stated.start(1)]}0,{line[stated.end(1) : stated.start(2)]}NONREF"
    try:
        return _payment(plain_line, None)["booking_date"]
    except UnusableRecord:
        return None


def _signed(line: str) -> Decimal | None:
    """The exact amount of a line, credits positive; None where the line is not as it should be."""
    stated = _ENTRY.fullmatch(line.split("\n", 1)[0].rstrip())
    if stated is None:
        return None
    amount = Decimal(stated.group(1).replace(",", "."))
    mark = line[: stated.start(1)].lstrip("0123456789 ")
    return amount if mark.startswith(("C", "RD")) else -amount


def _ccy(fields: list[Field]) -> str | None:
    stated = next((_BALANCE.fullmatch(value.strip()) for tag, value in fields if tag in ("60F", "60M")), None)
    return stated.group(1) if stated else None


def _day(moment: date) -> date:
    return date(moment.year, moment.month, moment.day)


def _made(stated: str | None) -> datetime | None:
    """When the report was made (:13D:), UTC; without an offset taken as UTC."""
    found = _MADE.fullmatch((stated or "").strip())
    try:
        moment = found and datetime.strptime(found.group(1) + (found.group(2) or "+0000"), "%y%m%d%H%M%z")
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _shown(fields: list[Field]) -> str:
    return "\n".join(f":{tag}:{value}" for tag, value in fields if tag not in ("61", "86"))
