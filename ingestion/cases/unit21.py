"""Unit21's API: alerts, cases and suspicious activity reports, by offset and limit in the body of the request.

Belongs here: Unit21's paths, paging and members. Times are seconds since 1970.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

from ingestion.cases.wire import Listing, Unusable, moment, text
from ingestion.vendor import Vendor, VendorUnavailable

VENDOR = "unit21"
PAGE = 100
TRIES = 3
LISTS = {"alerts": "alert", "cases": "case", "sars": "sar"}
IDENTITY = ("unit21_id", "id")
NEEDS = ("created_at", "status")
KNOWN = frozenset(
    {"id", "unit21_id", "alert_id", "case_id", "sar_id", "alert_type", "types", "report_type", "title", "description"}
    | {"updated_at", "closed_at", "closed_by", "disposition", "dispositioned_at", "dispositioned_by"}
    | {"disposition_notes", "assigned_to", "assigned_to_agent", "associated_alerts", "associated_cases"}
    | {"associated_entities", "associated_events", "associated_instruments", "associated_rules", "associated_sars"}
    | {"tags", "custom_data", "start_date", "end_date", "filed_at", "due_date", "source", "score", "queue", "team"}
)


def listings(base_url: str, api_key: str) -> Iterator[Listing]:
    """The three lists, each to its end. Raises VendorError, and VendorUnavailable for a list that changes so fast that
    it cannot be read whole."""
    headers = {"u21-key": api_key}
    with Vendor("cases", "Unit21", base_url, headers=headers, per_second=5, prefix="unit21_") as vendor:
        for name, record_type in LISTS.items():
            yield _whole(vendor, name, record_type)


def _whole(vendor: Vendor, name: str, record_type: str) -> Listing:
    for _ in range(TRIES):
        read = partial(_row, record_type)
        found = Listing(VENDOR, record_type, f"/{name}/list", read, IDENTITY, "api_total", needs=NEEDS, known=KNOWN)
        total, offset = 0, 0
        while True:
            answer = vendor.post(found.endpoint, {"limit": PAGE, "offset": offset})
            page = found.add(answer, name)
            total, offset = int(answer.data.get("total_count") or 0), offset + min(len(page), PAGE)
            if not page or offset >= total:
                break
        # A record that moves to another page while we read comes twice or not at all; a list may also hold it twice.
        if len({_identifier(record) for _, record in found.records}) == total:
            return found
    raise VendorUnavailable(
        f"Unit21 says {found.endpoint} has {total} records and gave {found.wire_rows} in {TRIES} tries: it changes "
        "while it is read. Nothing of this load was kept; the next run catches up."
    )


def _identifier(record: dict) -> str | None:
    return next(filter(None, (text(record, name) for name in IDENTITY)), None)


def _row(record_type: str, record: dict, answered_at: datetime) -> dict:
    identifier, created = _identifier(record), moment(record, "created_at")
    if not identifier or created is None:
        raise Unusable("missing_identifier", "the record lacks its unit21_id or created_at")
    decided = moment(record, "dispositioned_at") or moment(record, "closed_at")
    if decided and decided < created:
        raise Unusable("decided_before_opened", "the record was decided before it was created")
    is_case = record_type == "case"
    return {
        "record_id": identifier,
        "created_at": created,
        "updated_at": moment(record, "updated_at") or max(decided or created, created),
        "vendor_status_code": text(record, "status"),
        "vendor_outcome_code": text(record, "status" if record_type == "sar" else "disposition"),
        "case_id": identifier if is_case else text(record, "associated_cases", 0, "unit21_id"),
        "alert_id": text(record, "associated_alerts", 0, "alert_id") if is_case else text(record, "alert_id"),
        "party_id": text(record, "associated_entities", 0, "entity_id"),
        "scenario_id": text(record, "associated_rules", 0, "rule_id"),
        "window_start_date": _day(record, "start_date"),
        "window_end_date": _day(record, "end_date"),
        "decided_at": decided,
        "sar_filed_at": moment(record, "filed_at"),
        "investigator_id": text(record, "dispositioned_by") or text(record, "assigned_to"),
    }


def _day(record: dict, name: str) -> date | None:
    found = moment(record, name)
    return found.date() if found else None
