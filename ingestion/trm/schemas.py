"""Shapes of the raw_trm tables. All timestamps are UTC; answers are kept whole in `answer_json`."""

import pyarrow as pa

from ingestion.records import AMOUNT, TIMESTAMP

FEED = "trm"

ADDRESS_SCREENINGS = pa.schema(
    [
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("address_submitted", pa.string(), nullable=False),
        pa.field("chain_code", pa.string(), nullable=False),
        pa.field("address", pa.string()),
        pa.field("risk_score_level_code", pa.string()),
        pa.field("total_volume_usd", AMOUNT),
        pa.field("incoming_volume_usd", AMOUNT),
        pa.field("outgoing_volume_usd", AMOUNT),
        pa.field("screened_at", TIMESTAMP),
        pa.field("ledger_known_at", TIMESTAMP, nullable=False),
        pa.field("unknown_members", pa.string()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`screening_id` is ours: the vendor gives none. `risk_score_level_code` is the highest level of the answer, from the
member that says so (2026) or else from its entities and indicators (2023). `ledger_known_at`: when the newest movement
became known for which it was asked."""

EXPOSURES = pa.schema(
    [
        pa.field("subject_type_code", pa.string(), nullable=False),
        pa.field("subject_id", pa.string(), nullable=False),
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("element_code", pa.string(), nullable=False),
        pa.field("element_no", pa.int64(), nullable=False),
        pa.field("risk_type_code", pa.string()),
        pa.field("category_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("entity_name", pa.string()),
        pa.field("risk_score_level_code", pa.string()),
        pa.field("total_volume_usd", AMOUNT),
        pa.field("incoming_volume_usd", AMOUNT),
        pa.field("outgoing_volume_usd", AMOUNT),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`subject_type_code` address (`subject_id` is `<chain>:<address as submitted>`) or transfer (our transfer id).
`element_code`: risk_indicator or entity of an address, counterparty of a transfer."""

TRANSFERS = pa.schema(
    [
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("transfer_uuid", pa.string(), nullable=False),
        pa.field("ledger_transfer_id", pa.string(), nullable=False),
        pa.field("account_external_id", pa.string()),
        pa.field("transfer_type_code", pa.string()),
        pa.field("chain_code", pa.string()),
        pa.field("asset_code", pa.string()),
        pa.field("asset_amount", AMOUNT),
        pa.field("fiat_value_usd", AMOUNT),
        pa.field("onchain_reference", pa.string()),
        pa.field("destination_address", pa.string()),
        pa.field("source_address", pa.string()),
        pa.field("transfer_at", TIMESTAMP),
        pa.field("submitted_at", TIMESTAMP),
        pa.field("screen_status_code", pa.string(), nullable=False),
        pa.field("screen_status_failed_reason", pa.string()),
        pa.field("risk_score_level_code", pa.string()),
        pa.field("unknown_members", pa.string()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

ALERTS = pa.schema(
    [
        pa.field("alert_uuid", pa.string(), nullable=False),
        pa.field("transfer_uuid", pa.string()),
        pa.field("transfer_external_id", pa.string()),
        pa.field("account_external_id", pa.string()),
        pa.field("rule_uuid", pa.string()),
        pa.field("risk_score_level_code", pa.string()),
        pa.field("status_code", pa.string(), nullable=False),
        pa.field("closed_reason_code", pa.string()),
        pa.field("is_valid", pa.bool_()),
        pa.field("issued_at", TIMESTAMP, nullable=False),
        pa.field("status_updated_at", TIMESTAMP),
        pa.field("closed_at", TIMESTAMP),
        pa.field("updated_at", TIMESTAMP),
        pa.field("unknown_members", pa.string()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

TABLES = {
    "address_screenings": ADDRESS_SCREENINGS,
    "exposures": EXPOSURES,
    "transfers": TRANSFERS,
    "alerts": ALERTS,
}
