"""Shapes of the raw_chainalysis tables and of the loader's input. All timestamps are UTC."""

import pyarrow as pa

from ingestion.records import AMOUNT, MONEY, TIMESTAMP

FEED = "chainalysis"

MOVEMENTS = pa.schema(
    [
        pa.field("ledger_transfer_id", pa.string(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("network", pa.string(), nullable=False),
        pa.field("asset_code", pa.string(), nullable=False),
        pa.field("transfer_reference", pa.string(), nullable=False),
        pa.field("direction_code", pa.string(), nullable=False),
        pa.field("transfer_at", TIMESTAMP, nullable=False),
        pa.field("asset_amount", AMOUNT),
        pa.field("external_id", pa.string()),
    ]
)
"""Ledger movements to be screened. `external_id` is the vendor's id of one that was registered by an earlier run and
was still processing then; null = never registered."""

TRANSFERS = pa.schema(
    [
        pa.field("external_id", pa.string(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("ledger_transfer_id", pa.string(), nullable=False),
        pa.field("direction_code", pa.string(), nullable=False),
        pa.field("network", pa.string()),
        pa.field("asset_code", pa.string(), nullable=False),
        pa.field("transfer_reference", pa.string(), nullable=False),
        pa.field("tx", pa.string()),
        pa.field("idx", pa.int64()),
        pa.field("usd_amount", MONEY),
        pa.field("asset_amount", AMOUNT),
        pa.field("transfer_at", TIMESTAMP),
        pa.field("output_address", pa.string()),
        pa.field("updated_at", TIMESTAMP),
        pa.field("answer_json", pa.string(), nullable=False),
        pa.field("ledger_transfer_at", TIMESTAMP, nullable=False),
    ]
)

EXPOSURES = pa.schema(
    [
        pa.field("external_id", pa.string(), nullable=False),
        pa.field("direct_name", pa.string()),
        pa.field("direct_category_id", pa.int64()),
        pa.field("direct_category", pa.string()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

ALERTS = pa.schema(
    [
        pa.field("external_id", pa.string(), nullable=False),
        pa.field("alert_external_id", pa.string(), nullable=False),
        pa.field("alert_level_code", pa.string(), nullable=False),
        pa.field("service", pa.string()),
        pa.field("alert_amount_usd", MONEY),
        pa.field("exposure_type_code", pa.string()),
        pa.field("category_id", pa.int64()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

CATEGORIES = pa.schema(
    [
        pa.field("category_id", pa.int64()),
        pa.field("category_name", pa.string(), nullable=False),
    ]
)

TABLES = {"transfers": TRANSFERS, "exposures": EXPOSURES, "alerts": ALERTS, "categories": CATEGORIES}
