"""What the vendor answered, counted on the wire: by HTTP status, by the movement that was asked about, by a look at the
raw bytes.

This is the source's side of the reconciliation, so nothing of it goes through `parse`: an answer that the parser drops
is still counted. Alerts are counted on another path, the vendor's v1 list (`listed_alerts`).
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ingestion.chainalysis.movements import Movement

_UPDATED = re.compile(rb'"updatedAt"\s*:\s*"(\d{4}-\d\d-\d\d)([^"]*)"')
_CATEGORY = re.compile(rb'"categoryId"\s*:')


@dataclass(frozen=True)
class Counted:
    """One answered movement. `day` (UTC) is its extract's, `state` the finished answer's updatedAt as the vendor wrote
    it, else accepted or refused."""

    movement: Movement
    day: date
    state: str


@dataclass(frozen=True)
class CountedAlert:
    """One row of the v1 list that this run has to account for."""

    day: date
    alert_id: str
    amount_usd: Decimal | None


@dataclass
class Tally:
    """What the vendor acknowledged, counted on the wire and apart from what is parsed and landed."""

    transfers: dict[str, Counted] = field(default_factory=dict)
    exposures: dict[str, Movement] = field(default_factory=dict)
    alerts: list[CountedAlert] = field(default_factory=list)
    states: list[tuple[date, tuple]] = field(default_factory=list)
    attempts: dict[str, tuple[date, str]] = field(default_factory=dict)
    categories: int = 0

    def registered(self, movement: Movement, state: str) -> None:
        """A first registration was answered: `accepted` (202) or `refused` (4xx)."""
        if movement.ledger_transfer_id not in self.transfers:
            self._count(movement, movement.transfer_at.date(), state)

    def refused(self, movement: Movement) -> None:
        """The vendor refused to speak of a transfer it had accepted."""
        self._count(movement, movement.transfer_at.date(), "refused")

    def summarised(self, movement: Movement, answer: bytes) -> None:
        """A summary arrived; a finished one belongs to the day of its updatedAt."""
        found = _UPDATED.search(answer)
        if found:
            updated_on, rest = found[1].decode(), found[2].decode()
            self._count(movement, date.fromisoformat(updated_on), updated_on + rest)

    def exposed(self, movement: Movement) -> None:
        """The exposures of a finished transfer were answered with 200."""
        self.exposures[movement.ledger_transfer_id] = movement

    def listed_categories(self, answer: bytes) -> None:
        self.categories = len(_CATEGORY.findall(answer))

    def listed_state(self, day: date, state: tuple) -> None:
        """The v1 list shows an alert in a state that no earlier run landed."""
        self.states.append((day, state))

    def attempted(self, ledger_transfer_id: str, attempted_on: date, answer: bytes) -> None:
        """A withdrawal attempt was answered; without a date in the answer it belongs to the day of the attempt."""
        found = _UPDATED.search(answer)
        day = date.fromisoformat(found[1].decode()) if found else attempted_on
        self.attempts[ledger_transfer_id] = day, (found[1] + found[2]).decode() if found else "refused"

    def _count(self, movement: Movement, day: date, state: str) -> None:
        self.transfers[movement.ledger_transfer_id] = Counted(movement, day, state)

    def day_of(self, movement: Movement) -> date:
        counted = self.transfers.get(movement.ledger_transfer_id)
        return counted.day if counted else movement.transfer_at.date()

    def extract_ids(self) -> dict[date, str]:
        """The run's extracts, one a UTC day of knowledge: the id is made from everything counted in it, so that the
        same answers give the same id."""
        lines: dict[date, list[str]] = {}
        for ledger_transfer_id, counted in self.transfers.items():
            lines.setdefault(counted.day, []).append(f"transfer|{ledger_transfer_id}|{counted.state}")
        for ledger_transfer_id, movement in self.exposures.items():
            if ledger_transfer_id not in self.transfers:  # of a transfer that landed before
                lines.setdefault(self.day_of(movement), []).append(f"exposure|{ledger_transfer_id}")
        for alert in self.alerts:
            lines.setdefault(alert.day, []).append(f"alert|{alert.alert_id}")
        for day, state in self.states:
            lines.setdefault(day, []).append("state|" + "|".join(map(str, state)))
        for ledger_transfer_id, (day, state) in self.attempts.items():
            lines.setdefault(day, []).append(f"attempt|{ledger_transfer_id}|{state}")
        return {
            day: f"kyt/{day.isoformat()}:{hashlib.sha256(chr(10).join(sorted(lines[day])).encode()).hexdigest()[:16]}"
            for day in sorted(lines)
        }
