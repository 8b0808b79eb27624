"""Writes delivery folders: data files, their sha256, and control totals computed from the generator's own arrays.

What belongs here: the form of a delivery. What a feed delivers on a day is in the feed's own module.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sandbox.world.calendar import iso_z
from sandbox.world.definitions import UNIT

AMOUNT = pa.decimal128(38, 18)
TIME = pa.timestamp("us")
_LOW30 = np.uint64((1 << 30) - 1)


def decimals(units: np.ndarray) -> pa.Array:
    """int64 of 1e-8 -> decimal128(38, 18), exactly."""
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = units, units >> 63
    narrow = pa.Array.from_buffers(pa.decimal128(28, 8), len(units), [None, pa.py_buffer(np.ascontiguousarray(words))])
    return pc.cast(narrow, AMOUNT)


def plain(units: np.ndarray, places: int = 8) -> pa.Array:
    """int64 of 1e-8 -> text with exactly `places` decimals (8 or 18), never in scientific notation. Amounts are
    not negative."""
    whole = pc.cast(pa.array(units // UNIT), pa.string())
    part = pc.utf8_lpad(pc.cast(pa.array(units % UNIT), pa.string()), 8, "0")
    text = pc.binary_join_element_wise(whole, part, ".")
    return text if places == 8 else pc.binary_join_element_wise(text, "0" * (places - 8), "")


def times(us: np.ndarray, null: np.ndarray | None = None) -> pa.Array:
    return pa.array(us, type=pa.int64(), mask=null).cast(TIME)


def texts(values: np.ndarray | list) -> pa.Array:
    return pa.array(values, type=pa.string(), from_pandas=True)


def coded(codes: np.ndarray, names: Iterable[str]) -> pa.Array:
    """Small codes -> their names; a negative code is null."""
    index = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.array(list(names), type=pa.string()).take(index)


def record_hashes(keys: np.ndarray | list, units: np.ndarray | None) -> np.ndarray:
    """First 15 hex digits of md5('<key>|<amount with 18 decimals, or nothing>') of each record, as uint64."""
    amounts = plain(units, 18) if units is not None else pa.array([""] * len(keys), pa.string())
    joined = pc.binary_join_element_wise(texts(keys), amounts, "|")
    md5 = hashlib.md5
    heads = b"".join([md5(text.encode(), usedforsecurity=False).digest()[:8] for text in joined.to_pylist()])
    return np.frombuffer(heads, dtype=">u8").astype(np.uint64) >> np.uint64(4)


def amount_text(units: int) -> str:
    return f"{units // UNIT}.{units % UNIT:08d}" + "0" * 10


@dataclass
class Totals:
    """Per record: event day (days since 1970, negative = none), asset code (negative = none), units, hash; any may
    be None."""

    day: np.ndarray | None
    asset: np.ndarray | None
    units: np.ndarray | None
    hashes: np.ndarray | None
    names: tuple[str, ...]
    count: int

    def rows(self, low: int, high: int, table: str | None = None) -> list[dict]:
        """Totals of records low..high by event date and asset, in that order."""
        if high <= low:
            return []
        size = high - low
        day = self.day[low:high] if self.day is not None else np.full(size, -1)
        asset = self.asset[low:high].astype(np.int64) if self.asset is not None else np.full(size, -1)
        key = (day.astype(np.int64) + 1) * 1_000 + asset + 1
        groups, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        amounts = np.zeros(len(groups), dtype=np.int64)
        if self.units is not None:
            np.add.at(amounts, inverse, self.units[low:high])
        top, bottom = np.zeros(len(groups), np.uint64), np.zeros(len(groups), np.uint64)
        if self.hashes is not None:
            np.add.at(top, inverse, self.hashes[low:high] >> np.uint64(30))
            np.add.at(bottom, inverse, self.hashes[low:high] & _LOW30)
        out = []
        for i, group in enumerate(groups.tolist()):
            day_code, asset_code = group // 1_000 - 1, group % 1_000 - 1
            row = {
                "event_date": None if day_code < 0 else str(np.datetime64(day_code, "D")),
                "asset_code": None if asset_code < 0 else self.names[asset_code],
                "rows": int(counts[i]),
                "amount": None if self.units is None else amount_text(int(amounts[i])),
                "hash": None if self.hashes is None else str((int(top[i]) << 30) + int(bottom[i])),
            }
            out.append(row if table is None else {"table": table} | row)
        return out


@dataclass
class Odd:
    """A faulted CSV line and what the source's own books say of it."""

    line: str
    event_date: str | None
    asset: str | None
    units: int | None
    key: str
    has_amount: bool = True  # False for tables that carry no amount at all


def with_odd(totals: list[dict], odd: list[Odd]) -> list[dict]:
    """Adds faulted records to a file's totals: a record without a readable amount counts, but adds nothing."""
    table = {(t["event_date"], t["asset_code"]): dict(t) for t in totals}
    for record in odd:
        digest = hashlib.md5(
            f"{record.key}|{amount_text(record.units) if record.units is not None else ''}".encode(),
            usedforsecurity=False,
        )
        found = table.setdefault(
            (record.event_date, record.asset),
            {
                "event_date": record.event_date,
                "asset_code": record.asset,
                "rows": 0,
                "amount": amount_text(0) if record.has_amount else None,
                "hash": "0",
            },
        )
        found["rows"] += 1
        if record.has_amount:
            whole, part = found["amount"].split(".")
            found["amount"] = amount_text(int(whole) * UNIT + int(part[:8]) + (record.units or 0))
        found["hash"] = str(int(found["hash"]) + int(digest.hexdigest()[:15], 16))
    return [table[key] for key in sorted(table, key=lambda k: (k[0] or "", k[1] or ""))]


@dataclass
class Delivery:
    """One folder. `business` is the business date, `delivered` the time it reached the exchange (us)."""

    folder: Path
    delivery_id: str
    business: date
    delivered: int
    files: list[dict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, table: str, content: bytes, rows: int, totals: list[dict]) -> None:
        (self.folder / name).write_bytes(content)
        self.files.append(
            {
                "name": name,
                "table": table,
                "sha256": hashlib.sha256(content).hexdigest(),
                "rows": rows,
                "totals": totals,
            }
        )

    def parquet(self, name: str, table: str, data: pa.Table, totals: list[dict]) -> None:
        sink = io.BytesIO()
        pq.write_table(data, sink, compression="snappy")
        self.add(f"{name}.parquet", table, sink.getvalue(), data.num_rows, totals)

    def csv(self, name: str, table: str, data: pa.Table, totals: list[dict], odd: list[Odd] | None = None) -> None:
        sink = io.BytesIO()
        pacsv.write_csv(data, sink, pacsv.WriteOptions(quoting_style="needed"))
        content = sink.getvalue() + "".join(f"{record.line}\n" for record in odd or ()).encode()
        self.add(
            f"{name}.csv", table, content, data.num_rows + len(odd or ()), with_odd(totals, odd) if odd else totals
        )

    def close(self) -> None:
        manifest = {
            "delivery_id": self.delivery_id,
            "delivered_at": iso_z(self.delivered),
            "business_date": self.business.isoformat(),
            "files": sorted(self.files, key=lambda f: f["name"]),
        }
        (self.folder / "_manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def cuts(delivered: np.ndarray, days: range) -> dict[int, tuple[int, int]]:
    """Row ranges by delivery day of rows sorted by it."""
    edges = np.searchsorted(delivered, [*days, days.stop])
    return {day: (int(edges[i]), int(edges[i + 1])) for i, day in enumerate(days)}
