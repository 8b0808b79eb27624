"""Real Ethereum blocks, recorded as a node sent them, beside the rows that an independent exporter made of them."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ETL = Path("onchain/ethereum/ethereum-etl/tests/resources")
NUMBERS = ("nonce", "block_number", "transaction_index", "gas", "transaction_type", "log_index", "receipt_status")
# (table, recording, expected rows beside it)
RECORDINGS = (
    ("transactions", "test_export_blocks_job/block_with_logs", "expected_transactions.csv"),
    ("transactions", "test_export_blocks_job/block_without_transactions", "expected_transactions.csv"),
    ("transactions", "test_export_blocks_job/blocks_with_transactions", "expected_transactions.csv"),
    ("transactions", "test_stream/blocks_1755634_1755635", "expected_transactions.json"),
    ("token_transfers", "test_stream/blocks_1755634_1755635", "expected_token_transfers.json"),
    ("token_transfers", "test_export_token_transfers_job/block_with_transfers", "expected_token_transfers.csv"),
)


def expected(path: Path) -> list[dict]:
    """The rows of an expected CSV or NDJSON, as our columns hold them."""
    if path.suffix == ".csv":
        with path.open(newline="") as stream:
            found = [{name: value or None for name, value in row.items()} for row in csv.DictReader(stream)]
    else:
        found = [json.loads(line, parse_int=str) for line in path.read_text().splitlines()]
    for row in found:
        if "block_timestamp" in row:
            row["block_timestamp"] = datetime.fromtimestamp(int(row["block_timestamp"]), UTC).replace(tzinfo=None)
        for name in NUMBERS:
            if row.get(name) is not None:
                row[name] = int(row[name])
    return found


def assert_same(landed: list[dict], wanted: list[dict]) -> None:
    """Equal in every column that both have, in order."""
    assert len(landed) == len(wanted)
    for ours, theirs in zip(landed, wanted, strict=True):
        shared = ours.keys() & theirs.keys()
        assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


def assert_as_expected(rows: Callable[[str, str], list[dict]], data: Path) -> None:
    """What was landed from each recording below `data` is what is expected; rows(table, where): rows of raw_onchain."""
    for table, folder, file in RECORDINGS:
        landed = rows(f"ethereum_{table}", f"_extract_id like '%{folder}/%'")
        assert_same(landed, expected(data / ETL / folder / file))
