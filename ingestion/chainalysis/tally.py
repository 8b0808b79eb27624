"""What the vendor answered, counted on the wire: by HTTP status, by the movement that was asked about, by a look at the
raw bytes.

This is the source's side of the reconciliation, so nothing of it goes through `parse`: an answer that the parser drops
is still counted. Alerts are counted on another path, the vendor's v1 list (`listed_alerts`).
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ingestion import wire
from ingestion.chainalysis.movements import Movement
from ingestion.control_totals import record_hash

_UPDATED = re.compile(rb'"updatedAt"\s*:\s*"(\d{4}-\d\d-\d\d)([^"]*)"')
_AMOUNT = re.compile(rb'"assetAmount"\s*:\s*(-?[0-9]{1,30}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?)\s*[,}]')
_CATEGORY = re.compile(rb'"categoryId"\s*:\s*"?([0-9A-Za-z_-]*)')


@dataclass(frozen=True)
class Counted:
    """One answered movement. `day` (UTC) is its extract's, `state` the finished answer's updatedAt as the vendor wrote
    it, else accepted or refused. `amount`, in units of the asset: what a finished answer states, the movement's own of
    a refused one, None while it is processing."""

    movement: Movement
    day: date
    state: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class CountedAlert:
    """One row of the v1 list that this run has to account for."""

    day: date
    alert_id: str
    amount_usd: Decimal | None

    @property
    def record_hash(self) -> int:
        return record_hash(self.alert_id, self.amount_usd)


@dataclass
class Tally:
    """What the vendor acknowledged, counted on the wire and apart from what is parsed and landed."""

    transfers: dict[str, Counted] = field(default_factory=dict)
    exposures: dict[str, tuple[Movement, int]] = field(default_factory=dict)
    networks: dict[str, tuple[Movement, int]] = field(default_factory=dict)
    alerts: list[CountedAlert] = field(default_factory=list)
    states: list[tuple[date, tuple, Decimal | None]] = field(default_factory=list)
    attempts: dict[str, tuple[date, str, Decimal | None]] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)

    def registered(self, movement: Movement, state: str) -> None:
        """A first registration was answered: `accepted` (202) or `refused` (4xx)."""
        if movement.ledger_transfer_id not in self.transfers:
            amount = movement.asset_amount if state == "refused" else None
            self._count(movement, movement.transfer_at.date(), state, amount)

    def refused(self, movement: Movement) -> None:
        """The vendor refused to speak of a transfer it had accepted."""
        self._count(movement, movement.transfer_at.date(), "refused", movement.asset_amount)

    def summarised(self, movement: Movement, answer: bytes) -> None:
        """A summary arrived; a finished one belongs to the day of its updatedAt."""
        found = _UPDATED.search(answer)
        if found:
            updated_on, rest = found[1].decode(), found[2].decode()
            self._count(movement, date.fromisoformat(updated_on), updated_on + rest, _amount(answer))

    def exposed(self, movement: Movement, external_id: str, answer: bytes) -> None:
        """The exposures of a finished transfer, asked for by the vendor's id, were answered with 200."""
        self.exposures[movement.ledger_transfer_id] = movement, exposure_hash(external_id, answer)

    def identified(self, movement: Movement, external_id: str, answer: bytes) -> None:
        """The network identifications of a finished transfer were answered with 200."""
        self.networks[movement.ledger_transfer_id] = movement, networks_hash(external_id, answer)

    def listed_categories(self, answer: bytes) -> None:
        self.categories = ["" if found == b"null" else found.decode() for found in _CATEGORY.findall(answer)]

    def listed_state(self, day: date, state: tuple, amount_usd: Decimal | None) -> None:
        """The v1 list shows an alert in a state that no earlier run landed."""
        self.states.append((day, state, amount_usd))

    def attempted(self, ledger_transfer_id: str, attempted_on: date, asset_amount: Decimal, answer: bytes) -> None:
        """A withdrawal attempt was answered; without a date in the answer it was refused, on the day of the attempt."""
        if found := _UPDATED.search(answer):
            said = date.fromisoformat(found[1].decode()), (found[1] + found[2]).decode(), _amount(answer)
        else:
            said = attempted_on, "refused", asset_amount
        self.attempts[ledger_transfer_id] = said

    def _count(self, movement: Movement, day: date, state: str, amount: Decimal | None) -> None:
        self.transfers[movement.ledger_transfer_id] = Counted(movement, day, state, amount)

    def day_of(self, movement: Movement) -> date:
        counted = self.transfers.get(movement.ledger_transfer_id)
        return counted.day if counted else movement.transfer_at.date()

    def extract_ids(self) -> dict[date, str]:
        """The run's extracts, one a UTC day of knowledge: the id is made from everything counted in it, so that the
        same answers give the same id."""
        lines: dict[date, list[str]] = {}
        for ledger_transfer_id, counted in self.transfers.items():
            lines.setdefault(counted.day, []).append(f"transfer|{ledger_transfer_id}|{counted.state}")
        for ledger_transfer_id, (movement, _) in self.exposures.items():
            if ledger_transfer_id not in self.transfers:  # of a transfer that landed before
                lines.setdefault(self.day_of(movement), []).append(f"exposure|{ledger_transfer_id}")
        for ledger_transfer_id, (movement, _) in self.networks.items():
            if ledger_transfer_id not in self.transfers:
                lines.setdefault(self.day_of(movement), []).append(f"networks|{ledger_transfer_id}")
        for alert in self.alerts:
            lines.setdefault(alert.day, []).append(f"alert|{alert.alert_id}")
        for day, state, _ in self.states:
            lines.setdefault(day, []).append("state|" + "|".join(map(str, state)))
        for ledger_transfer_id, (day, state, _) in self.attempts.items():
            lines.setdefault(day, []).append(f"attempt|{ledger_transfer_id}|{state}")
        return {
            day: f"kyt/{day.isoformat()}:{hashlib.sha256(chr(10).join(sorted(lines[day])).encode()).hexdigest()[:16]}"
            for day in sorted(lines)
        }


def _amount(answer: bytes) -> Decimal | None:
    found = _AMOUNT.search(answer)
    return wire.fitting(Decimal(found[1].decode())) if found else None


def exposure_hash(external_id: str, answer: bytes) -> int:
    """The share of the hash that the direct exposure of a transfer has."""
    category = wire.said(wire.document(answer), "direct", "categoryId")
    return record_hash(wire.key(external_id, category), None)


def networks_hash(external_id: str, answer: bytes) -> int:
    """The share of the hash that the network identifications of a transfer have."""
    return record_hash(wire.key(external_id, wire.said(wire.document(answer), "count")), None)


def alert_hash(item: object) -> int | None:
    """The share that an alert of a transfer's own answer has; None where its amount is no number."""
    amount = wire.at(item, "alertAmount")
    dollars = wire.exact(item, "alertAmount")
    if amount is not None and dollars is None:
        return None
    cents = None if dollars is None else dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return record_hash(wire.key(wire.said(item, "externalId")), cents)


def state_hash(row: object) -> int:
    """The share that a state of an alert has."""
    return record_hash(wire.key(wire.said(row, "alertIdentifier"), wire.said(row, "alertStatus")), None)
