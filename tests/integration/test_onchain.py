"""On-chain files through dlt into a real warehouse: deliveries, lying recordings, and real blocks."""

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import real_blocks
import record_hashes

from ingestion import pipeline
from ingestion.onchain import onchain_source
from ingestion.onchain.parse import TABLES
from ingestion.onchain.rpc import TRANSFER
from orchestration.soda import check_name, read_contracts, verify

REPOSITORY = Path(__file__).parents[2]
HASH, SENDER, RECEIVER = "0x" + "ab" * 32, "0x" + "1" * 40, "0x" + "2" * 40
MINED = datetime(2015, 11, 3, 14, 44, 40)
TRANSACTION = {"hash": HASH, "block_number": "16", "value": "5", "block_timestamp": "1446561880"}
BITCOIN = {
    "hash": "f" * 64,
    "block_number": 1,
    "block_timestamp": 1446561880,
    "inputs": [],
    "outputs": [{"index": 0, "addresses": ["1a"], "value": 150_000_000}],
    "output_count": 1,
    "output_value": 150_000_000,
}
LOG = {
    "address": SENDER,
    "blockNumber": "0x10",
    "data": "0x64",
    "logIndex": "0x0",
    "topics": [TRANSFER, "0x" + "0" * 24 + SENDER[2:], "0x" + "0" * 24 + RECEIVER[2:]],
    "transactionHash": HASH,
}
BLOCK = {"number": "0x10", "timestamp": "0x5638c858", "hash": HASH, "transactions": []}


