"""Shapes of the raw_elliptic tables. All timestamps are UTC; answers are kept whole in `answer_json`."""

import pyarrow as pa

from ingestion.records import AMOUNT, TIMESTAMP

FEED = "elliptic"
NOT_IN_BLOCKCHAIN = "not_in_blockchain"
"""Process status of ours for an address or transaction that the vendor says was never seen on chain (its 404)."""

ANALYSES = pa.schema(
    [
        pa.field("analysis_id", pa.string(), nullable=False),
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("analysis_type_code", pa.string(), nullable=False),
        pa.field("subject_type_code", pa.string(), nullable=False),
        pa.field("asset_code", pa.string()),
        pa.field("blockchain_code", pa.string()),
        pa.field("subject_hash", pa.string(), nullable=False),
        pa.field("output_address", pa.string()),
        pa.field("customer_reference", pa.string()),
        pa.field("ledger_transfer_id", pa.string()),
        pa.field("risk_score", AMOUNT),
        pa.field("source_risk_score", AMOUNT),
        pa.field("destination_risk_score", AMOUNT),
        pa.field("process_status_code", pa.string(), nullable=False),
        pa.field("workflow_status_code", pa.string()),
        pa.field("screening_source_code", pa.string()),
        pa.field("error_message", pa.string()),
        pa.field("created_at", TIMESTAMP),
        pa.field("updated_at", TIMESTAMP),
        pa.field("analysed_at", TIMESTAMP),
        pa.field("ledger_known_at", TIMESTAMP),
        pa.field("unknown_members", pa.string()),
        pa.field("answer_json", pa.string(), nullable=False),
    ]
)
"""`subject_type_code` address or transaction. A rescreen has the analysis's id and a screening id of its own.
`ledger_transfer_id` and `ledger_known_at` are null for an analysis that this loader did not ask for."""

EXPOSURES = pa.schema(
    [
        pa.field("analysis_id", pa.string(), nullable=False),
        pa.field("screening_id", pa.string(), nullable=False),
        pa.field("analysis_type_code", pa.string(), nullable=False),
        pa.field("element_code", pa.string(), nullable=False),
        pa.field("element_no", pa.int64(), nullable=False),
        pa.field("side_code", pa.string()),
        pa.field("rule_id", pa.string()),
        pa.field("rule_name", pa.string()),
        pa.field("rule_risk_score", AMOUNT),
        pa.field("category_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("entity_name", pa.string()),
        pa.field("is_primary_entity", pa.bool_()),
        pa.field("is_screened_address", pa.bool_()),
        pa.field("min_number_of_hops", pa.int64()),
        pa.field("contribution_pct", AMOUNT),
        pa.field("contribution_usd", AMOUNT),
        pa.field("counterparty_pct", AMOUNT),
        pa.field("counterparty_usd", AMOUNT),
        pa.field("indirect_pct", AMOUNT),
        pa.field("indirect_usd", AMOUNT),
    ]
)
"""`element_code`: cluster_entity (who the address is), matched_element (a category that a rule matched) or contribution
(who the value comes from or goes to). `side_code` as the vendor said it: source or destination for a wallet, null for a
transaction, whose lists have no sides. The value of a contribution by several entities stands on the first of them."""

TABLES = {"analyses": ANALYSES, "exposures": EXPOSURES}
