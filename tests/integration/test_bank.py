"""Statement files through dlt into a real warehouse: the real ones as their independent parse says, and bad ones."""

import hashlib
import json
import resource
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import record_hashes

from ingestion import pipeline
from ingestion.bank import LARGEST, bank_source
from ingestion.deliveries import DeliveryError
from orchestration.soda import check_name, read_contracts, verify

REPOSITORY = Path(__file__).parents[2]

STATEMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M{n}</MsgId><CreDtTm>2026-01-0{n}T18:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S{n}</Id><ElctrncSeqNb>{n}</ElctrncSeqNb><CreDtTm>2026-01-0{n}T18:00:00Z</CreDtTm>
<Acct><Id><IBAN>DE02</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{entries}</Stmt></BkToCstmrStmt></Document>
"""
BALANCE = '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'


def entry(amount: str, day: str, side: str = "CRDT", status: str = "BOOK") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt></Ntry>"
    )


def statement(n: int, *entries: str, opening: str = "0.00", closing: str = "0.00") -> bytes:
    balances = BALANCE.format("OPBD", opening) + BALANCE.format("CLBD", closing)
    return STATEMENT.format(n=n, balances=balances, entries="".join(entries)).encode()


def put(bucket: Path, name: str, content: bytes, folder: str = "") -> Path:
    path = bucket / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def load(bucket: Path | None, **window) -> object:
    return pipeline.run(bank_source(bucket_url=str(bucket) if bucket else None, **window), "bank")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


UNEXPLAINED = """
    with stated as (
        select extract_id, event_date, asset_code, sum(source_rows) as rows, coalesce(sum(source_amount), 0) as amount
        from raw_bank.control_totals where table_name = 'entries' and source_rows > 0 group by all
    ),
    landed as (
        select extract_id, event_date, asset_code, count(*) as rows, coalesce(sum(amount), 0) as amount
        from (
            select _extract_id as extract_id, coalesce(booking_date, value_date) as event_date,
                ccy_code as asset_code, amount
            from raw_bank.entries
            union all
            select extract_id, event_date, asset_code, amount from raw_bank.rejects where table_name = 'entries'
        ) group by all
    )
    (select * from stated except select * from landed) union all (select * from landed except select * from stated)
