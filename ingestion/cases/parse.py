"""The canonical table of case outcomes; times are UTC, the window is the one the case is about (both days included)."""

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

TABLES = (OUTCOMES,)
