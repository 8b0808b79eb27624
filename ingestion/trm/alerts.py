"""TRM's list of alerts, read from the newest landed one on.

Belongs here: reading the list until nothing of it can be missing. What an alert means is `parse`'s business.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ingestion import control_totals, ledger, pipeline
from ingestion.chainalysis.parse import Unreadable
from ingestion.members import text
from ingestion.reading import Counted, Reading
from ingestion.trm import count, parse
from ingestion.trm.schemas import FEED
from ingestion.vendor import Vendor, VendorError, VendorUnavailable

ALERTS = "/public/v2/tm/alerts"
PER_PAGE = 100
READINGS = 5
"""How often a list that keeps changing while it is read is read in one run, at most."""


def read(vendor: Vendor, overlap: timedelta) -> Reading:
    """The alerts issued, and those whose status changed, since `overlap` before the newest landed ones: a vendor may
    commit late. A row lands once for each state it is seen in.

    The list has neither a total nor a snapshot: a row that comes in while it is read moves the others to other offsets,
    so that one may be seen twice and another not at all. So it is read from both of its ends, until they hold the same
    alerts; what is counted from the second end is the control total. Raises VendorUnavailable where that takes more
    than READINGS readings."""
    reading = Reading(FEED, ALERTS, ("alerts",))
    rows = ledger.landed(FEED, "alerts", "answer_json, issued_at, status_updated_at")
    known = {answer for answer, _, _ in rows}
    known |= {answer for answer, table in ledger.landed(FEED, "rejects", "raw_record, table_name") if table == "alerts"}
    issued_at = max((at for _, at, _ in rows), default=None)
    updated_at = max((at for _, _, at in rows if at), default=None)
    # What a replay asks about again may be of any age.
    is_first = issued_at is None or updated_at is None or pipeline.rejects_asked_again()
    since = [{}] if is_first else [
        {"issuedAt[gte]": _millis(issued_at - overlap)}, {"statusUpdatedAt[gte]": _millis(updated_at - overlap)}
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for _ in range(READINGS):
        first = {text(item): item for cursor in since for item in _pages(vendor, "asc", cursor)}
        second = {text(item): item for cursor in since for item in _pages(vendor, "desc", cursor)}
        found |= {answer: item for answer, item in first.items() if answer not in known}
        if first.keys() == second.keys():
            break
    else:
        raise VendorUnavailable(
            f"TRM Labs lists {len(first)} alerts from one end and {len(second)} from the other, read {READINGS} times. "
            "The list changes faster than it can be read, or the vendor's paging is wrong; run again when it is quiet, "
            "or ask the vendor."
        )
    for item in sorted(found.values(), key=lambda item: (_moment_of(item), text(item))):
        _land_alert(reading, item)
    passed = found.keys() - first.keys()  # states that an alert had in an earlier reading only
    for answer in (second.keys() - known) | passed:
        reading.count("alerts", count.alert(second.get(answer) or found[answer]))
    return reading


def _pages(vendor: Vendor, order: str, since: dict[str, str]) -> Iterator[Any]:
    offset = 0
    while page := vendor.get(ALERTS, {"sort[issuedAt]": order, "limit": PER_PAGE, "offset": offset, **since}).data:
        if not isinstance(page, list):
            raise VendorError(
                f"TRM Labs answered {ALERTS} with something that is not a list. Is the address its API's?"
            )
        yield from page
        offset += len({text(item) for item in page})  # a row that is answered twice takes no other's place


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _land_alert(reading: Reading, item: Any) -> None:
    try:
        row = parse.alert(item)
    except Unreadable as problem:
        known_at = _moment_of(item)
        counted = Counted(control_totals.record_hash(count.alert(item), None), None)
        reading.reject("alerts", known_at, "unreadable_answer", str(problem), text(item), counted)
        return
    known = [row["issued_at"], row["status_updated_at"], row["updated_at"], row["closed_at"]]
    reading.land("alerts", max(at for at in known if at), row)


def _moment_of(item: Any) -> datetime:
    """The latest time an unreadable alert speaks of; where there is none, it counts as known from the beginning."""
    found = []
    for member in ("issuedAt", "statusUpdatedAt", "updatedAt", "closedAt"):
        try:
            found.append(parse.moment(item.get(member)) if isinstance(item, dict) else None)
        except Unreadable:
            continue
    return max((at for at in found if at), default=datetime(1970, 1, 1))
