"""Files in the documented format, through dlt, into a real warehouse."""

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from dagster import AssetCheckSeverity

from ingestion import cases, control_totals, exchange, kyc, pipeline, prices, rejects
from ingestion.cases import cases_source
from ingestion.deliveries import DeliveryError
from ingestion.exchange import exchange_source
from ingestion.exchange.parse import DEPOSITS
from ingestion.exchange.parse import TABLES as EXCHANGE
from ingestion.kyc import kyc_source
from ingestion.prices import prices_source
from ingestion.records import raw_schema
from orchestration.soda import read_contracts, verify

REPOSITORY = Path(__file__).parents[2]

ODD = "bc1q;x, 'y' \"z\"\n\u200bü\t "
DEPOSIT = {
    "deposit_id": "d1",
    "account_id": "a1",
    "rail_code": "crypto",
    "asset_code": "BTC",
    "amount": "0.123456789012345678",
    "chain_code": "bitcoin",
    "from_address": "",
    "to_address": "",
    "tx_hash": "",
    "bank_reference": "",
    "status_code": "completed",
    "event_at": "2026-01-01T12:30:00.000001Z",
    "ip_address": "",
    "device_id": "",
}


def csv_text(rows: list[dict], header: list[str] | None = None) -> str:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"\n\r') else value

    header = header or list(DEPOSIT)
    return "\n".join([",".join(header), *(",".join(quoted(row[name]) for name in header) for row in rows), ""])


def deposits(*changes: dict) -> str:
    return csv_text([{**DEPOSIT, "deposit_id": f"d{n}", **change} for n, change in enumerate(changes, 1)])


def put(bucket: Path, content: str | bytes, name: str = "deposits.csv", day: str = "2026-01-01") -> Path:
    path = bucket / f"delivery={day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def load(bucket: Path | None, **window) -> object:
    return pipeline.run(exchange_source(bucket_url=str(bucket) if bucket else None, **window), "exchange")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def contents(feed: str) -> dict[str, list[tuple]]:
    """All rows of the feed's tables without dlt's own columns."""
    tables = query(f"select table_name from information_schema.tables where table_schema = 'raw_{feed}'")  # noqa: S608
    return {
        name: sorted(query(f'select * exclude (_dlt_load_id) from raw_{feed}."{name}"'), key=repr)  # noqa: S608
        for (name,) in tables
        if not name.startswith("_dlt")
    }


