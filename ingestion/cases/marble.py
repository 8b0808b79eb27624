"""Marble's public API: cases, and decisions as the alerts they are made of.

Belongs here: Marble's paths, paging and members. A case of Marble has no time of its last change: what changed since
the last run was known when Marble answered (its header Date). What a decision was about is in the trigger object, whose
members are the exchange's own data model: `alert_id`, `party_id`, `scenario_id`, `window_start_date`,
`window_end_date`.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

from ingestion.cases.wire import Listing, Unusable, moment, text
from ingestion.vendor import Vendor

VENDOR = "marble"
PAGE = 100
LISTS = {"/v1beta/cases": "case", "/v1beta/decisions": "alert"}
NEEDS = {
    "case": ("id", "created_at", "status", "outcome"),
    "alert": ("id", "created_at", "review_status", "trigger_object", "scenario"),
}
KNOWN = frozenset(
    {"inbox", "name", "assignee", "contributors", "tags", "snoozed_until", "review_level", "case", "outcome", "score"}
    | {"rules", "trigger_object_type", "screenings", "scheduled_execution_id", "pivot_values", "files", "events"}
)


def listings(base_url: str, api_key: str) -> Iterator[Listing]:
    """The lists of cases and decisions, oldest first, each to its end. Raises VendorError."""
    headers = {"X-API-KEY": api_key}
    with Vendor("cases", "Marble", base_url, headers=headers, per_second=10, prefix="marble_") as vendor:
        for endpoint, record_type in LISTS.items():
            read, needs = partial(_row, record_type), NEEDS[record_type]
            found = Listing(VENDOR, record_type, endpoint, read, ("id",), needs=needs, known=KNOWN)
            after = None
            while True:
                paging = {"order": "ASC", "limit": PAGE} | ({"after": after} if after else {})
                answer = vendor.get(endpoint, paging)
                page = found.add(answer, "data")
                more = answer.data.get("pagination") or {}
                if not more.get("has_more") or not page:
                    break
                after = more["next_page_id"]
            yield found


def _row(record_type: str, record: dict, answered_at: datetime) -> dict:
    identifier, created = text(record, "id"), moment(record, "created_at")
    if not identifier or created is None:
        raise Unusable("missing_identifier", "the record lacks its id or created_at")
    row = {"record_id": identifier, "created_at": created, "updated_at": max(answered_at, created)}
    if record_type == "case":
        return row | {
            "case_id": identifier,
            "vendor_status_code": text(record, "status"),
            "vendor_outcome_code": text(record, "outcome"),
            "investigator_id": text(record, "assignee", "id"),
        }
    return row | {
        "case_id": text(record, "case", "id"),
        "vendor_status_code": text(record, "review_status"),
        "vendor_outcome_code": text(record, "review_status"),
        "alert_id": text(record, "trigger_object", "alert_id"),
        "party_id": text(record, "trigger_object", "party_id"),
        "scenario_id": text(record, "trigger_object", "scenario_id") or text(record, "scenario", "id"),
        "window_start_date": _day(record, "window_start_date"),
        "window_end_date": _day(record, "window_end_date"),
    }


def _day(record: dict, name: str) -> date | None:
    found = moment(record, "trigger_object", name)
    return found.date() if found else None
