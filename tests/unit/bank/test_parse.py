"""camt.053 messages, written here by hand: what a statement says is what the rows say, and nothing unusable gets by."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.bank import count
from ingestion.bank.message import UnusableFile
from ingestion.bank.parse import parse
from ingestion.control_totals import record_hash

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=60)
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."


def balance(code: str, amount: str, side: str = "CRDT", ccy: str = "EUR") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{ccy}'>{amount}</Amt>"
        f"<CdtDbtInd>{side}</CdtDbtInd></Bal>"
    )


def entry(value: str = "10.00", direction: str = "CRDT", details: str = "", **changes: str) -> str:
    parts = {
        "ref": "<NtryRef>N1</NtryRef>",
        "amount": f'<Amt Ccy="EUR">{value}</Amt>',
        "side": f"<CdtDbtInd>{direction}</CdtDbtInd>",
        "reversal": "",
        "status": "<Sts>BOOK</Sts>",
        "booked": "<BookgDt><Dt>2026-01-05</Dt></BookgDt>",
        "valued": "<ValDt><Dt>2026-01-06</Dt></ValDt>",
        "code": "<BkTxCd><Prtry><Cd>544</Cd></Prtry></BkTxCd>",
        **changes,
    }
    return f"<Ntry>{''.join(parts.values())}{f'<NtryDtls>{details}</NtryDtls>' if details else ''}</Ntry>"


def detail(amount: str | None = None, side: str = "", more: str = "") -> str:
    amount = "" if amount is None else f'<Amt Ccy="EUR">{amount}</Amt>'
    return f"<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>{amount}{side}{more}</TxDtls>"


def statement(*entries: str, balances: str = "", more: str = "", name: str = "S1") -> str:
    return (
        f"<Stmt><Id>{name}</Id>{more}<CreDtTm>2026-01-05T20:00:00+01:00</CreDtTm>"
        f"<Acct><Id><IBAN>DE02</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{''.join(entries)}</Stmt>"
    )


def message(*statements: str, version: str = "08", head: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<Document xmlns="{NAMESPACE}{version}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-01-05T21:00:00+01:00</CreDtTm></GrpHdr>"
        f"{''.join(statements)}</BkToCstmrStmt></Document>"
    ).encode()


def test_an_entry_is_one_row_with_times_in_utc_and_the_banks_own_days():
    read = parse(message(statement(entry(), balances=balance("OPBD", "5") + balance("CLBD", "15"))))
    assert (read.version, read.message_id, read.created_at) == ("08", "M1", datetime(2026, 1, 5, 20))
    (row,) = read.entries
    assert row["entry_id"] == "M1/S1/DE02/1/1"
    assert (row["amount"], row["ccy_code"], row["credit_debit_code"]) == (Decimal("10.00"), "EUR", "CRDT")
    assert (row["booking_date"], row["value_date"]) == (date(2026, 1, 5), date(2026, 1, 6))
    assert (row["status_code"], row["bank_transaction_code"], row["entry_reference"]) == ("BOOK", "544", "N1")
    (stated,) = read.statements
    assert stated["created_at"] == datetime(2026, 1, 5, 19)
    assert (stated["opening_balance_amount"], stated["closing_balance_amount"]) == (5, 15)
    assert stated["entries_net_amount"] == 10 and stated["entry_count"] == 1 and stated["is_balanced"] is True


@pytest.mark.parametrize("version", ["02", "03", "04", "06", "08"])
def test_versions_differ_in_status_party_and_bank_identifier(version):
    new = version >= "08"
    party = "<Pty><Nm>Ann</Nm></Pty>" if new else "<Nm>Ann</Nm>"
    bic = "BICFI" if new else "BIC"
    more = (
        f"<RltdPties><Dbtr>{party}</Dbtr><DbtrAcct><Id><IBAN>NL01</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RltdAgts><DbtrAgt><FinInstnId><{bic}>ABNANL2A</{bic}></FinInstnId></DbtrAgt></RltdAgts>"
    )
    status = "<Sts><Cd>PDNG</Cd></Sts>" if new else "<Sts>PDNG</Sts>"
    read = parse(message(statement(entry(details=detail(more=more), status=status)), version=version))
    (row,) = read.entries
    assert read.version == version
    assert (row["counterparty_name"], row["counterparty_account"], row["counterparty_bic"]) == (
        "Ann",
        "NL01",
        "ABNANL2A",
    )
    assert row["status_code"] == "PDNG" and read.statements[0]["entries_net_amount"] == 0


@pytest.mark.parametrize(
    ("side", "reversal", "name"),
    [("CRDT", "", "Payer"), ("DBIT", "", "Payee"), ("CRDT", "true", "Payee"), ("DBIT", "1", "Payer")],
)
def test_the_counterparty_is_the_other_side_also_of_a_reversal(side, reversal, name):
    more = (
        "<RltdPties><Dbtr><Nm>Payer</Nm></Dbtr><DbtrAcct><Id><Othr><Id>1</Id></Othr></Id></DbtrAcct>"
        "<Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><IBAN>2</IBAN></Id></CdtrAcct></RltdPties>"
    )
    changed = {"reversal": f"<RvslInd>{reversal}</RvslInd>"} if reversal else {}
    (row,) = parse(message(statement(entry(direction=side, details=detail(more=more), **changed)))).entries
    assert row["counterparty_name"] == name
    assert row["is_reversal"] is bool(reversal)


def test_the_account_itself_is_not_its_counterparty():
    own = "<RltdPties><Dbtr><Nm>Us</Nm></Dbtr><DbtrAcct><Id><IBAN>DE02</IBAN></Id></DbtrAcct></RltdPties>"
    (row,) = parse(message(statement(entry(details=detail(more=own))))).entries
    assert row["counterparty_name"] is None and row["counterparty_account"] is None


def test_an_entry_of_several_transactions_is_split_with_their_own_sides():
    debit = "<CdtDbtInd>DBIT</CdtDbtInd>"
    details = detail("7.00") + detail("5.00") + detail("2.00", debit)
    read = parse(message(statement(entry("10.00", details=details))))
    assert [(row["amount"], row["credit_debit_code"]) for row in read.entries] == [
        (7, "CRDT"),
        (5, "CRDT"),
        (2, "DBIT"),
    ]
    assert [row["entry_id"][-4:] for row in read.entries] == ["/1/1", "/1/2", "/1/3"]
    assert read.statements[0]["entry_count"] == 1 and read.statements[0]["entries_net_amount"] == 10


def test_transactions_of_version_2_carry_their_amount_in_the_amount_details():
    def nested(amount: str) -> str:
        inner = f'<InstdAmt><Amt Ccy="USD">99</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt>'
        return detail(more=f"<AmtDtls>{inner}</AmtDtls>")

    raw = message(statement(entry("10.00", details=nested("4.00") + nested("6.00"))), version="02")
    assert [row["amount"] for row in parse(raw).entries] == [4, 6]
    assert [payment.amount for payment in count.payments(count.as_text(raw))] == [4, 6]


def test_a_batch_without_amounts_stays_one_row_of_the_whole_sum():
    (row,) = parse(message(statement(entry("10.00", details=detail() + detail())))).entries
    assert row["amount"] == 10 and row["end_to_end_id"] is None


def test_transactions_that_do_not_add_up_are_rejected_with_the_entry():
    raw = message(statement(entry("10.00", details=detail("4.00") + detail("5.00")), entry("1.00")))
    read = parse(raw)
    (rejected,) = read.rejected
    assert (rejected.code, rejected.amount, rejected.ccy_code) == ("details_do_not_add_up", 10, "EUR")
    assert rejected.reason == "the entry is 10.00, its 2 transactions sum to 9.00"
    assert rejected.event_date == date(2026, 1, 5) and "<Ntry>" in rejected.raw
    assert [row["_record_no"] for row in read.entries] == [2] and rejected.record_no == 1
    assert [payment.amount for payment in count.payments(count.as_text(raw))] == [10, 1]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": '<Amt Ccy="EUR">1,50</Amt>'}, "invalid_amount"),
        ({"amount": '<Amt Ccy="EUR">-1.50</Amt>'}, "invalid_amount"),
        ({"amount": '<Amt Ccy="EUR">12345678901234567</Amt>'}, "invalid_amount"),
        ({"amount": "<Amt>1.50</Amt>"}, "missing_currency"),
        ({"amount": '<Amt Ccy="KWD">1.505</Amt>'}, "amount_precision"),
        ({"side": "<CdtDbtInd>CREDIT</CdtDbtInd>"}, "invalid_side"),
        ({"status": "<Sts>DONE</Sts>"}, "invalid_status"),
        ({"status": ""}, "invalid_status"),
        ({"booked": "<BookgDt><Dt>2026-02-30</Dt></BookgDt>"}, "invalid_date"),
    ],
)
def test_an_unusable_entry_is_rejected_alone_and_both_paths_count_it(changes, code):
    raw = message(statement(entry(**changes), entry("2.00")))
    read = parse(raw)
    assert [rejected.code for rejected in read.rejected] == [code]
    assert [row["amount"] for row in read.entries] == [2]
    counted = count.payments(count.as_text(raw))
    assert [payment.amount for payment in counted] == [read.rejected[0].amount, 2]
    assert [payment.event_date for payment in counted] == [read.rejected[0].event_date, date(2026, 1, 5)]


def test_a_statement_without_account_is_rejected_with_each_of_its_payments():
    details = detail("4.00") + detail("6.00")
    bad = statement(entry("10.00", details=details), entry("3.00")).replace("<IBAN>DE02</IBAN>", "")
    read = parse(message(bad, statement(entry("1.00"))))
    assert [(rejected.table, rejected.record_no, rejected.amount) for rejected in read.rejected] == [
        ("statements", 1, None),
        ("entries", 1, 4),
        ("entries", 2, 6),
        ("entries", 3, 3),
    ]
    assert [row["_record_no"] for row in read.entries] == [4] and read.statements[0]["_record_no"] == 2


@pytest.mark.parametrize(
    ("balances", "balanced"),
    [
        (balance("OPBD", "5") + balance("CLBD", "15"), True),
        (balance("PRCD", "5") + balance("CLBD", "15"), True),
        (balance("OPBD", "25", "DBIT") + balance("CLBD", "15", "DBIT"), True),
        (balance("OPBD", "5") + balance("CLBD", "15.01"), False),
        (balance("OPBD", "5") + balance("CLBD", "15", ccy="USD"), False),
        (balance("OPBD", "5"), None),
        ("", None),
    ],
)
def test_balances_are_verified(balances, balanced):
    read = parse(message(statement(entry(), entry("9.99", status="<Sts>PDNG</Sts>"), balances=balances)))
    assert read.statements[0]["is_balanced"] is balanced


def test_statements_of_one_id_in_a_file_stay_apart_unless_they_are_the_same():
    first, other = statement(entry("1.00")), statement(entry("2.00"))
    paged = "<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"
    read = parse(message(first, other, first, statement(entry("3.00"), more=paged)))
    assert [row["statement_id"] for row in read.statements] == [
        "M1/S1/DE02",
        "M1/S1/DE02#2",
        "M1/S1/DE02",
        "M1/S1/DE02/page 2",
    ]


def test_prefixes_single_quotes_and_utf_16_change_nothing():
    plain = message(statement(entry(), balances=balance("OPBD", "5") + balance("CLBD", "15")))
    text = plain.decode().replace('xmlns="', "xmlns:b='", 1).replace('"><BkTo', "'><BkTo", 1)
    prefixed = text.partition("?>")[0] + "?>" + text.partition("?>")[2].replace("</", "</b:").replace("<", "<b:")
    prefixed = prefixed.replace("<b:/b:", "</b:")
    spaced = plain.decode().replace("<Ntry>", "<Ntry >").replace("</Ntry>", "</Ntry\n>")
    for raw in (prefixed.encode(), spaced.encode(), plain.decode().replace("UTF-8", "UTF-16").encode("utf-16")):
        assert parse(raw) == parse(plain)
        assert [p.amount for p in count.payments(count.as_text(raw))] == [10]
        assert count.statement_count(count.as_text(raw)) == 1


BOMB = "<!DOCTYPE Document [" + '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_file"),
        (b"  \n", "empty_file"),
        (b"Id,Amount\n1,2\n", "not_xml"),
        (message(statement(entry()))[:-40], "not_xml"),
        (message(statement(entry())).replace(b"UTF-8", b"UTF-16"), "not_xml"),
        (message(statement(entry())).replace(b"UTF-8", b"no-such-code"), "not_xml"),
        (message(statement(entry(ref="<NtryRef>caf\xe9</NtryRef>"))).decode().encode("latin-1"), "not_xml"),
        (message(head=BOMB), "document_type"),
        (message(head='<!DOCTYPE Document SYSTEM "file:///etc/passwd">'), "document_type"),
        (b"<html><body/></html>", "not_camt"),
        (message().replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b".053.", b".052."), "not_camt"),
        (message().replace(b"<CreDtTm>2026-01-05T21:00:00+01:00</CreDtTm>", b""), "missing_creation_time"),
        (message().replace(b"2026-01-05T21:00:00+01:00", b"yesterday"), "invalid_creation_time"),
    ],
)
def test_an_unusable_file_says_why(raw, code):
    with pytest.raises(UnusableFile) as refused:
        parse(raw)
    assert refused.value.code == code and str(refused.value)
    count.payments(count.as_text(raw))


def test_another_message_is_named_in_the_reason():
    raw = message().replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b"camt.053", b"camt.052")
    with pytest.raises(UnusableFile, match=r"neither camt.053 nor camt.054: the document is camt.052.001.08"):
        parse(raw)


def test_a_statements_own_totals_vouch_for_the_count_or_contradict_it():
    def summed(number: int, total: str) -> str:
        return f"<TxsSummry><TtlNtries><NbOfNtries>{number}</NbOfNtries><Sum>{total}</Sum></TtlNtries></TxsSummry>"

    raw = [message(statement(entry("1.00"), entry("2.00"), more=summed(*given))) for given in ((2, "3"), (3, "9"))]
    (right,), (wrong,) = (count.statements(count.as_text(one)) for one in raw)
    assert right.agrees and right.stated_entries == 2
    assert not wrong.agrees and (wrong.entries, wrong.amount, wrong.ccy_code) == (2, 3, "EUR")


amounts = st.decimals("0", "99999999999999.99", places=2, allow_nan=False).map(lambda d: format(d, "f"))
sides = st.sampled_from(["CRDT", "DBIT"])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@FIXED
@given(
    st.lists(st.tuples(amounts, st.sampled_from(["CRDT", "DBIT"]), texts, st.lists(amounts, max_size=3)), max_size=8)
)
def test_both_paths_agree_whatever_the_entries_are(made):
    entries = []
    for amount, side, name, parts in made:
        safe = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        more = f"<RltdPties><Dbtr><Nm>{safe}</Nm></Dbtr></RltdPties>"
        entries.append(entry(amount, side, details="".join(detail(part, more=more) for part in parts)))
    raw = message(statement(*entries))
    read = parse(raw)
    counted = count.payments(count.as_text(raw))
    assert len(counted) == len(read.entries) + len(read.rejected)
    shares = [record_hash(row["entry_reference"] or "", row["amount"]) for row in read.entries]
    assert sorted(p.share for p in counted) == sorted(shares + [rejected.record_hash for rejected in read.rejected])
    assert sum(p.amount for p in counted) == sum(row["amount"] for row in read.entries) + sum(
        rejected.amount for rejected in read.rejected
    )


@FIXED
@given(st.integers(0, 4000), st.binary(max_size=3))
def test_a_damaged_file_is_rejected_or_read_but_never_an_error(place, noise):
    whole = message(statement(entry(details=detail("10.00")), entry("2.00"), balances=balance("OPBD", "5")))
    raw = whole[:place] + noise + whole[place + len(noise) :]
    for damaged in (raw, whole[:place]):
        counted = count.payments(count.as_text(damaged))
        try:
            read = parse(damaged)
        except UnusableFile as error:
            assert error.code and str(error)
        else:
            assert len(read.entries) + len(read.rejected) <= max(len(counted), 2)


REFERENCES = ["<NtryRef>A&amp;B &#233;</NtryRef>", "<NtryRef> </NtryRef><AcctSvcrRef>S</AcctSvcrRef>", "<NtryRef/>", ""]


@pytest.mark.parametrize("said", REFERENCES)
def test_the_patterns_read_the_banks_reference_as_the_reader_does(said):
    raw = message(statement(entry().replace("<NtryRef>N1</NtryRef>", said)))
    (row,), (payment,) = parse(raw).entries, count.payments(count.as_text(raw))
    assert payment.reference == (row["entry_reference"] or "")


def test_a_reference_in_a_form_of_its_own_is_for_the_reader_alone():
    raw = message(statement(entry().replace("N1", "<![CDATA[X]]>")))
    assert [payment.share for payment in count.payments(count.as_text(raw))] == [None]


def test_statements_are_known_by_message_and_account_on_both_paths():
    raw = message(statement(entry()), statement(entry(), name="S2"))
    keys = [f"{s['message_id']}:{s['account_iban']}" for s in parse(raw).statements]
    assert len(keys) == 2 and count.statement_keys(count.as_text(raw)) == keys
