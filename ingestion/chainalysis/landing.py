"""From one run's outcome to raw rows, rejects and control totals.

An extract is one UTC day of the vendor's knowledge (`_known_at`): a transfer's updatedAt, a late alert's createdAt, and
for what is still processing or was refused the ledger's own time of the transfer.
"""

import hashlib
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from ingestion import control_totals, rejects, wire
from ingestion.chainalysis import attempts, parse, tally
from ingestion.chainalysis.listed_alerts import Listed, ListedRow
from ingestion.chainalysis.movements import Key, Movement
from ingestion.chainalysis.schemas import FEED, KYT_TABLES
from ingestion.chainalysis.screening import Outcome
from ingestion.reading import drift
from ingestion.records import raw_schema

URIS = {"transfers": "/v2/users/{userId}/transfers", "exposures": "/v2/transfers/{externalId}/exposures"}
URIS |= {"alerts": "/v1/alerts/", "categories": "/v2/categories", "alert_states": "/v1/alerts/"}
URIS |= {"withdrawal_attempts": "/v2/users/{userId}/withdrawal-attempts"}
URIS |= {"network_identifications": "/v2/transfers/{externalId}/network-identifications"}


class Landing:
    """The tables of one run. `known_categories` are ids of category extracts that have landed already."""

    def __init__(self, outcome: Outcome, listed: Listed, known_categories: set[str]) -> None:
        self._outcome, self._listed = outcome, listed
        self._extract_ids = outcome.tally.extract_ids()
        self._rows: dict[str, list[dict]] = defaultdict(list)
        self._rejects: list[dict] = []
        self._totals: list[dict] = []
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._newest: dict[str, datetime] = {}
        self._transfers()
        self._exposures_and_alerts()
        self._networks()
        self._other_alerts()
        self._alert_states()
        self._attempts()
        self._categories(known_categories)
        self._control_totals()

    def table(self, name: str) -> pa.Table:
        return pa.Table.from_pylist(self._rows[name], schema=raw_schema(KYT_TABLES[name]))

    def rejects(self) -> pa.Table:
        return rejects.to_table(self._rejects)

    def control_totals(self) -> pa.Table:
        return control_totals.to_table(self._totals)

    @property
    def drift(self) -> str | None:
        """See `reading.drift`; None while the answers are what they should be."""
        for table in KYT_TABLES:
            refused = (row for row in self._rejects if row["table_name"] == table)
            readable = sum(1 for row in self._rows[table] if row.get("updated_at", row))
            if said := drift(table, {"": readable}, refused):
                return said
        return None

    @property
    def is_empty(self) -> bool:
        return not (self._totals or self._rejects or any(self._rows.values()))

    def _land(self, table: str, extract_id: str, known_at: datetime, row: dict) -> None:
        number = self._number(table, extract_id, known_at)
        self._rows[table].append({**row, "_known_at": known_at, "_extract_id": extract_id, "_record_no": number})

    def _reject(
        self,
        table: str,
        extract_id: str,
        known_at: datetime,
        reason_code: str,
        reason: str,
        record: dict,
        *,
        record_hash: int | None,
        event_date: date,
        asset_code: str | None = None,
        amount: Decimal | None = None,
    ) -> None:
        self._rejects.append(
            rejects.row(
                feed_code=FEED,
                table_name=table,
                extract_id=extract_id,
                record_no=self._number(table, extract_id, known_at),
                reason_code=reason_code,
                reason=reason,
                raw_record=record,
                first_seen_at=known_at,
                event_date=event_date,
                asset_code=asset_code,
                amount=amount,
                record_hash=record_hash,
            )
        )

    def _number(self, table: str, extract_id: str, known_at: datetime) -> int:
        self._newest[extract_id] = max(known_at, self._newest.get(extract_id, known_at))
        self._numbers[table, extract_id] += 1
        return self._numbers[table, extract_id]

    def _extract_of(self, movement: Movement) -> str:
        return self._extract_ids[self._outcome.tally.day_of(movement)]

    def _transfers(self) -> None:
        """In order of the ledger's id, so that the numbering does not depend on which answer came first."""
        found = [(screened.movement.ledger_transfer_id, screened) for screened in self._outcome.screened]
        found += [(refused.movement.ledger_transfer_id, refused) for refused in self._outcome.refused]
        self._in_order = [one for _, one in sorted(found, key=lambda pair: pair[0])]
        for one in self._in_order:
            movement, extract_id = one.movement, self._extract_of(one.movement)
            if hasattr(one, "summary"):
                row = {
                    **one.summary,
                    "user_id": movement.user_id,
                    "ledger_transfer_id": movement.ledger_transfer_id,
                    "direction_code": movement.direction_code,
                    "ledger_transfer_at": movement.transfer_at,
                }
                # The ledger's code, by which the totals count; the vendor's own spelling is in the answer.
                row["asset_code"] = movement.asset_code
                self._land("transfers", extract_id, _known_at(movement, row["updated_at"]), row)
            else:
                self._reject(
                    "transfers",
                    extract_id,
                    movement.transfer_at,
                    one.reason_code,
                    one.reason,
                    {**_registered(movement), "answer": one.answer},
                    record_hash=control_totals.record_hash(movement.ledger_transfer_id, None),
                    event_date=movement.transfer_at.date(),
                    asset_code=movement.asset_code,
                    amount=self._outcome.tally.transfers[movement.ledger_transfer_id].amount,
                )

    def _exposures_and_alerts(self) -> None:
        for one in [*self._in_order, *self._outcome.exposed_again]:
            if getattr(one, "exposures", None) is None:
                continue
            extract_id, known_at = self._extract_of(one.movement), _known_at(one.movement, one.summary["updated_at"])
            external_id, day = one.summary["external_id"], one.movement.transfer_at.date()
            try:
                exposure = parse.exposure(one.exposures, self._outcome.added_members)
                self._land("exposures", extract_id, known_at, {"external_id": external_id, **exposure})
            except parse.Unreadable as problem:
                record = {**_registered(one.movement), "external_id": external_id}
                record["answer"] = one.exposures.decode(errors="replace")
                share = tally.exposure_hash(external_id, one.exposures)
                reason = "unreadable_answer", str(problem)
                self._reject("exposures", extract_id, known_at, *reason, record, record_hash=share, event_date=day)
            if one.alerts is None:
                continue
            try:
                items = parse.alert_items(one.alerts)
            except parse.Unreadable:
                # The list of alerts counts them: what this answer hides shows as a difference.
                items = []
            for item in items:
                self._alert(extract_id, known_at, one.movement.key, external_id, item, day)

    def _networks(self) -> None:
        for one in [*self._in_order, *self._outcome.exposed_again]:
            if getattr(one, "networks", None) is None:
                continue
            extract_id, known_at = self._extract_of(one.movement), _known_at(one.movement, one.summary["updated_at"])
            external_id, table = one.summary["external_id"], "network_identifications"
            try:
                row = parse.networks(one.networks, self._outcome.added_members)
                self._land(table, extract_id, known_at, {"external_id": external_id, **row})
            except parse.Unreadable as problem:
                record = {**_registered(one.movement), "external_id": external_id}
                record["answer"] = one.networks.decode(errors="replace")
                share, day = tally.networks_hash(external_id, one.networks), one.movement.transfer_at.date()
                reason = "unreadable_answer", str(problem)
                self._reject(table, extract_id, known_at, *reason, record, record_hash=share, event_date=day)

    def _alert(self, extract_id: str, known_at: datetime, key: Key, external_id: str, item: object, day: date) -> None:
        try:
            alert = parse.alert(item, self._outcome.added_members)
            self._land("alerts", extract_id, known_at, {"external_id": external_id, **alert})
        except parse.Unreadable as problem:
            user_id, reference, direction = key
            record = {"userId": user_id, "transferReference": reference, "direction": direction}
            record |= {"external_id": external_id, "answer": parse.text(item)}
            record |= {"externalId": item.get("externalId")} if isinstance(item, dict) else {}
            reason, about = ("unreadable_answer", str(problem)), {"record_hash": tally.alert_hash(item)}
            about |= {"amount": wire.cents(item, "alertAmount"), "event_date": day}
            self._reject("alerts", extract_id, known_at, *reason, record, **about)

    def _other_alerts(self) -> None:
        for late in self._listed.late:
            day = late.known_at.date()
            self._alert(self._extract_ids[day], late.known_at, late.key, late.external_id, late.item, day)
        for unknown in self._listed.unknown:
            day = unknown.known_at.date()
            amount = parse.usd(unknown.row.get("alertAmountUsd"), "alertAmountUsd")
            self._reject(
                "alerts",
                self._extract_ids[day],
                unknown.known_at,
                "unknown_transfer",
                "the vendor lists an alert on a transfer that was not screened from this ledger",
                unknown.row,
                record_hash=control_totals.record_hash(str(unknown.row.get("alertIdentifier")), amount),
                event_date=day,
                amount=amount,
            )

    def _alert_states(self) -> None:
        def order(listed: ListedRow) -> tuple:
            return listed.known_at, str(listed.row.get("alertIdentifier")), str(listed.row.get("alertStatus"))

        for listed in sorted(self._listed.states, key=order):
            day = listed.known_at.date()
            extract_id = self._extract_ids[day]
            try:
                state = parse.alert_state(listed.row, self._outcome.added_members)
                self._land("alert_states", extract_id, listed.known_at, state)
            except parse.Unreadable as problem:
                status_at = parse.timestamp(listed.row.get("alertStatusCreatedAt"))
                record = {**listed.row, "alert_status_at": status_at and status_at.isoformat()}
                reason, about = ("unreadable_answer", str(problem)), {"record_hash": tally.state_hash(listed.row)}
                about |= {"amount": wire.cents(listed.row, "alertAmountUsd"), "event_date": day}
                self._reject("alert_states", extract_id, listed.known_at, *reason, record, **about)

    def _attempts(self) -> None:
        for answered in sorted(self._outcome.attempts, key=lambda one: one.attempt.ledger_transfer_id):
            attempt = answered.attempt
            extract_id = self._extract_ids[self._outcome.tally.attempts[attempt.ledger_transfer_id][0]]
            code, reason = answered.reason_code, answered.reason
            try:
                if code is None:
                    row = attempts.row(answered, self._outcome.added_members)
                    known_at = max(row["updated_at"], attempt.attempted_at)
                    self._land("withdrawal_attempts", extract_id, known_at, row)
                    continue
            except parse.Unreadable as problem:
                code, reason = "unreadable_answer", str(problem)
            record = {
                "ledger_transfer_id": attempt.ledger_transfer_id,
                "user_id": attempt.user_id,
                "network": attempt.network,
                "address": attempt.address,
                "answers": [
                    answer.decode(errors="replace")
                    for answer in (
                        *(answered.summary, answered.exposures, answered.alerts, answered.high_risk_addresses),
                        answered.networks or b"",
                    )
                ],
            }
            self._reject(
                "withdrawal_attempts",
                extract_id,
                attempt.attempted_at,
                code,
                reason,
                record,
                record_hash=control_totals.record_hash(attempt.ledger_transfer_id, None),
                event_date=attempt.attempted_at.date(),
                asset_code=attempt.asset_code,
                amount=self._outcome.tally.attempts[attempt.ledger_transfer_id][2],
            )

    def _categories(self, known: set[str]) -> None:
        """The category list is taken as known from the first moment that this run knows anything of."""
        answer = self._outcome.categories
        if answer is None or not self._newest:
            return
        extract_id = f"kyt/categories:{hashlib.sha256(answer).hexdigest()[:16]}"
        if extract_id in known:
            return
        known_at = min(row["_known_at"] for table in (*self._rows.values(), self._rejects_known()) for row in table)
        for row in parse.categories(answer):
            self._land("categories", extract_id, known_at, row)
        listed = self._outcome.tally.categories
        self._total("categories", extract_id, [control_totals.record_hash(category, None) for category in listed])

    def _rejects_known(self) -> list[dict]:
        return [{"_known_at": reject["first_seen_at"]} for reject in self._rejects]

    def _control_totals(self) -> None:
        counted_by = self._outcome.tally
        per_day: dict[str, dict[tuple[date, str], list[tally.Counted]]] = defaultdict(lambda: defaultdict(list))
        for counted in counted_by.transfers.values():
            movement = counted.movement
            cell = movement.transfer_at.date(), movement.asset_code
            per_day[self._extract_ids[counted.day]][cell].append(counted)
        for extract_id, cells in sorted(per_day.items()):
            for (event_date, asset_code), counted in sorted(cells.items()):
                shares = [control_totals.record_hash(one.movement.ledger_transfer_id, None) for one in counted]
                about = {"event_date": event_date, "asset_code": asset_code}
                about["source_amount"] = sum((one.amount or Decimal(0) for one in counted), Decimal(0))
                self._total("transfers", extract_id, shares, **about)
        exposures, networks, alerts, states, attempted = (defaultdict(list) for _ in range(5))
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for movement, share in counted_by.exposures.values():
            exposures[self._extract_of(movement)].append(share)
        for movement, share in counted_by.networks.values():
            networks[self._extract_of(movement)].append(share)
        for alert in counted_by.alerts:
            alerts[self._extract_ids[alert.day]].append(alert.record_hash)
            amounts[self._extract_ids[alert.day]] += alert.amount_usd or 0
        stated: dict[str, Decimal] = defaultdict(Decimal)
        for day, (alert_id, status, _), usd in counted_by.states:
            share = control_totals.record_hash(f"{alert_id}:{status or ''}", None)
            states[self._extract_ids[day]].append(share)
            stated[self._extract_ids[day]] += usd or 0
        withdrawn: dict[str, Decimal] = defaultdict(Decimal)
        for ledger_transfer_id, (day, _, amount) in counted_by.attempts.items():
            attempted[self._extract_ids[day]].append(control_totals.record_hash(ledger_transfer_id, None))
            withdrawn[self._extract_ids[day]] += amount or 0
        for extract_id in self._extract_ids.values():
            self._total(
                "alert_states",
                extract_id,
                states[extract_id],
                source_amount=stated[extract_id],
                captured_by="api_total",
            )
            self._total("withdrawal_attempts", extract_id, attempted[extract_id], source_amount=withdrawn[extract_id])
            self._total("exposures", extract_id, exposures[extract_id])
            self._total("network_identifications", extract_id, networks[extract_id])
            self._total(
                "alerts", extract_id, alerts[extract_id], source_amount=amounts[extract_id], captured_by="api_total"
            )

    def _total(
        self, table: str, extract_id: str, shares: list[int], *, captured_by: str = "independent_count", **what: object
    ) -> None:
        """A total of as many records as there are `shares` of its hash."""
        self._totals.append(
            control_totals.row(
                extract_id=extract_id,
                feed_code=FEED,
                table_name=table,
                source_rows=len(shares),
                source_hash=sum(shares),
                captured_by=captured_by,
                source_uri=URIS[table],
                known_at=self._newest.get(extract_id) or self._day_start(extract_id),
                **what,
            )
        )

    def _day_start(self, extract_id: str) -> datetime:
        day = next(day for day, known in self._extract_ids.items() if known == extract_id)
        return datetime(day.year, day.month, day.day)


def _known_at(movement: Movement, updated_at: datetime | None) -> datetime:
    """When the exchange knew: the vendor's updatedAt, but not before the movement that was asked about, and after the
    row that said it was still processing."""
    if updated_at is None:
        return movement.transfer_at
    return max(updated_at, movement.transfer_at + timedelta(microseconds=1 if movement.external_id else 0))


def _registered(movement: Movement) -> dict:
    return {
        "ledger_transfer_id": movement.ledger_transfer_id,
        "user_id": movement.user_id,
        "network": movement.network,
        "asset": movement.asset_code,
        "transfer_reference": movement.transfer_reference,
        "direction": movement.direction_code,
        "transfer_at": movement.transfer_at.isoformat(),
        "asset_amount": None if movement.asset_amount is None else str(movement.asset_amount),
    }
