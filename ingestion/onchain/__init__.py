"""On-chain transfers: Blockchain ETL files (Ethereum, Bitcoin), recorded JSON-RPC answers of an Ethereum node, and live
nodes and explorers.

An extract is one file, a run of blocks of one day, or what an explorer newly lists of an address. A file lying outside
a delivery folder was known when its newest block was mined; one that names no block time was always known.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import dlt
import duckdb
import numpy as np
import pyarrow as pa
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from ingestion import bounded, control_totals, landing, pipeline, records, rejects
from ingestion.deliveries import DeliveredFile, Delivery, DeliveryError, local_path, not_yet_loaded
from ingestion.onchain import bitcoin, bulk, count, rpc
from ingestion.onchain.blockscout import Blockscout
from ingestion.onchain.etherscan import Etherscan
from ingestion.onchain.explorers import Esplora
from ingestion.onchain.live import FEED, Extract
from ingestion.onchain.nodes import BitcoinNode, EthereumNode
from ingestion.onchain.parse import SCHEMAS, TABLES, Records, Rejected, UnusableFile, amount_of, asset_of, check
from ingestion.pipeline import completed_extracts

_BULK = {
    f"{table}{infix}{suffix}": table
    for table in ("ethereum_transactions", "ethereum_token_transfers")
    for infix in ("", "-*")
    for suffix in bulk.SUFFIXES
}
_BITCOIN = {
    f"bitcoin_transactions{infix}.{suffix}": "bitcoin_outputs" for infix in ("", "-*") for suffix in ("json", "ndjson")
}
_METHODS = {  # JSON-RPC method in the name of a recorded answer -> the table its records go to
    "eth_getBlockBy": "ethereum_transactions",
    "eth_getFilterLogs": "ethereum_token_transfers",
    "eth_getLogs": "ethereum_token_transfers",
    "eth_getTransactionReceipt": "ethereum_token_transfers",
    "eth_getBlockReceipts": "ethereum_token_transfers",
}
_RECORDED = {f"*{method}*.json": table for method, table in _METHODS.items()}
_RPC = ("ethereum_transactions", "ethereum_token_transfers")
PATTERNS = {
    f"{folder}{pattern}": table for folder in ("", "**/") for pattern, table in (_BULK | _BITCOIN | _RECORDED).items()
}


@dlt.source(name=FEED, section=FEED)
def onchain_source(
    bucket_url: str | None = None,
    ethereum_rpc_url: str | None = None,
    ethereum_rpc_token: TSecretStrValue | None = None,
    ethereum_start_block: int | None = None,
    bitcoin_rpc_url: str | None = None,
    bitcoin_rpc_user: str | None = None,
    bitcoin_rpc_password: TSecretStrValue | None = None,
    bitcoin_start_block: int | None = None,
    max_blocks: int = 2_000,
    esplora_url: str | None = None,
    etherscan_url: str | None = None,
    etherscan_key: TSecretStrValue | None = None,
    blockscout_url: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Iterable[DltResource]:
    """What is new on the chains, from files and from any of the live transports that are configured.

    `bucket_url`: files whose business date lies in the half-open window [start, end). `ethereum_rpc_url` and
    `bitcoin_rpc_url`: nodes, read block by block from `..._start_block` on (without one, from the newest block on), at
    most `max_blocks` a run. `esplora_url`, `etherscan_url`, `blockscout_url`: explorers, asked about the exchange's own
    addresses in raw_exchange. Raises VendorError and VendorUnavailable (see `vendor`), DeliveryError for a file."""
    transports: list = []
    if ethereum_rpc_url:
        transports.append(EthereumNode(ethereum_rpc_url, ethereum_rpc_token, ethereum_start_block, max_blocks))
    if bitcoin_rpc_url:
        transports.append(
            BitcoinNode(bitcoin_rpc_url, bitcoin_rpc_user, bitcoin_rpc_password, bitcoin_start_block, max_blocks)
        )
    if esplora_url:
        transports.append(Esplora(esplora_url))
    if etherscan_url:
        transports.append(Etherscan(etherscan_url, etherscan_key))
    if blockscout_url:
        transports.append(Blockscout(blockscout_url))
    extracts: list[Extract] = [extract for transport in transports for extract in _asked(transport)]
    added = set().union(*(transport.added for transport in transports))
    times = _BlockTimes()
    lying = cache(lambda: times.below(local_path(bucket_url)))
    found = landing.find(bucket_url, PATTERNS, lambda path: _mined_at(path, lying), start=start, end=end)
    completed = completed_extracts(FEED) if found or extracts else set()
    extracts = [extract for extract in extracts if extract.extract_id not in completed]
    new = landing.pairs(not_yet_loaded(found, completed))
    is_lying = bool(found) and not landing.has_deliveries(local_path(bucket_url))

    def extract() -> landing.Extracted:
        extracted = landing.Extracted()
        # One connection for all the files: opening takes longer than most of them.
        with duckdb.connect(config={"threads": 1}) as connection:
            for delivery, file in new:
                block_times = lying if is_lying else lambda delivery=delivery: times.below(delivery.path)
                _read(extracted, delivery, file, block_times, connection)
        for one in extracts:
            _land_live(extracted, one)
        return extracted

    return landing.resources(FEED, SCHEMAS, bool(new or extracts), extract, added_fields=added)


def _asked(transport: Any) -> list[Extract]:
    """What a live transport brings: what is new there, or in a replay its extracts that are to be read again."""
    if not (again := pipeline.extracts_read_again()):
        return transport.extracts()
    own = [extract_id for extract_id in sorted(again) if extract_id.startswith(f"{transport.transport}:")]
    return transport.again(own) if own else []


def _land_live(extracted: landing.Extracted, extract: Extract) -> None:
    file = DeliveredFile(Path(extract.uri), extract.uri, extract.transport, extract.uri, extract.extract_id)
    delivery = Delivery(Path(), extract.uri, extract.known_at, extract.known_at.date(), [file])
    for table, rows in extract.rows.items():
        found = _checked(table, rows, delivery, extract.rejected, extract.block_times)
        _land(extracted, delivery, file, table, found, extract.transport)
    for totals in extract.totals:
        extracted.totals += _counted(delivery, file, totals)


def _checked(
    table: str, rows: list[dict], delivery: Delivery, rejected: list[rpc.RejectedItem], times: Mapping[int, int]
) -> Records:
    """Rows of the JSON of a node or explorer, typed, numbered by their places between the table's rejected items."""
    content = pa.table({c.name: pa.array([_text(row.get(c.name)) for row in rows], pa.string()) for c in TABLES[table]})
    items = [item for item in rejected if item.table == table]
    places = np.setdiff1d(np.arange(1, len(rows) + len(items) + 1), [item.place for item in items])
    found = check(table, content, places, delivery.business_date)
    found.rejected += [_rejected_item(item, times) for item in items]
    return found


