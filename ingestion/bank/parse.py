"""camt.053 statements and camt.054 notifications (versions 2 to 8) as plain records. A notification has no balances.

Belongs here: reading one message, a pure function of its bytes. Single entries are in `entry`, XML in `document`,
control totals on an independent path in `count`; deliveries, known-at times and dlt in the package's `__init__`.
"""

from decimal import Decimal
from xml.etree.ElementTree import Element, canonicalize, tostring

from ingestion.bank import entry as entries
from ingestion.bank.document import account_id, instant, instant_or_none, read, source_text, text
from ingestion.bank.message import CENT, Message, UnusableFile, UnusableRecord, is_balanced, told_apart


def parse(raw: bytes) -> Message:
    """The message in `raw`. Instants become naive UTC; booking and value dates stay the bank's own calendar day.
    Raises UnusableFile when the whole file has to be rejected."""
    type_code, version, body, statements = read(raw)
    created = text(body, "GrpHdr", "CreDtTm")
    if created is None:
        raise UnusableFile("missing_creation_time", "the group header has no creation time (GrpHdr/CreDtTm)")
    try:
        created_at = instant(created)
    except ValueError:
        raise UnusableFile("invalid_creation_time", f"GrpHdr/CreDtTm {created!r} is not a date and time") from None
    message = Message(type_code, version, text(body, "GrpHdr", "MsgId") or "", created_at)
    seen: dict[str, list[Element]] = {}
    for statement in statements:
        _read_statement(statement, message, seen)
    return message


def _read_statement(statement: Element, message: Message, seen: dict[str, list[Element]]) -> None:
    message.statement_no += 1
    message.added |= {f"{statement.tag}.{one.tag}" for one in entries.unknown(statement, entries.STATEMENT)}
    message.added |= set().union(*map(entries.new_names, statement.findall("Ntry")))
    try:
        row, balance_ccys = _statement(statement, message, seen)
    except UnusableRecord as error:
        account = account_id(statement.find("Acct"))
        message.reject_statement(error, source_text(statement), message.message_id, account)
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
            _reject_payments(entry, error, message)
            continue
        for payment in found:
            payment["message_type_code"] = message.type_code
        message.number(found)
    row["entry_count"] = count
    row["entries_net_amount"] = net.quantize(CENT)
    row["is_balanced"] = is_balanced(row, ccys)
    row["_record_no"] = message.statement_no
    message.statements.append(row)


def _reject_payments(entry: Element, error: UnusableRecord, message: Message) -> None:
    """One reject per payment in the entry, as control totals count them."""
    day, ccy_code = entries.event_date_or_none(entry), entries.ccy_or_none(entry)
    for amount in entries.amounts(entry):
        message.reject_entry(error, source_text(entry), day, ccy_code, amount, entries.reference(entry))


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
    sequence, page = text(statement, "ElctrncSeqNb"), text(statement, "StmtPgntn", "PgNb")
    return {
        "statement_id": _statement_id(statement, _base(message, identifier, account), seen),
        "message_id": message.message_id,
        "message_type_code": message.type_code,
        "msg_version": message.version,
        "account_iban": account,
        "ccy_code": ccy_code,
        "electronic_sequence_no": _whole(sequence),
        "page_no": _whole(page),
        "from_at": instant_or_none(text(statement, "FrToDt", "FrDtTm")),
        "to_at": instant_or_none(text(statement, "FrToDt", "ToDtTm")),
        "opening_balance_amount": opening,
        "closing_balance_amount": closing,
        "created_at": instant_or_none(text(statement, "CreDtTm")) or message.created_at,
    }, {ccy for ccy in (opening_ccy, closing_ccy) if ccy}


def _whole(stated: str | None) -> int | None:
    return int(stated) if stated and stated.isdecimal() and len(stated) < 19 else None


def _base(message: Message, identifier: str, account: str) -> str:
    base = "/".join((message.message_id, identifier, account))
    # A bank may number both alike, and a notification must never replace a statement.
    return base if message.type_code == "camt.053" else f"{message.type_code}/{base}"


def _statement_id(statement: Element, base: str, seen: dict[str, list[Element]]) -> str:
    """The id, told apart by page number, and by content where a file holds several statements under one id."""
    number, last = text(statement, "StmtPgntn", "PgNb"), text(statement, "StmtPgntn", "LastPgInd")
    if number is not None and (number != "1" or last != "true"):
        base += f"/page {number}"
    return told_apart(base, statement, seen, _content)


def _content(statement: Element) -> str:
    return canonicalize(tostring(statement, encoding="unicode"), strip_text=True)


def _balance(statement: Element, *codes: str) -> tuple[Decimal | None, str | None]:
    """The signed amount and currency of the first balance of the first code that occurs."""
    for code in codes:
        for balance in statement.findall("Bal"):
            if text(balance, "Tp", "CdOrPrtry", "Cd") == code:
                signed = entries.signed_or_none(balance)
                return (None, None) if signed is None else (signed.quantize(CENT), entries.ccy_or_none(balance))
    return None, None
