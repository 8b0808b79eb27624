"""One entry of a statement (`Ntry`) as rows of `bank.entries`, one per payment in it."""

import re
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from ingestion.bank.document import account_id, descend, source_text, text
from ingestion.bank.message import CENT, UnusableRecord

_AMOUNT = re.compile(r"[0-9]{1,16}(\.[0-9]{1,5})?")  # 16 integer digits are what decimal(18,2) holds


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


STATEMENT = _names(
    "Id StmtPgntn NtfctnPgntn ElctrncSeqNb RptgSeq LglSeqNb CreDtTm FrToDt CpyDplctInd RptgSrc Acct RltdAcct Intrst "
    "Bal TxsSummry Ntry AddtlStmtInf AddtlNtfctnInf"
)
_ENTRY = _names(
    "NtryRef Amt CdtDbtInd RvslInd Sts BookgDt ValDt AcctSvcrRef Avlbty BkTxCd ComssnWvrInd AddtlInfInd AmtDtls Chrgs "
    "TechInptChanl Intrst CardTx NtryDtls AddtlNtryInf"
)
_PAYMENT = _names(
    "Refs Amt CdtDbtInd AmtDtls Avlbty BkTxCd Chrgs Intrst RltdPties RltdAgts LclInstrm Purp RltdRmtInf RmtInf RltdDts "
    "RltdPric RltdQties FinInstrmId Tax RtrInf CorpActn SfkpgAcct CshDpst CardTx AddtlTxInf SplmtryData"
)
"""Elements of versions 2 to 8 of a statement or notification, its entries and their payments."""
SIGN = {"CRDT": 1, "DBIT": -1}
STATUSES = ("BOOK", "PDNG", "INFO", "FUTR")


def rows(entry: Element, entry_no: str, statement_id: str, account_iban: str) -> list[dict]:
    """One row per transaction (TxDtls) of the entry, or one for the entry as a whole.

    An entry is split where it has several TxDtls with amounts; those must add up to the entry's amount. With a single
    TxDtls the entry's own amount counts: it is what moved the balance (the detail may be in the payer's currency).
    Amounts are >= 0 with the side in `credit_debit_code`. Raises UnusableRecord."""
    amount, ccy_code = read_amount(entry)
    side = _side(entry)
    entry_status = status(entry)
    if entry_status not in STATUSES:
        raise UnusableRecord("invalid_status", f"status is {entry_status!r}, not one of {', '.join(STATUSES)}")
    is_reversal = text(entry, "RvslInd") in ("true", "1")
    common = {
        "statement_id": statement_id,
        "account_iban": account_iban,
        "entry_reference": reference(entry),
        "ccy_code": ccy_code,
        "is_reversal": is_reversal,
        "status_code": entry_status,
        "booking_date": read_day(entry, "BookgDt"),
        "value_date": read_day(entry, "ValDt"),
    }
    code, note = _transaction_code(entry), text(entry, "AddtlNtryInf")
    shares = _payments(entry, amount, ccy_code, side)
    found = []
    for position, (detail, share, share_side) in enumerate(shares, 1):
        refs = descend(detail, "Refs")
        others = [*unknown(entry, _ENTRY), *(() if detail is None else unknown(detail, _PAYMENT))]
        name, account, bic = _counterparty(detail, share_side, is_reversal, account_iban)
        found.append(
            {
                **common,
                "entry_id": f"{entry_no}/{position}",
                "servicer_reference": text(entry, "AcctSvcrRef") or text(refs, "AcctSvcrRef"),
                "amount": share,
                "credit_debit_code": share_side,
                "bank_transaction_code": _transaction_code(detail) or code,
                "end_to_end_id": text(refs, "EndToEndId"),
                "instruction_id": text(refs, "InstrId"),
                "tx_id": text(refs, "TxId"),
                "uetr": text(refs, "UETR"),
                "counterparty_name": name,
                "counterparty_account": account,
                "counterparty_bic": bic,
                "remittance_text": _remittance(detail) or note,
                "other_elements": "".join(map(source_text, others)) or None,
            }
        )
    return found


def unknown(element: Element, known: frozenset[str]) -> list[Element]:
    """The elements directly in this one that no version of its message has."""
    return [one for one in element if one.tag not in known]


def new_names(entry: Element) -> set[str]:
    """The names of those of an entry and of its payments."""
    names = {f"{entry.tag}.{one.tag}" for one in unknown(entry, _ENTRY)}
    details = (detail for group in entry.findall("NtryDtls") for detail in group.findall("TxDtls"))
    return names.union(*({f"{detail.tag}.{one.tag}" for one in unknown(detail, _PAYMENT)} for detail in details))


def amounts(entry: Element) -> list[Decimal | None]:
    """The amounts of the payments in an entry that cannot be used: as many as `rows` would make of it, so that each
    keeps its number when it can. One without amount, where nobody can read how it is split."""
    try:
        return [share for _, share, _ in _payments(entry, *read_amount(entry), _side(entry))]
    except UnusableRecord:
        return [amount_or_none(entry)]


def _payments(entry: Element, amount: Decimal, ccy_code: str, side: str) -> list[tuple[Element | None, Decimal, str]]:
    details = [detail for group in entry.findall("NtryDtls") for detail in group.findall("TxDtls")]
    if len(details) > 1:
        return _shares(details, amount, ccy_code, side)
    return [(details[0] if details else None, amount, side)]