class _BlockTimes:
    """Times of the blocks whose bodies lie below a folder (seconds since 1970 by block number), read once."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[int, int]] = {}

    def below(self, folder: Path) -> dict[int, int]:
        if folder not in self._known:
            bodies = (bounded.document(path) for path in sorted(folder.rglob("*eth_getBlockBy*.json")))
            self._known[folder] = rpc.block_times(bodies)
        return self._known[folder]


def _is_rpc(path: Path) -> bool:
    return any(method in path.name for method in _METHODS)


def _mined_at(path: Path, block_times: Callable[[], Mapping[int, int]]) -> datetime:
    if not _is_rpc(path):
        return count.newest_time(path) or landing.ALWAYS_KNOWN
    try:
        answer = rpc.parse(bounded.document(path))
    except UnusableFile:
        return landing.ALWAYS_KNOWN
    seconds = list(answer.block_times.values())
    for transfer in answer.transfers:
        seconds.append(transfer["block_timestamp"] or block_times().get(transfer["block_number"]))
    known = [moment for moment in seconds if moment is not None]
    return datetime.fromtimestamp(max(known), UTC).replace(tzinfo=None) if known else landing.ALWAYS_KNOWN


def _read(
    extracted: landing.Extracted,
    delivery: Delivery,
    file: DeliveredFile,
    block_times: Callable[[], Mapping[int, int]],
    connection: duckdb.DuckDBPyConnection,
) -> None:
    stated = [] if file.manifest_totals is None else control_totals.from_manifest(FEED, delivery, file)
    stated = [total for total in stated if total["table_name"] in TABLES]
    stated_tables = {total["table_name"] for total in stated}
    hashed = stated_tables - {total["table_name"] for total in stated if total["source_hash"] is None}
    if _is_rpc(file.path):
        totals = _read_rpc(extracted, delivery, file, block_times)
    elif file.table.startswith("bitcoin_"):
        for table, found in bitcoin.read(file.path, delivery.business_date, connection).items():
            _land(extracted, delivery, file, table, found)
        totals = count.bitcoin(file.path, delivery.business_date) if set(bitcoin.PUTS) - hashed else {}
    elif file.table in _RPC and file.path.suffix in bulk.SUFFIXES:
        found = bulk.read(file.path, file.table, delivery.business_date, connection)
        _land(extracted, delivery, file, file.table, found)
        totals = {}
        if file.table not in hashed:
            totals[file.table] = count.bulk(file.path, file.table, delivery.business_date)
    else:
        raise DeliveryError(
            f"{file.path} ({file.table}) is none of the expected files: name its table in the manifest."
        )
    counted = [total for table in sorted(totals) for total in _counted(delivery, file, totals[table])]
    extracted.totals += control_totals.with_hashes(stated, counted)
    extracted.totals += [total for total in counted if total["table_name"] not in stated_tables]


def _read_rpc(
    extracted: landing.Extracted,
    delivery: Delivery,
    file: DeliveredFile,
    block_times: Callable[[], Mapping[int, int]],
) -> dict[str, count.Totals]:
    raw = bounded.document(file.path)
    table = next(table for method, table in _METHODS.items() if method in file.path.name)
    try:
        answer = rpc.parse(raw)
    except UnusableFile as error:
        totals = count.Totals(table)
        rejected = Rejected(1, error.code, str(error), raw[:2_000].decode("utf-8", "backslashreplace"))
        rejected.asset_code = asset_of(table, None)
        totals.add(None, None, None, count.share(table, None))
        extracted.rejects.append(_reject(delivery, file, table, rejected))
        return {table: totals}
    times = block_times() if answer.transfers or answer.rejected else {}
    for transfer in answer.transfers:
        if transfer["block_timestamp"] is None:
            transfer["block_timestamp"] = times.get(transfer["block_number"])
    for name, rows in zip(_RPC, (answer.transactions, answer.transfers), strict=True):
        found = _checked(name, rows, delivery, answer.rejected, {**times, **answer.block_times})
        _land(extracted, delivery, file, name, found)
    counted = count.rpc(raw, {**times, **answer.block_times})
    return {name: total for name, total in counted.items() if total.rows or name == table}


def _rejected_item(item: rpc.RejectedItem, block_times: Mapping[int, int]) -> Rejected:
    seconds = block_times.get(item.block_number)
    raw = item.raw if isinstance(item.raw, dict) else str(item.raw)
    return Rejected(
        item.place,
        item.code,
        item.reason,
        raw,
        None if seconds is None else datetime.fromtimestamp(seconds, UTC).date(),
        asset_of(item.table, raw.get("address") if isinstance(raw, dict) else None),
        amount_of(item.table, item.value),
        (count.log_share if item.table == "ethereum_token_transfers" else count.transaction_share)(item.raw),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _land(
    extracted: landing.Extracted,
    delivery: Delivery,
    file: DeliveredFile,
    table: str,
    found: Records,
    transport: str = "file",
) -> None:
    rows = found.rows.append_column("transport_code", pa.repeat(pa.scalar(transport), found.rows.num_rows))
    rows = records.stamp(rows, delivery.known_at, file.extract_id)
    rows = rows.set_column(rows.column_names.index("_record_no"), "_record_no", pa.array(found.numbers, pa.int64()))
    extracted.add(table, rows)
    extracted.rejects += [_reject(delivery, file, table, one) for one in found.rejected]


def _reject(delivery: Delivery, file: DeliveredFile, table: str, rejected: Rejected) -> dict:
    return rejects.row(
        feed_code=FEED,
        table_name=table,
        extract_id=file.extract_id,
        record_no=rejected.record_no,
        reason_code=rejected.code,
        reason=rejected.reason,
        raw_record=rejected.raw,
        first_seen_at=delivery.known_at,
        event_date=rejected.event_date,
        asset_code=rejected.asset_code,
        amount=rejected.amount,
        record_hash=_share(table, rejected),
    )


def _share(table: str, rejected: Rejected) -> int:
    if rejected.record_hash is not None:
        return rejected.record_hash
    return count.share(table, rejected.raw if isinstance(rejected.raw, dict) else None)


def _counted(delivery: Delivery, file: DeliveredFile, totals: count.Totals) -> list[dict]:
    captured_by = "file_footer" if file.path.suffix == ".parquet" else "independent_count"
    keys = sorted(totals.rows, key=str) or [(None, None)]
    return [
        control_totals.row(
            extract_id=file.extract_id,
            feed_code=FEED,
            table_name=totals.table,
            source_rows=totals.rows.get(key, 0),
            captured_by=captured_by,
            source_uri=file.uri,
            known_at=delivery.known_at,
            event_date=key[0],
            asset_code=key[1],
            source_amount=totals.amount(key),
            source_hash=totals.hashes.get(key, 0),
        )
        for key in keys
    ]
