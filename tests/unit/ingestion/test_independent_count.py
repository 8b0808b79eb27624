"""The count that does not trust the loader: DuckDB's scan and the line count agree with each other and with hand
computation, also on files the loader rejects records of."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import independent_count
from ingestion.control_totals import record_hash
from ingestion.deliveries import DeliveredFile, Delivery, DeliveryError
from ingestion.tabular import AMOUNT, TIMESTAMP, Column, Table

TABLE = Table(
    "deposits",
    (Column("deposit_id"), Column("asset_code"), Column("amount", AMOUNT), Column("event_at", TIMESTAMP)),
    key=("deposit_id",),
    event="event_at",
    asset="asset_code",
    amount="amount",
)
HEADER = "deposit_id,asset_code,amount,event_at\n"


def delivered(path: Path, rows: int | None = None) -> tuple[Delivery, DeliveredFile]:
    file = DeliveredFile(path, path.name, "deposits", path.name, f"{path.name}:00", rows)
    return Delivery(path.parent, "D", datetime(2026, 1, 3), date(2026, 1, 2), [file]), file


def summary(rows: list[dict]) -> list[tuple]:
    return [
        (row["event_date"], row["asset_code"], row["source_rows"], row["source_amount"], row["source_hash"])
        for row in rows
    ]


def test_totals_by_day_and_asset_by_hand(tmp_path):
    path = tmp_path / "deposits.csv"
    path.write_text(
        HEADER
        + "d1,BTC,1.5,2026-01-01T23:59:59.999999Z\n"
        + "d2,BTC,0.000000000000000001,2026-01-02 00:00:00\n"
        + '"d3","BTC","2","2026-01-02T10:00:00+00:00"\n'
        + "d4,ETH,1e5,2026-01-02T10:00:00Z\n"
        + "d5,ETH,7,yesterday\n"
        + "d6,,-3,2026-01-32T00:00:00Z\n"
    )
    expected = [
        (date(2026, 1, 1), "BTC", 1, Decimal("1.5"), record_hash("d1", Decimal("1.5"))),
        (
            date(2026, 1, 2),
            "BTC",
            2,
            Decimal("2.000000000000000001"),
            record_hash("d2", Decimal("1e-18")) + record_hash("d3", Decimal(2)),
        ),
        (date(2026, 1, 2), "ETH", 2, Decimal(7), record_hash("d4", None) + record_hash("d5", Decimal(7))),
        (date(2026, 1, 2), None, 1, Decimal(-3), record_hash("d6", Decimal(-3))),
    ]
    rows = independent_count.count("exchange", TABLE, [delivered(path)])
    assert sorted(summary(rows), key=str) == sorted(expected, key=str)
    assert {row["captured_by"] for row in rows} == {"independent_count"}
    by_lines = independent_count._count_lines(TABLE, path, date(2026, 1, 2))
    assert sorted((total[1:] for total in by_lines), key=str) == sorted(expected, key=str)


def test_a_file_no_csv_reader_agrees_on_is_counted_line_by_line(tmp_path):
    good, torn = tmp_path / "deposits-1.csv", tmp_path / "deposits-2.csv"
    good.write_text(HEADER + "d1,BTC,1,2026-01-01T00:00:00Z\n")
    torn.write_bytes(HEADER.encode() + b"d2,BTC\nd3,BTC,1,2026-01-01T00:00:00Z,x\nd4\xff,BTC,1,2026-01-01T00:00:00Z\n")
    rows = independent_count.count("exchange", TABLE, [delivered(good), delivered(torn)])
    assert sum(row["source_rows"] for row in rows) == 4
    assert {
        (row["event_date"], row["asset_code"]): row["source_rows"] for row in rows if "-2" in row["extract_id"]
    } == {
        (date(2026, 1, 1), "BTC"): 1,
        (date(2026, 1, 2), None): 2,
    }


def test_no_records_still_give_one_row(tmp_path):
    path = tmp_path / "deposits.csv"
    path.write_text(HEADER)
    assert summary(independent_count.count("exchange", TABLE, [delivered(path)])) == [(None, None, 0, None, Decimal(0))]


def test_parquet_is_scanned_and_held_against_its_footer(tmp_path):
    path = tmp_path / "deposits.parquet"
    pq.write_table(
        pa.table(
            {
                "deposit_id": ["d1", "d2"],
                "asset_code": ["BTC", "BTC"],
                "amount": pa.array([Decimal("1.5"), Decimal("2.25")], pa.decimal128(20, 8)),
                "event_at": pa.array([datetime(2026, 1, 1, 23), datetime(2026, 1, 1)], pa.timestamp("ms", "UTC")),
            }
        ),
        path,
    )
    rows = independent_count.count("exchange", TABLE, [delivered(path)])
    digest = record_hash("d1", Decimal("1.5")) + record_hash("d2", Decimal("2.25"))
    assert summary(rows) == [(date(2026, 1, 1), "BTC", 2, Decimal("3.75"), digest)]
    assert rows[0]["captured_by"] == "file_footer"


def test_a_stated_row_count_that_the_file_contradicts_is_an_error(tmp_path):
    path = tmp_path / "deposits.csv"
    path.write_text(HEADER + "d1,BTC,1,2026-01-01T00:00:00Z\n")
    with pytest.raises(DeliveryError, match="said to have 2 rows and holds 1"):
        independent_count.count("exchange", TABLE, [delivered(path, rows=2)])
