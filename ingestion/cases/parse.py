"""The canonical tables of decisions; times are UTC, the window is the one the case is about (both days included).

`outcomes` says in our words how each case stands. `records` is what a case system says in its own words: alert
dispositions, cases, reports filed, quality reviews; a reviewed map (seed case_code_mappings) turns them into ours."""

from ingestion.tabular import DATE, TIMESTAMP, Column, Table

OUTCOMES = Table(
    "outcomes",
    (
        Column("case_id", required=True),
        Column("alert_id"),
        Column("scenario_id", required=True),
        Column("party_id", required=True),
        Column("window_start_date", DATE, required=True),
        Column("window_end_date", DATE, required=True),
        Column("opened_at", TIMESTAMP, required=True),
        Column("status_code", required=True, codes=("open", "closed")),
        Column("decided_at", TIMESTAMP),
        Column("outcome_code", codes=("false_positive", "no_action", "escalated", "sar_filed")),
        Column("sar_filed_at", TIMESTAMP),
        Column("investigator_id", required=True),
        Column("qa_result_code", codes=("pass", "fail")),
    ),
    key=("case_id",),
    event="opened_at",
)

RECORDS = Table(
    "records",
    (
        Column("vendor_code", required=True),
        Column("record_type_code", required=True, codes=("alert", "case", "sar", "qa")),
        Column("record_id", required=True),
        Column("updated_at", TIMESTAMP, required=True),
        Column("created_at", TIMESTAMP),
        Column("vendor_status_code"),
        Column("vendor_outcome_code"),
        Column("case_id"),
        Column("alert_id"),
        Column("party_id"),
        Column("scenario_id"),
        Column("window_start_date", DATE),
        Column("window_end_date", DATE),
        Column("decided_at", TIMESTAMP),
        Column("sar_filed_at", TIMESTAMP),
        Column("investigator_id"),
        Column("answer_json"),
    ),
    key=("record_id",),
    event="updated_at",
)

TABLES = (OUTCOMES, RECORDS)
