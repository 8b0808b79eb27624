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

ALERT_STATES = pa.schema(
    [
        pa.field("alert_id", pa.string(), nullable=False),
        pa.field("alert_status_code", pa.string()),
        pa.field("alert_status_at", TIMESTAMP),
        pa.field("alert_type_code", pa.string()),
        pa.field("alert_level_code", pa.string()),
        pa.field("alert_amount_usd", MONEY),
        pa.field("exposure_type_code", pa.string()),
        pa.field("category", pa.string()),
        pa.field("service", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("validity_code", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("transfer_reference", pa.string()),
        pa.field("direction_code", pa.string()),
        pa.field("asset_code", pa.string()),
        pa.field("created_at", TIMESTAMP, nullable=False),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

WITHDRAWAL_ATTEMPTS = pa.schema(
    [
        pa.field("external_id", pa.string(), nullable=False),
        pa.field("ledger_transfer_id", pa.string(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("network", pa.string()),
        pa.field("asset_code", pa.string(), nullable=False),
        pa.field("address", pa.string(), nullable=False),
        pa.field("attempt_identifier", pa.string(), nullable=False),
        pa.field("asset_amount", AMOUNT),
        pa.field("usd_amount", MONEY),
        pa.field("attempted_at", TIMESTAMP, nullable=False),
        pa.field("updated_at", TIMESTAMP, nullable=False),
        pa.field("direct_name", pa.string()),
        pa.field("direct_category_id", pa.int64()),
        pa.field("direct_category", pa.string()),
        pa.field("alert_level_code", pa.string()),
        pa.field("alert_count", pa.int64(), nullable=False),
        pa.field("high_risk_address_count", pa.int64(), nullable=False),
        pa.field("answer_json", pa.string(), nullable=False),
        pa.field("exposures_json", pa.string(), nullable=False),
        pa.field("alerts_json", pa.string(), nullable=False),
        pa.field("high_risk_addresses_json", pa.string(), nullable=False),
        pa.field("network_organisation_count", pa.int64()),
        pa.field("network_identifications_json", pa.string()),
    ]
)
"""The last two are null where the vendor was not asked, or has none for the asset."""

NETWORK_IDENTIFICATIONS = pa.schema(
    [
        pa.field("external_id", pa.string(), nullable=False),
        pa.field("organisation_count", pa.int64(), nullable=False),
        pa.field("organisation_names", pa.string(), nullable=False),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`organisation_names` is a JSON list of text, in order."""

ADDRESS_SCREENINGS = pa.schema(
    [
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("address", pa.string(), nullable=False),
        pa.field("product_code", pa.string(), nullable=False),
        pa.field("risk_code", pa.string()),
        pa.field("risk_reason", pa.string()),
        pa.field("cluster_name", pa.string()),
        pa.field("cluster_category", pa.string()),
        pa.field("status_code", pa.string()),
        pa.field("identification_count", pa.int64(), nullable=False),
        pa.field("ledger_known_at", TIMESTAMP, nullable=False),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`screening_id` is ours: the vendor gives none. `product_code`: risk (address screening) or sanctions (the free API).
`ledger_known_at`: when the newest row of the ledger became known that there was when the address was asked about."""

ADDRESS_EXPOSURES = pa.schema(
    [
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("address", pa.string(), nullable=False),
        pa.field("product_code", pa.string(), nullable=False),
        pa.field("member_code", pa.string(), nullable=False),
        pa.field("member_no", pa.int64(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("name", pa.string()),
        pa.field("description", pa.string()),
        pa.field("value_usd", MONEY),
        pa.field("exposure_type_code", pa.string()),
        pa.field("direction_code", pa.string()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`member_code`: the member of the answer that the row is of, exposures or identifications."""

USERS = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("score_code", pa.string()),
        pa.field("risk_score_code", pa.string()),
        pa.field("score_updated_at", TIMESTAMP),
        pa.field("last_activity_at", TIMESTAMP),
        pa.field("created_at", TIMESTAMP),
        pa.field("listed_json", pa.string(), nullable=False),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`listed_json`: the user's row of the vendor's list; a user is asked about again when it is another one."""

USER_EXPOSURES = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("cluster_name", pa.string()),
        pa.field("category_id", pa.int64()),
        pa.field("sent_direct_usd", MONEY),
        pa.field("sent_indirect_usd", MONEY),
        pa.field("received_direct_usd", MONEY),
        pa.field("received_indirect_usd", MONEY),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

LISTED_TRANSFERS = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("direction_code", pa.string(), nullable=False),
        pa.field("transfer_reference", pa.string(), nullable=False),
        pa.field("asset_code", pa.string(), nullable=False),
        pa.field("asset_amount", AMOUNT),
        pa.field("amount_usd", MONEY),
        pa.field("rating_code", pa.string()),
        pa.field("cluster_name", pa.string()),
        pa.field("category_id", pa.int64()),
        pa.field("transfer_at", TIMESTAMP),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)

REGISTERED_ADDRESSES = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("kind_code", pa.string(), nullable=False),
        pa.field("asset_code", pa.string(), nullable=False),
        pa.field("address", pa.string(), nullable=False),
        pa.field("rating_code", pa.string()),
        pa.field("cluster_name", pa.string()),
        pa.field("category_id", pa.int64()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`kind_code`: deposit or withdrawal."""

KYT_TABLES = {"transfers": TRANSFERS, "exposures": EXPOSURES, "alerts": ALERTS, "categories": CATEGORIES}
KYT_TABLES |= {"alert_states": ALERT_STATES, "withdrawal_attempts": WITHDRAWAL_ATTEMPTS}
KYT_TABLES |= {"network_identifications": NETWORK_IDENTIFICATIONS}
ADDRESS_TABLES = {"address_screenings": ADDRESS_SCREENINGS, "address_exposures": ADDRESS_EXPOSURES}
USER_TABLES = {"users": USERS, "user_exposures": USER_EXPOSURES, "listed_transfers": LISTED_TRANSFERS}
USER_TABLES |= {"registered_addresses": REGISTERED_ADDRESSES}
TABLES = KYT_TABLES | ADDRESS_TABLES | USER_TABLES