"""


every_hash_agrees = record_hashes.agree_after_each_test("bank")


def test_without_a_bucket_the_tables_are_there_and_empty(home):
    load(None)
    for table in ("statements", "entries", "control_totals", "rejects"):
        assert query(f"select count(*) from raw_bank.{table}") == [(0,)]  # noqa: S608 (names of this test)
    types = dict(query("select column_name, data_type from information_schema.columns where table_name = 'statements'"))
    assert types["created_at"] == "TIMESTAMP" and types["_known_at"] == "TIMESTAMP"
    assert types["opening_balance_amount"] == "DECIMAL(18,2)" and types["is_balanced"] == "BOOLEAN"


def test_files_outside_deliveries_were_known_when_they_were_written(home, tmp_path):
    put(tmp_path / "in", "deep/er/b.xml", statement(2, entry("1.50", "2026-01-02"), closing="1.50"))
    put(tmp_path / "in", "a.xml", statement(1))
    put(tmp_path / "in", "readme.txt", b"not a statement")
    load(tmp_path / "in")
    assert query("select _known_at, entry_id, amount from raw_bank.entries") == [
        (datetime(2026, 1, 2, 18), "M2/S2/DE02/1/1", Decimal("1.50"))
    ]
    assert query("select is_balanced, count(*) from raw_bank.statements group by 1") == [(True, 2)]
    assert query(UNEXPLAINED) == []


def test_running_again_changes_nothing_and_a_new_file_is_added(home, tmp_path):
    bucket = tmp_path / "in"
    put(bucket, "a.xml", statement(1, entry("1.00", "2026-01-01")), "delivery=2026-01-01")
    assert load(bucket).loads_ids
    assert not load(bucket).loads_ids
    put(bucket, "b.xml", statement(2, entry("2.00", "2026-01-02")), "delivery=2026-01-02")
    load(bucket)
    load(bucket)
    assert query("select amount, _known_at from raw_bank.entries order by 1") == [
        (1, datetime(2026, 1, 2)),
        (2, datetime(2026, 1, 3)),
    ]


def test_a_window_keeps_business_dates(home, tmp_path):
    for n in (1, 2, 3):
        put(tmp_path / "in", "a.xml", statement(n, entry("1.00", f"2026-01-0{n}")), f"delivery=2026-01-0{n}")
    load(tmp_path / "in", start=datetime(2026, 1, 2).date(), end=datetime(2026, 1, 3).date())
    assert query("select statement_id from raw_bank.statements") == [("M2/S2/DE02",)]


def test_an_unusable_file_is_rejected_whole_with_its_value_and_the_run_goes_on(home, tmp_path):
    good = statement(1, entry("1.00", "2026-01-01"), closing="1.00")
    cut = statement(2, entry("5.00", "2026-01-02"), entry("7.00", "2026-01-03"), entry("9.00", "2026-01-03"))
    cut = cut[: cut.rindex(b"<BookgDt>")]
    other = good.replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b".053.", b".052.")
    for name, content in (("a", good), ("b", cut), ("c", other), ("d", b""), ("e", b"\x00\xff\xfe<")):
        put(tmp_path / "in", f"{name}.xml", content)
    load(tmp_path / "in")
    assert query("select count(*) from raw_bank.entries") == [(1,)]
    rejected = query(
        "select extract_id[:1], table_name, reason_code, count(*), sum(amount) from raw_bank.rejects "
        "group by all order by all"
    )
    assert rejected == [
        ("b", "entries", "not_xml", 3, Decimal(12)),
        ("b", "statements", "not_xml", 1, None),
        ("c", "entries", "not_camt", 1, Decimal(1)),
        ("c", "statements", "not_camt", 1, None),
        ("d", "entries", "empty_file", 1, Decimal(0)),
        ("e", "entries", "not_xml", 1, Decimal(0)),
    ]
    assert query(UNEXPLAINED) == []


def test_a_manifest_stands_even_where_the_file_brings_less(home, tmp_path):
    def deliver(name: str, content: bytes, rows: int) -> None:
        folder = tmp_path / "in" / f"delivery={name}"
        put(folder, "s.xml", content)
        totals = [{"event_date": "2026-01-01", "asset_code": "EUR", "rows": rows, "amount": "3.00"}]
        file = {"name": "s.xml", "table": "entries", "sha256": hashlib.sha256(content).hexdigest(), "totals": totals}
        manifest = {"delivered_at": "2026-01-02T02:00:00Z", "business_date": "2026-01-01", "files": [file]}
        (folder / "_manifest.json").write_text(json.dumps(manifest))

    whole = statement(1, entry("1.00", "2026-01-01"), entry("2.00", "2026-01-01"))
    deliver("a", whole, 2)
    deliver("b", whole.replace(b"<Id>S1<", b"<Id>S9<"), 3)
    deliver("c", whole[:-30], 2)
    load(tmp_path / "in")
    assert [row[0] for row in query(UNEXPLAINED)] and all("=b/" in row[0] for row in query(UNEXPLAINED))
    captured = "select distinct captured_by from raw_bank.control_totals where table_name = 'entries'"
    assert query(captured) == [("manifest",)]
    assert query("select distinct _known_at from raw_bank.entries") == [(datetime(2026, 1, 2, 2),)]
    assert query("select count(*) from raw_bank.rejects where table_name = 'entries'") == [(2,)]


def test_a_statement_that_contradicts_its_own_totals_stays_unexplained(home, tmp_path):
    sums = "<TxsSummry><TtlNtries><NbOfNtries>{}</NbOfNtries><Sum>{}</Sum></TtlNtries></TxsSummry><Acct>"
    for n, stated in ((1, ("1", "4.00")), (2, ("2", "9.00"))):
        content = statement(n, entry("4.00", "2026-01-01")).replace(b"<Acct>", sums.format(*stated).encode())
        put(tmp_path / "in", f"{n}.xml", content)
    load(tmp_path / "in")
    assert {row[0][:1] for row in query(UNEXPLAINED)} == {"2"}
    assert query("select distinct captured_by from raw_bank.control_totals where table_name = 'entries'") == [
        ("statement",)
    ]


def test_a_missing_bucket_is_a_clear_error(home, tmp_path):
    with pytest.raises(DeliveryError, match="is not a folder: set bucket_url"):
        load(tmp_path / "nowhere")


def test_contracts_hold_on_what_was_landed_and_see_what_is_odd(home, tmp_path):
    put(tmp_path / "in", "a.xml", statement(1, entry("1.00", "2026-01-01"), closing="1.00"))
    put(tmp_path / "in", "b.xml", statement(3, entry("1.00", "2026-01-01"), closing="7.00"))
    load(tmp_path / "in")
    assert failed_checks() == {"Every statement balances", "No gap in the electronic sequence of an account"}


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_bank":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


def utc(moment: dict | None) -> datetime | None:
    return datetime.fromisoformat(moment["0"]).replace(tzinfo=None) if moment else None


def independent_parse(path: Path) -> list[dict]:
    """What another project's parser reads in the file (the JSON beside it), in the names of our columns."""
    found = []
    for one in json.loads(path.with_suffix(".json").read_text())["getEntries"]:
        record, detail = one["getRecord"], one["getTransactionDetail"]
        balances = {balance["getType"]: balance["getAmount"] for balance in record["getBalances"]}
        domain = one["getBankTransactionCode"]["getDomain"]
        code = [domain["getCode"], *domain["getFamily"].values()] if domain else []
        roles = {p["getRelatedPartyType"]["__CLASS__"].rpartition("\\")[2]: p for p in detail["getRelatedParties"]}
        party = roles.get("Debtor") or roles["Creditor"]
        found.append(
            {
                "stmt": record["getId"],
                "account_iban": record["getAccount"]["getIdentification"],
                "electronic_sequence_no": int(record["getElectronicSequenceNumber"] or 0) or None,
                "from_at": utc(record["getFromDate"]),
                "to_at": utc(record["getToDate"]),
                "created_at": utc(record["getCreatedOn"]),
                "opening_balance_amount": Decimal(balances["opening"]["getAmount"]) / 100,
                "closing_balance_amount": Decimal(balances["closing"]["getAmount"]) / 100,
                "ccy_code": one["getAmount"]["getCurrency"]["getCode"],
                "amount": abs(Decimal(one["getAmount"]["getAmount"]) / 100),  # signed by its side there
                "credit_debit_code": one["getCreditDebitIndicator"],
                "status_code": one["getStatus"],
                "is_reversal": one["getReversalIndicator"],
                "booking_date": date.fromisoformat(one["getBookingDate"]["0"][:10]),
                "value_date": date.fromisoformat(one["getValueDate"]["0"][:10]),
                "entry_reference": one["getReference"] or one["getAccountServicerReference"],
                "bank_transaction_code": "/".join(part for part in code if "\\" not in part)
                or one["getBankTransactionCode"]["getProprietary"]["getCode"],
                "end_to_end_id": detail["getReference"]["getEndToEndId"],
                "instruction_id": detail["getReference"]["getInstructionId"],
                "tx_id": detail["getReference"]["getTransactionId"],
                "uetr": detail["getReference"]["getUuidEndToEndReference"],
                "counterparty_name": party["getRelatedPartyType"]["getName"],
                "counterparty_account": party["getAccount"]["getIdentification"],
                "remittance_text": detail["getRemittanceInformation"]["getMessage"],
            }
        )
    return found