@pytest.fixture
def bucket(home: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def test_values_arrive_exactly_and_in_the_documented_types(bucket):
    put(bucket, deposits({"from_address": ODD}))
    load(bucket)
    assert query(
        "select amount, from_address, to_address, event_at, _known_at, _extract_id like "
        "'delivery=2026-01-01/deposits.csv:%', _record_no from raw_exchange.deposits"
    ) == [
        (
            Decimal("0.123456789012345678"),
            ODD,
            None,
            datetime(2026, 1, 1, 12, 30, 0, 1),
            datetime(2026, 1, 2),
            True,
            1,
        )
    ]
    types = dict(
        query(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = 'raw_exchange' and table_name = 'deposits'"
        )
    )
    assert (types["amount"], types["event_at"], types["_known_at"]) == ("DECIMAL(38,18)", "TIMESTAMP", "TIMESTAMP")


def test_a_feed_that_is_not_configured_still_has_its_tables(home):
    for source, feed, count in (
        (exchange_source, "exchange", 5),
        (kyc_source, "kyc", 6),
        (cases_source, "cases", 2),
        (prices_source, "prices", 2),
    ):
        pipeline.run(source(), feed)
        assert not pipeline.configured(feed)
        tables = contents(feed)
        assert len(tables) == count + 2
        assert not any(tables.values())


def test_dlts_own_configuration_says_where_a_feed_lies(bucket, monkeypatch):
    put(bucket, deposits({}))
    monkeypatch.setenv("SOURCES__EXCHANGE__BUCKET_URL", str(bucket))
    assert pipeline.configured("exchange")
    pipeline.run(exchange_source(), "exchange")
    assert len(contents("exchange")["deposits"]) == 1


def test_bad_records_become_rejects_and_every_record_is_accounted_for(bucket):
    put(
        bucket,
        deposits(
            {},
            {"amount": "1e5"},
            {"amount": "-5"},
            {"asset_code": "NOPE", "status_code": "Completed"},
            {"event_at": "yesterday"},
            {"deposit_id": "", "event_at": "2025-12-31T00:00:00Z"},
        )
        + "torn,row\n",
    )
    load(bucket)
    found = query(
        "select record_no, reason_code, reason, event_date, asset_code, amount from raw_exchange.rejects order by 1"
    )
    day = date(2026, 1, 1)
    plain = Decimal("0.123456789012345678")
    assert found == [
        (2, "invalid_decimal", "amount '1e5' is not a plain number that fits decimal(38,18)", day, "BTC", None),
        (3, "out_of_range", "amount '-5' is not 0 or more", day, "BTC", Decimal(-5)),
        (
            4,
            "unknown_asset",
            "asset_code 'NOPE' is not a known asset; "
            "status_code 'Completed' is none of completed|failed|cancelled|pending",
            day,
            "NOPE",
            plain,
        ),
        (
            5,
            "invalid_timestamp",
            "event_at 'yesterday' is not an existing UTC time written YYYY-MM-DDTHH:MM:SS[.ffffff][Z]",
            day,
            "BTC",
            plain,
        ),
        (6, "missing_value", "deposit_id is empty and required", date(2025, 12, 31), "BTC", plain),
        (7, "malformed_row", "the row has 2 fields, the header has 14", day, None, None),
    ]
    (record,) = query("select raw_record from raw_exchange.rejects where record_no = 2")[0]
    assert json.loads(record)["amount"] == "1e5"
    assert accounted() == []


def accounted() -> list[tuple]:
    """Day, asset and table where control totals are not raw + rejects, in rows or in amount."""
    return query("""
        with loaded as (
            select 'deposits' as table_name, cast(event_at as date) as day, asset_code, amount
            from raw_exchange.deposits
            union all
            select table_name, event_date, asset_code, amount from raw_exchange.rejects
        ), landed as (
            select table_name, day, asset_code, count(*) as row_count, sum(amount) as amount from loaded group by all
        ), stated as (
            select
                table_name, event_date as day, asset_code, sum(source_rows) as row_count, sum(source_amount) as amount
            from raw_exchange.control_totals where source_rows > 0 group by all
        )
        (from stated except from landed) union all (from landed except from stated)
    """)


def test_bytes_that_are_no_text_cost_one_record_and_not_the_file(bucket):
    good = deposits({}, {})
    put(bucket, good.encode() + good.splitlines()[1].replace("bitcoin", "b\xef").encode("latin-1") + b"\n")
    put(bucket, deposits({"tx_hash": "a\0b"}), day="2026-01-02")
    load(bucket)
    assert len(contents("exchange")["deposits"]) == 2
    assert query("select reason_code, reason from raw_exchange.rejects order by _known_at") == [
        ("invalid_text", "chain_code has a byte that is not UTF-8 text or is NUL: 'b\\\\xef'"),
        ("invalid_text", "tx_hash has a byte that is not UTF-8 text or is NUL: 'a\\x00b'"),
    ]
    assert accounted() == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty: a file without records still has its header line"),
        (deposits({}).encode("utf-16"), "is UTF-16: write it as UTF-8"),
        (deposits({"from_address": 'x"y'}).replace('x""y', 'x"y').encode(), "has a quote that is never closed"),
        (csv_text([DEPOSIT], [*DEPOSIT][1:]).encode(), "lacks the column deposit_id: add it"),
        (csv_text([{**DEPOSIT, "note": "x"}], [*DEPOSIT, "note"]).encode(), "has the unknown column note: take it out"),
        (csv_text([DEPOSIT], [*DEPOSIT, "amount"]).encode(), "has more than once the column amount: keep one"),
    ],
)
def test_a_file_of_another_shape_stops_the_feed_and_names_the_file(bucket, content, says):
    put(bucket, content)
    with pytest.raises(DeliveryError, match=says) as caught:
        load(bucket)
    assert "delivery=2026-01-01/deposits.csv" in str(caught.value)


