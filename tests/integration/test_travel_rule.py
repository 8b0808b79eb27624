"""Travel-rule messages through dlt and dbt: from files to what each transfer above its threshold lacks."""

import importlib
import json
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import hand_made_raw as raw
import pytest
import record_hashes
from dbt_command import build

from ingestion import pipeline
from ingestion.travel_rule import travel_rule_source
from orchestration.soda import read_contracts, verify
from sandbox.world import generate

REPOSITORY = Path(__file__).parents[2]
MODELS = (
    "+fct_travel_rule",
    "+fct_transfers",
    "+dim_parties",
    "+int_kyc_documents",
    "+int_kyc_reviews",
    "+int_party_history",
)
NAME = {"naturalPerson": {"name": {"nameIdentifier": [{"primaryIdentifier": "Zyxwvu", "nameIdentifierType": "LEGL"}]}}}


def message(number: int, **changes: object) -> dict:
    identity = {"originator": {"originatorPersons": [NAME]}, "beneficiary": {"beneficiaryPersons": [NAME]}}
    said = {"message_id": f"M{number}", "direction": "outgoing", "status": "SENT", "created_at": "2026-01-05T10:00:00Z"}
    return said | {"updated_at": f"2026-01-{number + 5:02d}T00:00:00Z", "ivms101": identity} | changes


def put(bucket: Path, name: str, *messages: object) -> Path:
    path = bucket / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [one if isinstance(one, str) else json.dumps(one) for one in messages]
    path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]")
    return path


def load(bucket: Path):
    return pipeline.run(travel_rule_source(bucket_url=str(bucket)), "travel_rule")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def unexplained() -> list[tuple]:
    return query("""
        with landed as (
            select t, e, count(*) as n
            from (
                select 'messages' as t, _extract_id as e from raw_travel_rule.messages
                union all select 'persons', _extract_id from raw_travel_rule.persons
                union all select table_name, extract_id from raw_travel_rule.rejects
            ) group by all
        ),
        stated as (
            select table_name as t, extract_id as e, sum(source_rows) as m
            from raw_travel_rule.control_totals group by all
        )
        select * from landed full join stated using (t, e) where coalesce(n, 0) <> coalesce(m, 0)
    """)


def contracts() -> dict:
    return {c.table: c for c in read_contracts(REPOSITORY / "checks") if c.schema == "raw_travel_rule"}