def test_real_statements_are_as_an_independent_parser_reads_them(home, shared_data):
    load(shared_data / "fiat/camt")
    compared = 0
    for path in sorted((shared_data / "fiat/camt").glob("camt053*.xml")):
        with pipeline.warehouse() as connection:
            rows = connection.sql(
                "select e.*, s.* exclude (account_iban, ccy_code), split_part(e.statement_id, '/', 2) as stmt "
                "from raw_bank.entries e join raw_bank.statements s using (statement_id, _extract_id) "
                "where e._extract_id like $path order by e._record_no",
                params={"path": f"{path.name}:%"},
            ).to_arrow_table()
        by_statement = {row["stmt"]: row for row in rows.to_pylist()}
        for expected in independent_parse(path):  # of two statements it lists the entries of one
            row = by_statement[expected["stmt"]]
            assert {name: row[name] for name in expected} == expected, path.name
            compared += 1
    assert compared == 6
    by_type = "select message_type_code, count(*) from raw_bank.entries group by 1 order by 1"
    assert query(by_type) == [("camt.053", 7), ("camt.054", 2)]
    assert query("select is_balanced, count(*) from raw_bank.statements group by 1 order by 1 nulls last") == [
        (False, 5),  # their balances are in different currencies
        (True, 2),
        (None, 2),  # notifications have none
    ]
    assert query("select count(*) from raw_bank.rejects") == [(0,)]
    assert query(UNEXPLAINED) == []


