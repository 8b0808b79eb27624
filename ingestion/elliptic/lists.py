"""Elliptic's lists of analyses: read whole, and searched for what was asked before.

Belongs here: paging, and which listed analysis answers which question. What an analysis means is `parse`'s business.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from ingestion import ledger
from ingestion.chainalysis.parse import Unreadable, timestamp
from ingestion.members import text
from ingestion.vendor import Answer, Vendor, VendorError, VendorUnavailable

PER_PAGE = 500
READINGS = 5
"""How often a list that keeps changing while it is read is read in one run, at most."""
FRESH = timedelta(days=1)
"""How much older than the address's newest movement an analysis of it may be, to stand for one that is to be made."""

Subject = tuple[str, str, str | None]
"""Type of the analysis, what was analysed, and for a transaction its output address."""


def read(vendor: Vendor, path: str, **asked: str) -> list[Any]:
    """The list's analyses in a fixed order, in each state they were seen in while the list was read.

    A rescreen moves a row to the end of the list while it is read, and what comes after it to earlier pages, so that a
    row can be missed: the list is read until as many different analyses were seen as its total_items says. Raises
    VendorUnavailable where that takes more than READINGS readings."""
    found: dict[str, Any] = {}
    for _ in range(READINGS):
        page = pages = 1
        while page <= pages:
            answer = vendor.get(path, {"page": page, "per_page": PER_PAGE, "sort": "analysed_at", **asked}).data
            items = answer.get("items") if isinstance(answer, dict) else None
            counts = [answer.get(name) for name in ("total_items", "total_pages")] if isinstance(answer, dict) else []
            if not isinstance(items, list) or not all(type(count) is int for count in counts):
                raise VendorError(
                    f"Elliptic answered {path} with something that is not a list of analyses with total_items and "
                    "total_pages. Is the address its API's?"
                )
            found |= {text(item): item for item in items}
            (total, pages), page = counts, page + 1
        seen = len({identity(item) or answer for answer, item in found.items()})
        if seen >= total:
            return [item for _, item in sorted(found.items(), key=_order)]
    raise VendorUnavailable(
        f"Elliptic's list {path} says total_items {total} and holds {seen} different analyses, read {READINGS} times. "
        "It changes faster than it can be read, or the vendor's paging is wrong; run again when it is quiet, or ask "
        "the vendor."
    )


def _order(pair: tuple[str, Any]) -> tuple[datetime, str]:
    return _moment(pair[1]) or datetime.min, pair[0]


def identity(item: Any) -> str | None:
    """The analysis's id; None where it has none."""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else None


def subject_of(analysis: Any) -> Subject | None:
    """What an analysis, or the body that asks for one, is about; None where that cannot be read."""
    subject = analysis.get("subject") if isinstance(analysis, dict) else None
    if not isinstance(subject, dict):
        return None
    kind, name, output = analysis.get("type"), subject.get("hash"), subject.get("output_address")
    if not isinstance(kind, str) or not isinstance(name, str) or not isinstance(output, str | None):
        return None
    return kind, ledger.plain(name), output and ledger.plain(output)


class Existing:
    """Analyses that the vendor has made for a customer and that no earlier run landed.

    Each request for an analysis makes a new one, which is billed. Where a run ended after the vendor had heard it, or
    an answer was lost on the way, the analysis is there: it is looked for by its customer, and taken."""

    def __init__(self, vendor: Vendor, landed: Collection[str]) -> None:
        self._vendor, self._taken = vendor, set(landed)
        self._listed: dict[tuple[str, str], list[Any]] = {}

    def take(self, path: str, body: dict, not_before: datetime | None = None, *, again: bool = False) -> Answer | None:
        """The newest analysis of what `body` asks for, where there is one that nobody took; one of before `not_before`
        (naive UTC) does not count. `again`: also when the customer's list was read in this run already."""
        customer = path, body["customer_reference"]
        if again or customer not in self._listed:
            self._listed[customer] = read(self._vendor, path, customer_reference=customer[1])
        wanted = subject_of(body)
        for item in reversed(self._listed[customer]):
            analysed_at, known = _moment(item), identity(item)
            if subject_of(item) != wanted or known is None or known in self._taken:
                continue
            if not_before is None or analysed_at is None or analysed_at >= not_before - FRESH:
                self._taken.add(known)
                return Answer(200, b"", item, {})
        return None

    def made(self, item: Any) -> None:
        """The analysis was made and answered in this run."""
        self._taken.add(identity(item) or "")


def _moment(item: Any) -> datetime | None:
    """When it was analysed, naive UTC; None while it is not, and where nobody can read it."""
    try:
        return timestamp(item.get("analysed_at")) if isinstance(item, dict) else None
    except Unreadable:
        return None