def test_a_second_run_changes_nothing_and_names_no_load(bucket):
    put(bucket, deposits({}, {"amount": "x"}))
    first = load(bucket)
    before = contents("exchange")
    again = load(bucket)
    assert (len(first.loads_ids), again.loads_ids) == (1, [])
    assert contents("exchange") == before
    assert query("select count(*) from raw_exchange._dlt_loads") == [(1,)]


def test_a_changed_file_of_the_same_name_is_a_further_extract(bucket):
    put(bucket, deposits({"amount": "1"}))
    load(bucket)
    put(bucket, deposits({"amount": "2"}))
    load(bucket)
    assert query("select amount from raw_exchange.deposits order by 1") == [(Decimal(1),), (Decimal(2),)]
    assert query("select count(distinct _extract_id) from raw_exchange.deposits") == [(2,)]
    assert query("select count(distinct extract_id) from raw_exchange.control_totals") == [(2,)]


def test_an_extract_without_records_is_a_delivery_all_the_same(bucket):
    put(bucket, deposits())
    load(bucket)
    assert query("select source_rows, event_date, captured_by from raw_exchange.control_totals") == [
        (0, None, "independent_count")
    ]
    assert load(bucket).loads_ids == []


def test_a_window_loads_its_days_only_and_the_rest_comes_later(bucket):
    for day in (1, 2, 3):
        put(bucket, deposits({}), day=f"2026-01-0{day}")
    load(bucket, start=date(2026, 1, 2), end=date(2026, 1, 3))
    assert query("select distinct _known_at from raw_exchange.deposits") == [(datetime(2026, 1, 3),)]
    load(bucket)
    assert len(contents("exchange")["deposits"]) == 3


def test_manifest_totals_are_taken_as_stated_even_where_the_file_differs(bucket):
    path = put(bucket, deposits({}))
    totals = [{"event_date": "2026-01-01", "asset_code": "BTC", "rows": 2, "amount": "99.5", "hash": 12345}]
    manifest = {
        "delivered_at": "2026-01-02T02:00:00Z",
        "business_date": "2026-01-01",
        "files": [
            {
                "name": "deposits.csv",
                "table": "deposits",
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "rows": 2,
                "totals": totals,
            }
        ],
    }
    put(bucket, json.dumps(manifest), "_manifest.json")
    load(bucket)
    assert query("select source_rows, source_amount, source_hash, captured_by from raw_exchange.control_totals") == [
        (2, Decimal("99.5"), Decimal(12345), "manifest")
    ]
    assert accounted() != []


def test_parquet_and_csv_give_the_same_rows_and_totals(bucket, monkeypatch, tmp_path):
    rows = [{**DEPOSIT, "deposit_id": f"d{n}", "from_address": ODD * (n % 2)} for n in range(5)]
    put(bucket, csv_text(rows))
    load(bucket)
    as_csv = contents("exchange")
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "other"))
    delivered = pa.schema([DEPOSITS.schema.field(column.name) for column in DEPOSITS.columns])
    typed = pa.table(
        {
            field.name: [
                Decimal(row[field.name])
                if field.name == "amount"
                else datetime.fromisoformat(row[field.name]).replace(tzinfo=None)
                if field.name == "event_at"
                else row[field.name] or None
                for row in rows
            ]
            for field in delivered
        },
        schema=delivered,
    )
    (bucket / "delivery=2026-01-01" / "deposits.csv").unlink()
    pq.write_table(typed, bucket / "delivery=2026-01-01" / "deposits-1.parquet")
    load(bucket)
    as_parquet = contents("exchange")

    def body(tables: dict, name: str, width: int) -> list:
        return [row[:width] for row in tables[name]]

    assert body(as_parquet, "deposits", len(DEPOSITS.columns)) == body(as_csv, "deposits", len(DEPOSITS.columns))
    assert [row[3:8] for row in as_parquet["control_totals"]] == [row[3:8] for row in as_csv["control_totals"]]
    assert as_parquet["control_totals"][0][8] == "file_footer"