def put(path: Path, content: str | dict | list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def csv_text(*records: dict) -> str:
    return "\n".join([",".join(records[0]), *(",".join(record.values()) for record in records), ""])


def load(bucket: Path | None, **window) -> object:
    return pipeline.run(onchain_source(bucket_url=str(bucket) if bucket else None, **window), "onchain")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def rows(table: str, where: str = "true") -> list[dict]:
    columns = ", ".join(f'"{column.name}"' for column in TABLES[table])
    with pipeline.warehouse() as connection:
        return connection.sql(
            f"select {columns} from raw_onchain.{table} where {where} order by _extract_id, _record_no"  # noqa: S608 (names of this test)
        ).to_arrow_table().to_pylist()  # fmt: skip


def unexplained() -> list[tuple]:
    landed = " union all ".join(
        f"select '{table}', _extract_id, cast(block_timestamp as date), 0, 1 from raw_onchain.{table}"  # noqa: S608 (names of this test)
        for table in TABLES
    )
    return query(f"""
        select name, extract_id, day, sum(stated), sum(landed)
        from (
            select table_name as name, extract_id, event_date as day, source_rows as stated, 0 as landed
            from raw_onchain.control_totals
            union all {landed}
            union all select table_name, extract_id, event_date, 0, 1 from raw_onchain.rejects
        )
        group by all having sum(stated) <> sum(landed)
    """)  # noqa: S608 (names of this test)


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_onchain":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


every_hash_agrees = record_hashes.agree_after_each_test("onchain")


def test_a_delivery_of_every_kind_lands_with_exact_totals_and_once(home, tmp_path):
    load(None)
    folder = tmp_path / "in/delivery=2026-01-05"
    put(folder / "ethereum_transactions.csv", csv_text(TRANSACTION, {**TRANSACTION, "value": "none"}))
    put(folder / "bitcoin_transactions.json", BITCOIN)
    put(folder / "eth_getBlockByNumber_0x10.json", {"result": BLOCK})
    put(folder / "eth_getLogs_0x10.json", {"result": [LOG]})
    put(folder / "ethereum_token_transfers.ndjson", "")
    load(tmp_path / "in")
    known = datetime(2026, 1, 6)
    assert query("select value, block_timestamp, _known_at, _record_no from raw_onchain.ethereum_transactions") == [
        ("5", MINED, known, 1)
    ]
    assert query("select address, value, is_coinbase from raw_onchain.bitcoin_outputs") == [("1a", "150000000", None)]
    assert query("select value, log_index, block_timestamp from raw_onchain.ethereum_token_transfers") == [
        ("100", 0, MINED)
    ]
    assert query("select reason_code, record_no, asset_code, event_date from raw_onchain.rejects") == [
        ("invalid_value", 2, "ETH", MINED.date())
    ]
    totals = "select asset_code, source_rows, source_amount from raw_onchain.control_totals where source_rows > 0"
    assert query(f"{totals} order by all") == [
        (SENDER, 1, None),
        ("BTC", 1, Decimal("1.5")),
        ("ETH", 2, Decimal("0.000000000000000005")),
    ]
    assert unexplained() == []
    assert not load(tmp_path / "in").loads_ids
    assert failed_checks() == {"Rejected records in percent of delivered records"}


def test_a_manifest_may_state_totals_of_both_tables_of_a_file(home, tmp_path):
    path = put(tmp_path / "in/delivery=2026-01-05/bitcoin_transactions.json", BITCOIN)
    total = {"event_date": "2015-11-03", "asset_code": "BTC", "amount": "1.5", "table": "bitcoin_outputs", "rows": 1}
    file = {
        "name": path.name,
        "table": "bitcoin_transactions",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": 1,
        "totals": [total],
    }
    put(path.with_name("_manifest.json"), {"delivered_at": "2026-01-06T02:00:00Z", "files": [file]})
    load(tmp_path / "in")
    assert query("select table_name, captured_by, source_rows from raw_onchain.control_totals order by all") == [
        ("bitcoin_inputs", "independent_count", 0),
        ("bitcoin_outputs", "manifest", 1),
    ]
    assert unexplained() == []


def test_lying_recordings_were_known_when_their_newest_block_was_mined(home, tmp_path):
    put(tmp_path / "in/a/response.eth_getBlockByNumber_0x10_true.json", {"result": BLOCK})
    put(tmp_path / "in/b/response.eth_getFilterLogs_0x0.json", {"result": [LOG]})
    put(tmp_path / "in/b/response.eth_getTransactionReceipt_0x1.json", {"result": {"logs": [LOG]}})
    put(tmp_path / "in/c/response.eth_getLogs_0x99.json", {"result": [{**LOG, "blockNumber": "0x99"}]})
    put(tmp_path / "in/c/response.eth_getLogs_late.json", {"result": [{**LOG, "blockTimestamp": "0x5638c859"}]})
    put(tmp_path / "in/c/response.eth_getLogs_bad.json", "<html>")
    put(tmp_path / "in/c/response.eth_newFilter.json", {"result": "0x0"})
    load(tmp_path / "in")
    never = datetime(1970, 1, 1)
    assert query("select block_timestamp, _known_at from raw_onchain.ethereum_token_transfers order by all") == [
        (MINED, MINED),
        (MINED, MINED),
        (MINED.replace(second=41), MINED.replace(second=41)),
        (None, never),
    ]
    assert query("select reason_code, table_name from raw_onchain.rejects") == [
        ("not_json", "ethereum_token_transfers")
    ]
    assert unexplained() == []


def test_real_recordings_give_the_expected_rows(home, shared_data):
    load(shared_data / "onchain/ethereum")
    real_blocks.assert_as_expected(rows, shared_data)
    landed = rows("ethereum_token_transfers", "_extract_id like '%test_export_token_transfers_job/%'")
    assert landed[0]["block_timestamp"] == MINED
    assert {row[0] for row in query("select reason_code from raw_onchain.rejects")} == {"hash_only_transaction"}
    assert unexplained() == []


def test_real_exports_give_the_same_rows_again(home, shared_data, tmp_path):
    folder = tmp_path / "in/delivery=2023-05-02"
    folder.mkdir(parents=True)
    stream = shared_data / real_blocks.ETL / "test_stream/blocks_17173049_17173050"
    blocks = shared_data / real_blocks.ETL / "test_export_blocks_job/blocks_with_transactions_and_withdrawals"
    sources = {
        "ethereum_transactions-1.json": stream / "expected_transactions.json",
        "ethereum_transactions-2.csv": blocks / "expected_transactions.csv",
        "ethereum_token_transfers.json": stream / "expected_token_transfers.json",
    }
    for name, source in sources.items():
        (folder / name).write_bytes(source.read_bytes())
    logs = [
        {
            "address": row["address"],
            "topics": row["topics"],
            "data": row["data"],
            "transactionHash": row["transaction_hash"],
            "logIndex": hex(int(row["log_index"])),
            "blockHash": row["block_hash"],
            "blockNumber": hex(int(row["block_number"])),
            "blockTimestamp": hex(int(json.loads(line)["block_timestamp"])),
        }
        for line in (stream / "expected_logs.json").read_text().splitlines()
        for row in [json.loads(line)]
    ]
    put(folder / "eth_getLogs.json", {"result": logs})
    load(tmp_path / "in")
    for name, source in sources.items():
        table = name.partition(".")[0].partition("-")[0]
        real_blocks.assert_same(rows(table, f"_extract_id like '%{name}:%'"), real_blocks.expected(source))
    decoded = rows("ethereum_token_transfers", "_extract_id like '%eth_getLogs%'")
    real_blocks.assert_same(decoded, real_blocks.expected(sources["ethereum_token_transfers.json"]))
    assert len(decoded) == 291
    assert max(int(row["value"]) for row in decoded) > 2**64
    assert query("select count(*) from raw_onchain.rejects") == [(0,)] and unexplained() == []


BITCOIN_ETL = "onchain/bitcoin/bitcoin-etl/tests/resources/test_export_blocks_job"


def test_real_bitcoin_exports_are_flattened_whole(home, shared_data, tmp_path):
    sources = sorted((shared_data / BITCOIN_ETL).rglob("expected_transactions.json"))
    wanted = {"inputs": 0, "outputs": 0}
    value = 0
    for number, source in enumerate(sources):
        put(tmp_path / f"in/delivery=2026-01-{number + 1:02d}/bitcoin_transactions.json", source.read_text())
        for record in map(json.loads, source.read_text().splitlines()):
            wanted["inputs"] += len(record["inputs"])
            wanted["outputs"] += len(record["outputs"])
            value += sum(output["value"] for output in record["outputs"])
    load(tmp_path / "in")
    assert [len(rows(f"bitcoin_{name}")) for name in wanted] == list(wanted.values())
    assert sum(int(row["value"]) for row in rows("bitcoin_outputs")) == value
    assert query("select count(*) from raw_onchain.rejects") == [(0,)] and unexplained() == []
    spent = rows("bitcoin_inputs", "spent_transaction_hash like '76a8d70a%'")
    assert spent[0]["spent_output_index"] == 0 and spent[0]["block_timestamp"].date() == date(2010, 4, 10)


def test_a_window_keeps_business_dates(home, tmp_path):
    for day in (5, 6, 7):
        put(tmp_path / f"in/delivery=2026-01-0{day}/ethereum_transactions.csv", csv_text(TRANSACTION))
    load(tmp_path / "in", start=date(2026, 1, 6), end=date(2026, 1, 7))
    assert query("select _known_at from raw_onchain.ethereum_transactions") == [(datetime(2026, 1, 7),)]
