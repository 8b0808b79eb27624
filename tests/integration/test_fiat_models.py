"""Bank messages, rates and case records through their loaders and the models behind them: what counts, and as what."""

import importlib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import duckdb
import hand_made_raw as raw
import pytest
import yaml
from dbt_command import build

from ingestion import pipeline
from ingestion.bank import bank_source
from ingestion.cases import cases_source
from ingestion.exchange import exchange_source
from ingestion.prices import prices_source
from orchestration.soda import check_name, read_contracts, verify

MODELS = ("+fct_feed_totals", "+fct_rate_gaps", "+int_case_outcomes", "+int_bank_entries")
CAMT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08"><{holder}>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-01-05T18:00:00Z</CreDtTm></GrpHdr><{one}><Id>S</Id>
<CreDtTm>2026-01-05T18:00:00Z</CreDtTm><Acct><Id><IBAN>DE02</IBAN></Id><Ccy>EUR</Ccy></Acct>{entries}</{one}></{holder}></Document>
"""


def booking(amount: str, ref: str = "", details: str = "", side: str = "CRDT", day: str = "2026-01-05") -> str:
    ref = f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else ""
    details = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt>{ref}{details}</Ntry>"
    )


def payment(end_to_end: str, amount: str = "", uetr: str = "") -> str:
    amount = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    uetr = f"<UETR>{uetr}</UETR>" if uetr else ""
    return f"<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId>{uetr}</Refs>{amount}</TxDtls>"


STATEMENT = [
    booking("10.00", ref="BANK-1"),  # 1 notified under the same bank reference
    booking("20.00", details=payment("NOTPROVIDED", uetr="u-2")),  # 2 notified under the same UETR, another day
    booking("30.00", details=payment("E-3")),  # 3 notified under the payer's reference, the same day
    booking("40.00", details=payment("E-4")),  # 4 the payer's reference comes again on another day
    booking("50.00", ref="BATCH-5"),  # 5 one sum, whose payments only the notification lists
    booking("60.00", details=payment("NOTPROVIDED")),  # 6 no reference at all
    booking("70.00", details=payment("E-7")),  # 7 twice the same, notified once
    booking("70.00", details=payment("E-7")),  # 8
    booking("80.00", ref="BANK-9", side="DBIT"),  # 9 the same reference, but the other direction
]
NOTIFIED = [
    booking("10.00", ref="BANK-1"),
    booking("20.00", details=payment("NOTPROVIDED", uetr="u-2"), day="2026-01-04"),
    booking("30.00", details=payment("E-3")),
    booking("40.00", details=payment("E-4"), day="2026-01-02"),
    booking("50.00", ref="BATCH-5", details=payment("A", "20.00") + payment("B", "30.00")),
    booking("60.00", details=payment("NOTPROVIDED")),
    booking("70.00", details=payment("E-7")),
    booking("80.00", ref="BANK-9"),
]
MT940 = b""":20:REF
:25:DE05
:28C:1/1
:60F:C260104EUR0,00
:61:2601050105C15,00NTRFNONREF//MT-1
:86:hello
:62F:C260105EUR15,00
-
"""
FILES = {
    "bank": {
        "a.xml": CAMT.format(kind="053", holder="BkToCstmrStmt", one="Stmt", entries="".join(STATEMENT)).encode(),
        "b.xml": CAMT.format(
            kind="054", holder="BkToCstmrDbtCdtNtfctn", one="Ntfctn", entries="".join(NOTIFIED)
        ).encode(),
        "c.sta": MT940,
    },
    "exchange": {
        "deposits.csv": "deposit_id,account_id,rail_code,asset_code,amount,chain_code,tx_hash,from_address,to_address,"
        "bank_reference,status_code,event_at,ip_address,device_id\n"
        + "".join(
            f"D{n},A1,fiat,{asset},2,,,,,,completed,{at}Z,,\n"
            for n, (asset, at) in enumerate(
                [
                    ("BTC", "2026-01-01T12:00:00"),  # no rates within the day: the day's
                    ("BTC", "2026-01-02T00:30:00"),  # before the first rate of the day: the day's
                    ("BTC", "2026-01-02T01:00:00"),  # at a rate
                    ("BTC", "2026-01-02T05:59:59"),  # the newest before, hours old
                    ("BTC", "2026-01-05T10:00:00"),  # nothing: not valued
                ],
                1,
            )
        )
    },
    "prices": {
        "rates.csv": "asset_code,rate_date,rate_usd,source\nBTC,2026-01-01,100,x\nBTC,2026-01-02,200,x\n"
        "BTC,2026-01-03,300,x\nEUR,2026-01-05,1,x\nEUR,2026-01-02,1,x\nEUR,2026-01-03,1,x\nEUR,2026-01-04,1,x\n",
        "hourly_rates.csv": "asset_code,rate_at,rate_usd,source\nBTC,2026-01-02T01:00:00Z,210,x\n"
        "BTC,2026-01-02T02:00:00Z,220,x\nBTC,2026-01-02T23:15:00Z,230,x\n",
    },
    "cases": {
        "records.csv": "vendor_code,record_type_code,record_id,updated_at,created_at,vendor_status_code,"
        "vendor_outcome_code,case_id,alert_id,party_id,scenario_id,window_start_date,window_end_date,decided_at,"
        "sar_filed_at,investigator_id,answer_json\n"
        "unit21,alert,1,2026-01-03T00:00:00Z,2026-01-01T00:00:00Z,CLOSED,ESCALATED,7,AL1,P1,tm01,2025-12-01,2025-12-31,2026-01-02T00:00:00Z,,i,\n"
        "unit21,case,7,2026-01-03T00:00:00Z,2026-01-02T00:00:00Z,CLOSED,SAR_FILED,7,,,,,,2026-01-03T00:00:00Z,,j,\n"
        "unit21,sar,9,2026-01-04T00:00:00Z,2026-01-03T00:00:00Z,fincen_accepted,FINCEN_ACCEPTED,7,,,,,,,,,\n"
        "unit21,alert,2,2026-01-03T00:00:00Z,2026-01-01T00:00:00Z,CLOSED,Looks fine to me,,AL2,P2,tm01,,,,,,\n"
        "unit21,alert,3,2026-01-03T00:00:00Z,2026-01-01T00:00:00Z,CLOSED,,,AL3,P3,tm01,,,,,,\n"
    },
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[tuple]]:
    """rows("columns from model ...") -> its rows, sorted."""
    home, landing = tmp_path_factory.mktemp("fiat"), tmp_path_factory.mktemp("landing")
    for feed, files in FILES.items():
        folder = landing / feed / "delivery=2026-01-05"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(home))
        sources = {"bank": bank_source, "exchange": exchange_source, "prices": prices_source, "cases": cases_source}
        for feed in raw.FEEDS:
            if feed in sources:
                pipeline.run(sources[feed](bucket_url=str(landing / feed)), feed)
            else:
                pipeline.run(getattr(importlib.import_module(f"ingestion.{feed}"), f"{feed}_source")(), feed)
    build(home, "--select", *MODELS)

    def read(query: str) -> list[tuple]:
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set search_path = 'intermediate,staging,marts,restricted'")
            return sorted(connection.execute(f"select {query}").fetchall(), key=repr)

    return read


def test_every_row_is_accounted_for(rows):
    assert rows("feed_code, table_name, unexplained_rows from fct_feed_reconciliation where not is_reconciled") == []
    assert rows("sum(rejected_rows) from fct_feed_reconciliation") == [(0,)]


def test_a_payment_that_was_notified_and_booked_counts_once(rows):
    assert rows(
        "message_type_code, split_part(entry_id, '/', -2) || '/' || split_part(entry_id, '/', -1), amount, "
        "out_of_scope_reason from int_bank_entries where out_of_scope_reason is not null"
    ) == [
        ("camt.053", "5/1", Decimal(50), "detailed_by_notification"),
        ("camt.054", "1/1", Decimal(10), "booked_on_statement"),
        ("camt.054", "2/1", Decimal(20), "booked_on_statement"),
        ("camt.054", "3/1", Decimal(30), "booked_on_statement"),
        ("camt.054", "7/1", Decimal(70), "booked_on_statement"),
    ]
    # Kept apart: another day of the same payer's reference, no reference, the other direction
    alone = "split_part(entry_id, '/', -2) || '/' || split_part(entry_id, '/', -1) from int_bank_entries "
    alone += "where message_type_code = 'camt.054' and match_status_code = 'unmatched'"
    assert rows(alone) == [("4/1",), ("5/1",), ("5/2",), ("6/1",), ("8/1",)]
    assert rows("count(*) from int_transfers where source_code = 'bank' and transfer_id like '%mt940%'") == [(1,)]


def test_a_transfer_is_valued_at_the_newest_rate_of_its_day(rows):
    assert rows("transfer_id, rate_usd, amount_usd from int_transfers where asset_code = 'BTC'") == [
        ("exchange:deposit:D1", Decimal(100), Decimal(200)),
        ("exchange:deposit:D2", Decimal(200), Decimal(400)),
        ("exchange:deposit:D3", Decimal(210), Decimal(420)),
        ("exchange:deposit:D4", Decimal(220), Decimal(440)),
        ("exchange:deposit:D5", None, None),
    ]


def test_rates_that_are_missing_are_named_by_days_and_hours(rows):
    assert rows(
        "asset_code, gap_type_code, gap_from_at, gap_to_at, missing_count, transfer_count, unvalued_transfer_count "
        "from fct_rate_gaps"
    ) == [
        ("BTC", "day", datetime(2026, 1, 4), datetime(2026, 1, 6), 2, 1, 1),
        ("BTC", "hour", datetime(2026, 1, 2), datetime(2026, 1, 2, 1), 1, 1, 0),
        ("BTC", "hour", datetime(2026, 1, 2, 3), datetime(2026, 1, 2, 23), 20, 1, 0),
    ]


def test_what_a_case_system_says_of_one_case_comes_together_in_our_words(rows):
    assert rows(
        "case_id, alert_id, party_id, status_code, outcome_code, decided_at, sar_filed_at, investigator_id, is_mapped "
        "from int_case_outcomes"
    ) == [
        ("unit21:7", "AL1", "P1", "closed", "sar_filed", datetime(2026, 1, 3), datetime(2026, 1, 4), "j", True),
        ("unit21:alert:2", "AL2", "P2", "closed", "unmapped", datetime(2026, 1, 3), None, None, False),
        ("unit21:alert:3", "AL3", "P3", "closed", "not_stated", datetime(2026, 1, 3), None, None, True),
    ]


@pytest.mark.parametrize(
    ("table", "fine", "odd", "warning"),
    [
        (
            "fct_case_outcomes",
            {"is_mapped": True},
            {"is_mapped": False},
            "Every word of a case system is on the reviewed map",
        ),
        ("fct_case_outcomes", {}, {"outcome_code": "not_stated"}, "Every closed case says how it ended"),
        ("fct_rate_gaps", None, {"missing_count": 2}, "Every rate that transfers need is there"),
    ],
)
def test_each_check_sees_its_defect(table, fine, odd, warning):
    (contract,) = [c for c in read_contracts(raw.REPOSITORY / "checks") if (c.schema, c.table) == ("marts", table)]
    titles = {check_name(path): title for path, title in contract.checks.items()}
    columns = ", ".join(f"{c['name']} {c['data_type']}" for c in yaml.safe_load(contract.path.read_text())["columns"])
    for row, expected in ((fine, False), (odd, True)):
        with duckdb.connect() as connection:
            connection.execute(f"create schema marts; create table marts.{table} ({columns})")
            if row is not None:
                raw._insert(connection, f"marts.{table}", {"known_at" if "case" in table else "asset_code": None} | row)
            failed = {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
        assert (warning in failed) == expected