def _shares(
    details: list[Element], amount: Decimal, ccy_code: str, side: str
) -> list[tuple[Element | None, Decimal, str]]:
    """Each transaction with its amount and side; the entry as a whole where the transactions name no amounts (a batch
    booked as one sum)."""
    shares = []
    total = Decimal(0)
    for detail in details:
        holder = detail if detail.find("Amt") is not None else descend(detail, "AmtDtls", "TxAmt")
        if holder is None or holder.find("Amt") is None:
            return [(None, amount, side)]
        share, share_ccy = read_amount(holder)
        if share_ccy != ccy_code:
            raise UnusableRecord(
                "details_in_other_currency", f"a transaction in {share_ccy} inside an entry in {ccy_code}"
            )
        share_side = _side(detail) if detail.find("CdtDbtInd") is not None else side
        total += share if share_side == side else -share
        shares.append((detail, share, share_side))
    if total != amount:
        raise UnusableRecord(
            "details_do_not_add_up", f"the entry is {amount}, its {len(shares)} transactions sum to {total}"
        )
    return shares


def _counterparty(
    detail: Element | None, side: str, is_reversal: bool, own: str
) -> tuple[str | None, str | None, str | None]:
    """Name, account and BIC of the other side: the debtor of money received, the creditor of money sent; a reversal
    names the parties of the payment it takes back. Where that side is not named the other one is, unless it is the
    account itself."""
    parties = descend(detail, "RltdPties")
    if parties is None:
        return None, None, None
    for role in ("Dbtr", "Cdtr") if (side == "CRDT") != is_reversal else ("Cdtr", "Dbtr"):
        party = parties.find(role)
        name = text(party, "Nm") or text(party, "Pty", "Nm")
        account = account_id(parties.find(f"{role}Acct"))
        if account != own and (name or account):
            bank = descend(detail, "RltdAgts", f"{role}Agt", "FinInstnId")
            return name, account, text(bank, "BICFI") or text(bank, "BIC")
    return None, None, None


def _remittance(detail: Element | None) -> str | None:
    """The free text lines in order, then structured references, one space between them."""
    information = descend(detail, "RmtInf")
    if information is None:
        return None
    lines = [text(line) for line in information.findall("Ustrd")]
    for block in information.findall("Strd"):
        lines += [text(block, "CdtrRefInf", "Ref"), text(block, "AddtlRmtInf")]
    return " ".join(line for line in lines if line) or None


def _transaction_code(node: Element | None) -> str | None:
    """`domain/family/subfamily`, else the bank's proprietary code."""
    code = descend(node, "BkTxCd")
    domain = descend(code, "Domn")
    if domain is not None:
        parts = (text(domain, "Cd"), text(domain, "Fmly", "Cd"), text(domain, "Fmly", "SubFmlyCd"))
        return "/".join(part or "" for part in parts)
    return text(code, "Prtry", "Cd")


def reference(entry: Element) -> str | None:
    """The bank's own reference of the entry as a whole."""
    return text(entry, "NtryRef") or text(entry, "AcctSvcrRef")


def status(entry: Element) -> str | None:
    """Plain text up to version 4, a code element since."""
    stated = entry.find("Sts")
    return text(stated) or text(stated, "Cd") or text(stated, "Prtry")


def _side(node: Element) -> str:
    side = text(node, "CdtDbtInd")
    if side not in SIGN:
        raise UnusableRecord("invalid_side", f"CdtDbtInd is {side!r}, not CRDT or DBIT")
    return side


def read_amount(node: Element) -> tuple[Decimal, str]:
    """Amount (>= 0, two decimals, exact) and currency of the node's `Amt`. Raises UnusableRecord."""
    stated = text(node, "Amt")
    if stated is None or not _AMOUNT.fullmatch(stated):
        raise UnusableRecord("invalid_amount", f"Amt {stated!r} is not a plain amount of at most 16 integer digits")
    ccy_code = node.find("Amt").get("Ccy")
    if not ccy_code:
        raise UnusableRecord("missing_currency", "Amt has no currency (attribute Ccy)")
    exact = Decimal(stated)
    amount = exact.quantize(CENT)
    if amount != exact:
        raise UnusableRecord("amount_precision", f"Amt {stated} has more than two decimals, which would be lost")
    return amount, ccy_code


def amount_or_none(node: Element) -> Decimal | None:
    """The amount even where it has too many decimals, for accounting of what is rejected."""
    stated = text(node, "Amt")
    return Decimal(stated) if stated and _AMOUNT.fullmatch(stated) else None


def signed_or_none(node: Element) -> Decimal | None:
    """Credits positive, debits negative."""
    amount, sign = amount_or_none(node), SIGN.get(text(node, "CdtDbtInd") or "")
    return None if amount is None or sign is None else amount * sign


def ccy_or_none(node: Element | None) -> str | None:
    amount = descend(node, "Amt")
    return None if amount is None else amount.get("Ccy")


def read_day(entry: Element, name: str) -> date | None:
    """The bank's own calendar day, also where it states a time. Raises UnusableRecord."""
    stated = text(entry, name, "Dt") or text(entry, name, "DtTm")
    try:
        return None if stated is None else date.fromisoformat(stated[:10])
    except ValueError:
        raise UnusableRecord("invalid_date", f"{name} {stated!r} is not a date") from None


def event_date_or_none(entry: Element) -> date | None:
    """Booking day, else value day: the day the entry counts for in totals."""
    for name in ("BookgDt", "ValDt"):
        try:
            if day := read_day(entry, name):
                return day
        except UnusableRecord:
            continue
    return None