def test_real_notifications_are_as_an_independent_parser_reads_them(home, shared_data):
    load(shared_data / "fiat/camt")
    for path in sorted((shared_data / "fiat/camt").glob("camt054*.xml")):
        (one,) = json.loads(path.with_suffix(".json").read_text())["getEntries"]
        record, references = one["getRecord"], one["getTransactionDetail"]["getReference"]
        (row,) = query(
            "select e.amount, e.ccy_code, e.credit_debit_code, e.status_code, e.booking_date, e.servicer_reference, "  # noqa: S608
            "e.uetr, s.account_iban, s.created_at, s.electronic_sequence_no, s.is_balanced "
            "from raw_bank.entries e join raw_bank.statements s using (_extract_id) "
            f"where _extract_id like '{path.name}:%'"
        )
        booked = one["getBookingDate"]
        assert row == (
            abs(Decimal(one["getAmount"]["getAmount"]) / 100),
            one["getAmount"]["getCurrency"]["getCode"],
            one["getCreditDebitIndicator"],
            one["getStatus"],
            date.fromisoformat(booked["0"][:10]) if booked else None,
            one["getAccountServicerReference"],
            references["getUuidEndToEndReference"],
            record["getAccount"]["getIdentification"],
            utc(record["getCreatedOn"]),
            int(record["getElectronicSequenceNumber"] or 0) or None,
            None,
        )


MT940 = b""":20:REF
:25:DE05
:28C:1/1
:60F:C260104EUR0,00
:61:2601050105C15,00NTRFNONREF//B1
:86:hello
:61:2601050105C1.50NTRFNONREF//B2
:62F:C260105EUR16,50
-
"""
NACHA = """101 076401251 0764012512601051830A094101BANK                   EXCHANGE                       
5200EXCHANGE                            1234567890PPDDEPOSIT         2601060071076401250000001
627076401251123456           0000001000ID-1           JANE DOE                0076401250000001
627076401251123456           00000X1000ID-2           JANE DOE                0076401250000002
82000000020015280250000000002000000000000000{company}{blank}076401250000001
9000001000001000000020015280250000000002000000000000000{end}
""".format(company="1234567890", blank=" " * 25, end=" " * 39)
NOTIFICATION = statement(4, entry("3.00", "2026-01-04")).replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
NOTIFICATION = (
    NOTIFICATION.replace(b"Stmt>", b"Ntfctn>").replace(b"CstmrNtfctn>", b"CstmrStmt>").replace(b".053.", b".054.")
)


def test_every_format_lands_in_the_same_tables_with_its_type_and_its_totals(home, tmp_path):
    for name, content in (
        ("a.xml", statement(1)),
        ("b.xml", NOTIFICATION),
        ("c.STA", MT940),
        ("d.ach", NACHA.encode()),
    ):
        put(tmp_path / "in", name, content, "delivery=2026-01-06")
    load(tmp_path / "in")
    assert query("select message_type_code, count(*) from raw_bank.statements group by 1 order by 1") == [
        ("camt.053", 1),
        ("camt.054", 1),
        ("mt940", 1),
        ("nacha", 1),
    ]
    assert query("select message_type_code, amount, ccy_code from raw_bank.entries order by 1") == [
        ("camt.054", Decimal("3.00"), "EUR"),
        ("mt940", Decimal("15.00"), "EUR"),
        ("nacha", Decimal("10.00"), "USD"),
    ]
    assert query("select extract_id[21:21], reason_code, event_date from raw_bank.rejects order by 1") == [
        ("c", "invalid_entry", None),
        ("d", "invalid_entry", date(2026, 1, 7)),
    ]
    # The Nacha entry's amount cannot be read, so the batch's own control states more value than both paths find
    assert {row[0][20:21] for row in query(UNEXPLAINED)} == {"d"}
    assert query("select is_balanced from raw_bank.statements where message_type_code = 'mt940'") == [(False,)]
    assert not load(tmp_path / "in").loads_ids