def failed(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {f"{t} {r.check_name}" for t, c in contracts().items() for r in verify(c, connection) if not r.passed}


every_hash_agrees = record_hashes.agree_after_each_test("travel_rule")


def test_files_are_known_when_their_newest_message_says_and_load_once(home, tmp_path):
    put(tmp_path / "in", "a/x.jsonl", message(1), message(2))
    put(tmp_path / "in", "y.json", message(3), {"message_id": "M4"}, message(5) | {"ivms101": {"witness": NAME}})
    assert load(tmp_path / "in").loads_ids and not load(tmp_path / "in").loads_ids
    assert query("select message_id, _known_at from raw_travel_rule.messages order by 1") == [
        ("M1", datetime(2026, 1, 7)),
        ("M2", datetime(2026, 1, 7)),
        ("M3", datetime(2026, 1, 10)),
    ]
    rejected = query("select table_name, record_no, reason_code, reason from raw_travel_rule.rejects order by all")
    assert [row[:3] for row in rejected] == [
        ("messages", 2, "invalid_message"),
        ("messages", 3, "unplaced_person"),
        ("persons", 3, "unplaced_person"),
    ]
    assert not any("Zyxwvu" in row[3] for row in rejected) and unexplained() == []


def test_a_later_version_is_a_further_row(home, tmp_path):
    put(tmp_path / "in", "delivery=2026-01-05/m.jsonl", message(1))
    load(tmp_path / "in")
    put(tmp_path / "in", "delivery=2026-01-06/m.jsonl", message(1, status="ACK"))
    load(tmp_path / "in")
    assert query("select status_code, _known_at from raw_travel_rule.messages order by 2") == [
        ("SENT", datetime(2026, 1, 6)),
        ("ACK", datetime(2026, 1, 7)),
    ]


def test_the_sandbox_world_is_read_whole_and_its_contracts_find_what_is_planted(home, tmp_path):
    generate(tmp_path / "w", customers=60, days=6, seed=5)
    load(tmp_path / "w/landing/travel_rule")
    assert query("select count(distinct ivms_version_code), count(*) > 10 from raw_travel_rule.messages") == [(2, True)]
    assert query("select table_name, reason_code from raw_travel_rule.rejects where table_name = 'messages'") == [
        ("messages", "invalid_json")
    ]
    assert unexplained() == []
    with pipeline.warehouse() as connection:
        assert {name for name in failed(connection) if "rejected_records" not in name and "metric" not in name} == set()
        for statement in (
            "update raw_travel_rule.messages set created_at = '2100-01-01', status_code = 'LOST'",
            "insert into raw_travel_rule.messages select * from raw_travel_rule.messages limit 1",
            "insert into raw_travel_rule.persons select * replace ('nobody' as message_id, 'x' as _extract_id) "
            "from raw_travel_rule.persons limit 1",
        ):
            connection.execute(statement)
        found = failed(connection)
    for planted in (
        "messages soda_status_code_invalid",
        "nothing_happened_after_it_became_known",
        "messages soda_duplicate",
        "every_person_belongs_to_a_message_of_the_same_extract",
        "persons soda_failed_rows_every_extract_has_its_control_total",
        "every_record_of_an_extract_is_loaded_or_rejected",
    ):
        assert any(planted in name for name in found), (planted, sorted(found))


TO, OWN = "0x" + "a" * 40, "0x" + "b" * 40
KNOWN = "2026-01-06"


def entry(table: str, row: dict, known_at: str = KNOWN, total: tuple = (None, None, None)) -> dict:
    return {"table": table, "known_at": known_at, "row": row, "total": total}


def party(number: int, country: str) -> list[dict]:
    row = {"party_id": f"P{number}", "party_type_code": "person", "legal_name": "Zyxwvu", "is_pep": False,
           "residence_country_code": country, "kyc_level_code": "full", "kyc_status_code": "approved",
           "segment_code": "retail", "risk_rating_code": "low", "valid_from_at": "2025-01-01"}  # fmt: skip
    account = {"account_id": f"A{number}", "party_id": f"P{number}", "account_type_code": "spot",
               "opened_at": "2025-01-01", "valid_from_at": "2025-01-01"}  # fmt: skip
    return [entry("kyc.parties", row), entry("kyc.accounts", account)]


def withdrawal(number: str, account: str, amount: str, **changes: str) -> dict:
    row = {"withdrawal_id": number, "account_id": account, "rail_code": "crypto", "asset_code": "ETH", "amount": amount,
           "fee_amount": "0", "chain_code": "ethereum", "to_address": TO, "tx_hash": "0x" + number[1:] * 64,
           "status_code": "completed", "event_at": "2026-01-05 10:00:00"} | changes  # fmt: skip
    return entry("exchange.withdrawals", row, total=("2026-01-05", "ETH", amount))


def told(
    number: int, known_at: str = KNOWN, roles: tuple = ("originator", "beneficiary", "originating_vasp"), **row: str
):
    said = {"message_id": f"M{number}", "direction_code": "outgoing", "status_code": "ACK", "ivms_version_code": "101",
            "created_at": "2026-01-05 10:00:00", "originator_accounts": OWN, "beneficiary_accounts": TO,
            "message_json": "{}"} | row  # fmt: skip
    persons = [
        {"message_id": f"M{number}", "person_no": n, "role_code": role, "person_type_code": "natural",
         "person_name": "Zyxwvu", "national_identifier_id": "SYN1"}
        for n, role in enumerate(roles, 1)
    ]  # fmt: skip
    return [
        entry("travel_rule.messages", said, known_at),
        *(entry("travel_rule.persons", p, known_at) for p in persons),
    ]


def rows() -> list[dict]:
    """Rates of 1,000 USD an ether; P1 lives in the US (threshold 3,000), P2 in Germany (none)."""
    made = [*party(1, "US"), *party(2, "DE")]
    rate = {"asset_code": "ETH", "rate_date": "2026-01-05", "rate_usd": "1000", "source": "test"}
    made.append(entry("prices.rates", rate, total=("2026-01-05", "ETH", "1000")))
    made += [withdrawal("W1", "A1", "3"), *told(1, transfer_reference_id="W1")]
    made += [withdrawal("W2", "A1", "2.999")]  # below the threshold of the US
    made += [withdrawal("W3", "A2", "0.001")]  # no threshold in the EU, and no message
    made += [withdrawal("W4", "A2", "1"), *told(4, tx_hash="4" * 64, address=TO.upper().replace("0X", "0x"))]
    made += [withdrawal("W5", "A2", "1"), *told(5, transfer_reference_id="W5", status_code="DECLINED")]
    made += [
        withdrawal("W6", "A2", "1"),
        *told(6, transfer_reference_id="exchange:withdrawal:W6", roles=("originator",)),
    ]
    made += [withdrawal("W7", "A9", "0.5")]  # an account nobody knows
    made += [withdrawal("W8", "A1", "0.5", event_at="2026-01-04 10:00:00")]  # a day without a rate
    made += [withdrawal("W9", "A2", "1"), *told(9, transfer_reference_id="W9")]
    made += told(9, known_at="2026-01-07", transfer_reference_id="W9", roles=("originator", "originating_vasp"))
    made += [withdrawal("Wa", "A2", "1", status_code="failed")]
    made += told(7, transfer_reference_id="W404")
    # documents and reviews of a file and of a vendor
    shared = {"valid_from_at": "2026-01-01", "review_type_code": "identity"}
    document = {"document_type_code": "DRIVERS", "country_code": "DEU", "valid_from_at": "2026-01-01"}
    review = shared | {"vendor_code": "sumsub", "applicant_id": "a1", "review_id": "r1", "status_code": "completed"}
    made += [
        entry("kyc.applicants", {"vendor_code": "sumsub", "applicant_id": "a1", "party_id": "P1", "updated_at": KNOWN,
                                 "status_code": "completed", "answer_json": "{}"}),
        entry("kyc.reviews", review | {"answer_code": "RED", "reject_type_code": "RETRY", "reject_labels": "BLUR"}),
        entry("kyc.documents", document | {"vendor_code": "sumsub", "document_id": "a1:1", "review_id": "r1",
                                           "expiry_date": "2026-01-05"}),
        entry("kyc.reviews", shared | {"vendor_code": "branch", "review_id": "R2", "party_id": "P1",
                                       "status_code": "completed", "answer_code": "approved",
                                       "reviewed_at": "2026-01-03"}),
        entry("kyc.documents", document | {"vendor_code": "branch", "document_id": "D2", "party_id": "P2",
                                           "document_type_code": "passport", "country_code": "AT"}),
        entry("kyc.documents", document | {"vendor_code": "onfido", "document_id": "o1", "country_code": "XYZ"}),
    ]  # fmt: skip
    return made


@pytest.fixture(scope="module")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the hand-made rows, built by dbt."""
    home = tmp_path_factory.mktemp("travel_rule")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(home))
        for feed in raw.FEEDS:
            source = getattr(importlib.import_module(f"ingestion.{feed}"), f"{feed}_source")
            pipeline.run(source(), feed)
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        raw.allow_missing_values(connection)
        raw.fill(connection, rows(), "first")
        # A message and the persons in it come in one file
        same = "update raw_travel_rule.persons set _extract_id = replace(_extract_id, 'persons@', 'messages@')"
        connection.execute(same)
    build(home, "--select", *MODELS)
    return home


@pytest.fixture
def built(built_home: Path) -> duckdb.DuckDBPyConnection:
    """The built warehouse, to be read."""
    with duckdb.connect(str(built_home / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def test_the_contract_of_the_public_model_finds_what_is_planted(built_home, tmp_path):
    (contract,) = [c for c in read_contracts(REPOSITORY / "checks") if c.table == "fct_travel_rule"]
    copied = shutil.copy(built_home / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(copied)) as connection:
        assert [r.check_name for r in verify(contract, connection) if not r.passed] == []
        for statement in (
            "delete from marts.fct_travel_rule where transfer_id like '%W3'",
            "update marts.fct_travel_rule set missing_fields = null where travel_rule_status_code = 'incomplete'",
            "update marts.fct_travel_rule set message_id = null where travel_rule_status_code = 'present'",
            "insert into marts.fct_travel_rule select * from marts.fct_travel_rule where transfer_id like '%W5'",
            "update marts.fct_travel_rule set travel_rule_status_code = 'lost' where transfer_id like '%W7'",
        ):
            connection.execute(statement)
        found = {r.check_name for r in verify(contract, connection) if not r.passed}
    for planted in (
        "every_crypto_transfer_above_its_threshold_is_listed",
        "an_incomplete_message_says_what_it_lacks",
        "only_what_is_there_is_called_present",
        "transfer_id_duplicate",
        "travel_rule_status_code_invalid",
    ):
        assert any(planted in name for name in found), (planted, sorted(found))


def test_each_transfer_above_its_threshold_says_what_it_lacks(built):
    found = built.execute("""
        select transfer_id[-2:], travel_rule_status_code, missing_fields, match_status_code, message_status_code
        from marts.fct_travel_rule order by 1
    """).fetchall()
    assert found == [
        ("W1", "present", None, "transfer_id", "ACK"),
        ("W3", "missing", None, None, None),
        ("W4", "present", None, "tx_hash_address", "ACK"),
        ("W5", "missing", None, "transfer_id", "DECLINED"),
        ("W6", "incomplete", "beneficiary_name;originating_vasp", "transfer_id", "ACK"),
        ("W7", "missing", None, None, None),
        ("W8", "missing", None, None, None),
        ("W9", "incomplete", "beneficiary_name", "transfer_id", "ACK"),
    ]
    unmatched = "select message_id from intermediate.int_travel_rule_messages where match_status_code = 'unmatched'"
    assert built.execute(unmatched).fetchall() == [("M7",)]


def test_the_public_model_holds_no_person(built):
    assert "Zyxwvu" not in str(built.execute("select * from marts.fct_travel_rule").fetchall())
    assert "Zyxwvu" not in str(built.execute("select * from intermediate.int_travel_rule_messages").fetchall())
    where = "select table_schema from information_schema.tables where table_name = 'stg_travel_rule__persons'"
    assert built.execute(where).fetchall() == [("restricted",)]


def test_documents_and_reviews_of_all_sources_speak_one_vocabulary(built):
    documents = built.execute("""
        select vendor_code, party_id, document_type_code, country_code, stated_country_code, is_expired
        from intermediate.int_kyc_documents order by 1
    """).fetchall()
    assert documents == [
        ("branch", "P2", "passport", "AT", "AT", None),
        ("onfido", None, "driving_licence", None, "XYZ", None),
        ("sumsub", "P1", "driving_licence", "DE", "DEU", True),
    ]
    reviews = built.execute("""
        select vendor_code, party_id, status_code, answer_code, reject_labels, is_latest
        from intermediate.int_kyc_reviews order by 1
    """).fetchall()
    assert reviews == [
        ("branch", "P1", "completed", "approved", None, True),
        ("sumsub", "P1", "completed", "retry", "BLUR", False),
    ]