def test_a_parquet_file_with_floating_money_is_refused(bucket):
    put(bucket, "")
    path = bucket / "delivery=2026-01-01" / "deposits.csv"
    path.unlink()
    columns = {name: pa.array([value or None], pa.string()) for name, value in DEPOSIT.items()}
    pq.write_table(pa.table({**columns, "amount": [1.5]}), path.with_suffix(".parquet"))
    with pytest.raises(DeliveryError, match=r"stores amount as double: store it as decimal\(38,18\)"):
        load(bucket)


def test_every_table_of_every_canonical_feed_has_a_column_for_its_control_totals():
    for table in EXCHANGE:
        names = {column.name for column in table.columns}
        assert {name for name in (*table.key, table.event, table.asset, table.amount) if name} <= names


def test_kyc_cases_and_prices_load_from_plain_files(home, tmp_path):
    files = {
        "kyc/delivery=2026-01-01/parties.csv": "party_id,party_type_code,legal_name,birth_date,residence_country_code,"
        "nationality_country_code,kyc_level_code,kyc_status_code,is_pep,declared_annual_income_amount,"
        "declared_income_ccy,occupation,segment_code,risk_rating_code,next_review_date,valid_from_at\n"
        "p1,person,Zoë O'Hara,1980-02-29,SG,,full,approved,false,85000.50,SGD,Nurse,retail,low,2027-01-01,"
        "2026-01-01T00:00:00Z\n"
        "p2,person,Bad Country,,sg,,full,approved,false,,,,retail,low,,2026-01-01T00:00:00Z\n",
        "kyc/delivery=2026-01-01/accounts.csv": "account_id,party_id,account_type_code,opened_at,closed_at,"
        "last_activity_at,valid_from_at\na1,p1,spot,2026-01-01T00:00:00Z,,,2026-01-01T00:00:00Z\n",
        "cases/delivery=2026-01-01/outcomes.csv": "case_id,alert_id,scenario_id,party_id,window_start_date,"
        "window_end_date,opened_at,status_code,decided_at,outcome_code,sar_filed_at,investigator_id,qa_result_code\n"
        "c1,,TM01,p1,2026-01-01,2026-01-01,2026-01-01T09:00:00Z,open,,,,i7,\n",
        "prices/delivery=2026-01-01/rates.csv": "asset_code,rate_date,rate_usd,source\n"
        "BTC,2026-01-01,87654.12345678,desk\nUSD,2026-01-01,1,desk\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    for source, feed in ((kyc_source, "kyc"), (cases_source, "cases"), (prices_source, "prices")):
        pipeline.run(source(bucket_url=str(tmp_path / feed)), feed)
    assert query("select legal_name, birth_date, is_pep, declared_annual_income_amount from raw_kyc.parties") == [
        ("Zoë O'Hara", date(1980, 2, 29), False, Decimal("85000.50"))
    ]
    assert query("select reason from raw_kyc.rejects") == [
        ("residence_country_code 'sg' is not a two-letter ISO 3166 country code",)
    ]
    assert query("select count(*) from raw_cases.outcomes") == [(1,)]
    assert query("select event_date, asset_code, source_amount from raw_prices.control_totals order by 2") == [
        (date(2026, 1, 1), "BTC", Decimal("87654.12345678")),
        (date(2026, 1, 1), "USD", Decimal(1)),
    ]


def verdicts(feed: str) -> dict[str, str]:
    """Check -> failed | warned, of all contracts of the feed."""
    found = {}
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema != f"raw_{feed}":
                continue
            for result in verify(contract, connection):
                if not result.passed:
                    failed = result.severity is AssetCheckSeverity.ERROR
                    found[f"{contract.table}.{result.check_name}"] = "failed" if failed else "warned"
    return found


@pytest.mark.parametrize("module", [exchange, kyc, cases, prices])
def test_the_contracts_of_a_feed_say_the_same_as_its_declared_tables(module):
    declared = {table.name: table.schema for table in module.TABLES}
    shared = getattr(module, "SCHEMAS", {})  # tables that vendors fill as well, with codes of their own
    declared |= {"control_totals": control_totals.SCHEMA, "rejects": rejects.SCHEMA} | shared
    contracts = {c.table: c for c in read_contracts(REPOSITORY / "checks") if c.schema == f"raw_{module.FEED}"}
    assert set(contracts) == set(declared)
    for name, schema in declared.items():
        columns = yaml.safe_load(contracts[name].path.read_text())["columns"]
        assert [c["name"] for c in columns] == [*raw_schema(schema).names, "_dlt_load_id"]
    for table in (table for table in module.TABLES if table.name not in shared):
        columns = yaml.safe_load(contracts[table.name].path.read_text())["columns"]
        codes = {c["name"]: c["checks"][0]["invalid"]["valid_values"] for c in columns if c.get("checks")}
        assert codes == {c.name: list(c.codes) for c in table.columns if c.codes}


def test_contracts_pass_on_empty_tables_and_on_good_files(bucket):
    for module in (kyc, cases, prices):
        pipeline.run(getattr(module, f"{module.FEED}_source")(), module.FEED)
        assert verdicts(module.FEED) == {}
    put(bucket, deposits({}, {}))
    load(bucket)
    assert verdicts("exchange") == {}


def test_contracts_see_what_went_wrong_in_raw(bucket):
    put(
        bucket,
        deposits(
            *[{"deposit_id": f"d{n}"} for n in range(20)],
            {"deposit_id": "d1", "amount": "0", "chain_code": "", "event_at": "2026-03-01T00:00:00Z"},
            *[{"amount": "x"}] * 8,
        ),
    )
    load(bucket)
    with pipeline.warehouse() as connection:
        connection.execute("insert into raw_exchange.deposits from raw_exchange.deposits limit 1")
        connection.execute("update raw_exchange.deposits set status_code = 'done' where deposit_id = 'd5'")
        connection.execute("insert into raw_exchange.control_totals from raw_exchange.control_totals limit 1")
        connection.execute("insert into raw_exchange.rejects from raw_exchange.rejects limit 1")
        connection.execute("alter table raw_exchange.trades alter price type double")
    assert verdicts("exchange") == {
        "control_totals.soda_duplicate": "failed",
        "control_totals.soda_failed_rows_every_record_of_an_extract_is_loaded_or_rejected": "warned",
        "deposits.soda_duplicate": "failed",
        "deposits.soda_duplicate_within_extract": "warned",
        "deposits.soda_failed_rows_every_crypto_deposit_names_its_chain": "warned",
        "deposits.soda_failed_rows_no_completed_deposit_of_nothing": "warned",
        "deposits.soda_failed_rows_nothing_happened_after_it_became_known": "warned",
        "deposits.soda_status_code_invalid": "failed",
        "rejects.soda_duplicate": "failed",
        "rejects.soda_metric": "failed",
        "trades.soda_schema": "failed",
    }
    with pipeline.warehouse() as connection:
        connection.execute("delete from raw_exchange.control_totals")
    assert verdicts("exchange")["deposits.soda_failed_rows_every_extract_has_its_control_total"] == "failed"
