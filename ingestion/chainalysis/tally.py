"""What the vendor answered, counted on the wire: by status, by the request that asked, by a look at the raw bytes.

This is the source's side of the reconciliation, so nothing here goes through `parse`: a record that the parser drops is
still counted. The alerts' own count comes from another end-point, the v1 list (`alert_accounts`).
"""

import hashlib
import re
from collections import defaultdict
from datetime import date, datetime

from ingestion.chainalysis.movements import Movement

_UPDATED = re.compile(rb'"updatedAt"\s*:\s*"(\d{4}-\d\d-\d\d)([^"]*)"')
_CATEGORY = re.compile(rb'"categoryId"\s*:')


class Tally:
    """Counted events, each in the extract of the UTC day on which the vendor knew it."""

    def __init__(self) -> None:
        self._transfers: dict[str, tuple[date, str]] = {}
        self._movements: dict[str, Movement] = {}
        self.exposures: dict[str, Movement] = {}
        self.alerts: dict[date, list[tuple[str, object]]] = defaultdict(list)
        self.categories = 0

    def registered(self, movement: Movement, outcome: str) -> None:
        """A first registration was answered: `accepted` (202) or `refused` (a 4xx)."""
        self._movements[movement.ledger_transfer_id] = movement
        self._transfers.setdefault(movement.ledger_transfer_id, (movement.transfer_at.date(), outcome))

    def summarised(self, movement: Movement, answer: bytes) -> None:
        """A summary arrived. A finished one belongs to the day of its updatedAt."""
        found = _UPDATED.search(answer)
        if found:
            self._movements[movement.ledger_transfer_id] = movement
            day = date.fromisoformat(found[1].decode())
            self._transfers[movement.ledger_transfer_id] = (day, (found[1] + found[2]).decode())

    def refused(self, movement: Movement) -> None:
        """The vendor refused to speak of a transfer that it had accepted."""
        self._movements[movement.ledger_transfer_id] = movement
        self._transfers[movement.ledger_transfer_id] = (movement.transfer_at.date(), "refused")

    def exposed(self, movement: Movement) -> None:
        self.exposures[movement.ledger_transfer_id] = movement

    def listed_categories(self, answer: bytes) -> None:
        self.categories = len(_CATEGORY.findall(answer))

    def day_of(self, movement: Movement) -> date:
        counted = self._transfers.get(movement.ledger_transfer_id)
        return counted[0] if counted else movement.transfer_at.date()

    def transfers_by_day(self) -> dict[date, list[Movement]]:
        """The counted movements of each extract, by ledger transfer id."""
        days: dict[date, list[Movement]] = defaultdict(list)
        for ledger_transfer_id in sorted(self._transfers):
            days[self._transfers[ledger_transfer_id][0]].append(self._movements[ledger_transfer_id])
        return dict(sorted(days.items()))
