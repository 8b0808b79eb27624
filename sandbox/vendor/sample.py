"""A hand-sized vendor world that holds every state a KYT result can be in, for tests and for trying a loader out.

Nothing in it is real: hashes, addresses and names are made from the row's number.
"""

import hashlib
import json
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("external_id", pa.string()),
        ("ledger_transfer_id", pa.string()),
        ("user_id", pa.string()),
        ("direction", pa.string()),
        ("network", pa.string()),
        ("asset", pa.string()),
        ("transfer_reference", pa.string()),
        ("tx", pa.string()),
        ("idx", pa.int64()),
        ("usd_amount", pa.decimal128(18, 2)),
        ("asset_amount", pa.decimal128(38, 18)),
        ("timestamp", pa.timestamp("us")),
        ("updated_at", pa.timestamp("us")),
        ("output_address", pa.string()),
        ("direct_name", pa.string()),
        ("direct_category_id", pa.int64()),
        ("alerts", pa.string()),
    ]
)
CATEGORIES = {None: "", 3: "sanctioned entity", 13: "mixing", 20: "none", 21: "exchange"}
START = datetime(2026, 1, 1)
SANCTIONED, MIXED, KNOWN, UNFINISHED, PLAIN = 7, 11, 3, 13, 0


def transfers(count: int) -> list[dict]:
    """`count` rows in the shape of `vendor/transfers.parquet`. By number n: every 7th has a sanctioned counterparty
    and two alerts, else every 11th a mixer and one alert, else every 3rd a known exchange, else no exposure; every
    13th is never finished (and has nothing)."""
    return [_row(number) for number in range(1, count + 1)]


def _row(number: int) -> dict:
    tx = hashlib.sha256(f"sample transaction {number}".encode()).hexdigest()
    address = "bc1q" + hashlib.sha256(f"sample address {number}".encode()).hexdigest()[:38]
    direction = "received" if number % 2 else "sent"
    user_id, reference = f"A{number % 50:05d}", f"{tx}:{address}"
    usd = Decimal(100 * number) + Decimal("0.25")
    seen_at = START + timedelta(minutes=7 * number)
    finished = number % UNFINISHED != 0
    name, category, levels = None, None, ()
    if finished and number % SANCTIONED == 0:
        name, category, levels = "Sample Sanctioned Service", 3, ("SEVERE", "HIGH")
    elif finished and number % MIXED == 0:
        name, category, levels = "Sample Mixer", 13, ("HIGH",)
    elif finished and number % KNOWN == 0:
        name, category = "Sample Exchange", 21
    return {
        "external_id": str(uuid.uuid3(uuid.NAMESPACE_URL, f"{user_id}|{direction}|{reference}")),
        "ledger_transfer_id": f"exchange:{'deposit' if direction == 'received' else 'withdrawal'}:{number:08d}",
        "user_id": user_id,
        "direction": direction,
        "network": "BITCOIN",
        "asset": "BTC",
        "transfer_reference": reference,
        "tx": tx,
        "idx": number % 3,
        "usd_amount": usd,
        "asset_amount": usd / 65536,
        "timestamp": seen_at,
        "updated_at": seen_at + timedelta(minutes=1, microseconds=number) if finished else None,
        "output_address": address,
        "direct_name": name,
        "direct_category_id": category,
        "alerts": json.dumps(
            [_alert(number, position, level, usd, name, category) for position, level in enumerate(levels)]
        ),
    }


def _alert(number: int, position: int, level: str, usd: Decimal, name: str, category: int) -> dict:
    return {
        "alertLevel": level,
        "service": name,
        "externalId": str(uuid.uuid3(uuid.NAMESPACE_URL, f"sample alert {number} {position}")),
        "alertAmount": float(usd),
        "exposureType": "DIRECT" if position == 0 else "INDIRECT",
        "categoryId": category,
        "category": CATEGORIES[category],
    }


def write(world_dir: str | Path, count: int = 40) -> list[dict]:
    """Writes the sample world's vendor files below `world_dir` and returns its transfers."""
    rows = transfers(count)
    write_rows(world_dir, rows)
    return rows


def write_rows(world_dir: str | Path, rows: list[dict]) -> None:
    """Writes the given transfers, and the sample's categories, as the vendor files of a world."""
    folder = Path(world_dir) / "vendor"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "transfers.parquet")
    categories = [{"categoryId": number, "categoryName": name} for number, name in CATEGORIES.items()]
    (folder / "categories.json").write_text(json.dumps({"categories": categories}), encoding="utf-8")