def test_files_outside_deliveries_say_themselves_when_they_were_known(home, tmp_path):
    put(tmp_path / "in", "c.mt940", MT940)
    put(tmp_path / "in", "d.nacha", NACHA.encode())
    load(tmp_path / "in")
    assert query("select distinct message_type_code, _known_at from raw_bank.statements order by 1") == [
        ("mt940", datetime(2026, 1, 6)),
        ("nacha", datetime(2026, 1, 5, 18, 30)),
    ]


def test_a_line_of_a_gigabyte_is_refused_without_reading_it(home, tmp_path):
    for name, head in (("a.xml", statement(1)[:300]), ("b.sta", MT940[:40]), ("c.ach", NACHA.encode()[:90])):
        with put(tmp_path / "in", name, head).open("ab") as stream:
            # Sparse: NUL without a line end; for all formats the same code, so that only one file is a whole gigabyte
            stream.truncate(1 << 30 if name == "b.sta" else LARGEST + 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    load(tmp_path / "in")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KiB
    assert query(
        "select extract_id[:1], table_name, reason_code, length(raw_record) < 9000 from raw_bank.rejects order by 1"
    ) == [(name, "entries", "file_too_large", True) for name in "abc"]
    assert query("select count(*) from raw_bank.entries") == [(0,)] and query(UNEXPLAINED) == []


HOSTILE = [
    ("a.xml", b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]>' + statement(1), "document_type"),
    ("a.xml", statement(1, entry("5.00", "2026-01-02")).replace(b"S1", b"S\0"), "not_xml"),
    ("a.xml", statement(1, entry("5.00", "2026-01-02")).replace(b"S1", b"S\xe9"), "not_xml"),
    ("a.xml", statement(1, entry("5.00", "2026-01-02"))[:-40], "not_xml"),
    ("a.sta", MT940.replace(b"hello", b"he\0lo"), "invalid_text"),
    ("a.sta", MT940.replace(b"hello", b"h\xe9llo"), "invalid_text"),
    ("a.sta", MT940[:60], "missing_balance"),
    ("a.sta", MT940.replace(b"hello", b"h" * 100_000), "line_too_long"),
    ("a.ach", NACHA.encode().replace(b"JANE", b"JA\0E"), "invalid_text"),
    ("a.ach", NACHA.encode().replace(b"JANE", b"JAN\xe9"), "invalid_text"),
    ("a.ach", NACHA.encode()[:300], "cut_off"),
    ("a.ach", NACHA.encode().replace(b"DEPOSIT", b"D" * 100_000), "line_too_long"),
]


def test_hostile_files_are_rejected_with_a_reason_and_the_accounting_holds(home, tmp_path):
    for number, (name, content, _) in enumerate(HOSTILE):
        put(tmp_path / "in", f"{number:02}{name}", content)
    load(tmp_path / "in")
    rejected = query("select extract_id[:7], reason_code from raw_bank.rejects group by all order by all")
    assert rejected == [(f"{number:02}{name}", code) for number, (name, _, code) in enumerate(HOSTILE)]
    assert query("select count(*) from raw_bank.entries") == [(0,)]
    assert query(UNEXPLAINED) == []
    assert "Every record of an extract is loaded or rejected" not in failed_checks()


def test_a_missing_number_or_page_of_an_mt940_is_seen_and_a_new_year_is_none(home, tmp_path):
    def numbered(number: str, day: str) -> bytes:
        return MT940.replace(b":28C:1/1", f":28C:{number}".encode()).replace(b"C260105", f"C{day}".encode())

    put(tmp_path / "in", "a.sta", numbered("250/1", "251231") + numbered("1/1", "260105") + numbered("2/1", "260106"))
    load(tmp_path / "in")
    gap = "No gap in the electronic sequence of an account"
    assert gap not in failed_checks()
    put(tmp_path / "in", "b.sta", numbered("3/2", "260107"))  # its first page is missing
    load(tmp_path / "in")
    assert gap in failed_checks()
