"""The travel-rule feed: IVMS101 messages about the larger crypto transfers, in both editions, some with gaps.

What is left out on purpose: every tenth transfer has no message, and about one message in twelve lacks a required
field. Everybody in them is invented.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from sandbox.world.assemble import Ledger, Table, external_text
from sandbox.world.calendar import Calendar, iso_z
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import ASSETS, COMPLETED, DAY, DELIVERY_DELAY, HOUR, UNIT
from sandbox.world.landing import Delivery
from sandbox.world.people import COUNTRY_CODES, People
from sandbox.world.prices import Prices
from sandbox.world.streams import Streams

SMALLEST_USD = 1_000
"""Messages are written for transfers of at least this value."""
GAPS = ("originator_name", "originator_identity", "beneficiary_name", "beneficiary_account", "originating_vasp")
OWN_VASP = {"name": "Plumbline Sandbox Exchange", "lei": "529900SANDBOX0000001"}


def write_travel_rule(
    root: Path,
    ledger: Ledger,
    people: People,
    parties: Counterparties,
    prices: Prices,
    calendar: Calendar,
    streams: Streams,
) -> int:
    """Writes a delivery per day with a JSON-lines file (2020 edition) and a JSON array (2023 edition); returns the
    number of messages, the one that is cut off included."""
    by_day: dict[int, list[tuple[bool, dict]]] = {day: [] for day in range(calendar.days)}
    for table, kind in ((ledger.deposits, "incoming"), (ledger.withdrawals, "outgoing")):
        _messages(by_day, table, kind, people, parties, prices, calendar, streams("travel rule", kind))
    written = 0
    for day, messages in by_day.items():
        business = calendar.day(day)
        delivered = calendar.start_us + day * DAY + DELIVERY_DELAY
        delivery = Delivery(root / f"delivery={business}", f"travel-rule-{business}", business, delivered)
        older = [json.dumps(message) for is_new, message in messages if not is_new]
        newer = [json.dumps(message) for is_new, message in messages if is_new]
        if day == calendar.days // 2 and older:
            older.append(older[0][:200])  # a line that was cut off on the way
        _add(delivery, "messages-101.jsonl", older, "".join(f"{line}\n" for line in older))
        _add(delivery, "messages-101.2023.json", newer, "[" + ",\n ".join(newer) + "]\n")
        delivery.close()
        written += len(older) + len(newer)
    return written


def _add(delivery: Delivery, name: str, records: list[str], content: str) -> None:
    persons = content.count('"naturalPerson": {') + content.count('"legalPerson": {')
    none = {"event_date": None, "asset_code": None, "amount": None, "hash": None}
    totals = [
        {"table": table, "rows": rows} | none for table, rows in (("messages", len(records)), ("persons", persons))
    ]
    delivery.add(name, "messages", content.encode(), len(records), totals)


def _messages(
    by_day: dict[int, list[tuple[bool, dict]]],
    table: Table,
    kind: str,
    people: People,
    parties: Counterparties,
    prices: Prices,
    calendar: Calendar,
    rng: np.random.Generator,
) -> None:
    rows = table.rows
    day = np.clip(calendar.index(rows.event), 0, calendar.days - 1)
    large = prices.cents(rows.units, rows.asset, day) >= SMALLEST_USD * 100
    chosen = np.flatnonzero(rows.crypto & (table.final_status == COMPLETED) & large)
    external = external_text(rows, parties)
    for i, draw in zip(chosen.tolist(), rng.random((len(chosen), 4)), strict=True):
        if draw[0] < 0.1:
            continue
        gap = GAPS[int(draw[1] * 12 * len(GAPS))] if draw[1] < 1 / 12 else None
        is_new = bool(draw[2] < 0.4)
        account, address = int(rows.account[i]), external[i]
        own_address = parties.deposit[rows.chain[i], account]
        message = {
            "message_id": _uuid(f"{kind}:{table.ids[i]}"),
            "direction": kind,
            "status": "INCOMPLETE" if gap else ("ACK", "ACK", "ACCEPTED", "SENT")[int(draw[3] * 4)],
            "created_at": iso_z(int(rows.event[i])),
            "updated_at": iso_z(int(rows.event[i]) + HOUR // 6),
            "asset": ASSETS[rows.asset[i]],
            "amount": f"{rows.units[i] // UNIT}.{rows.units[i] % UNIT:08d}",
        }
        if draw[3] < 0.3:
            message |= {"tx_hash": table.tx_hash[i], "address": own_address if kind == "incoming" else address}
        else:
            message["transfer_reference"] = str(table.ids[i])
        customer = _customer(people, int(people.account_party[account]), is_new)
        service = int(parties.pool_service[rows.external[i]])
        other = _stranger(f"{address}", is_new)
        theirs = {"name": parties.name[service] if service >= 0 else "Unhosted Wallet Desk", "lei": None}
        if kind == "outgoing":
            sides = (customer, own_address, other, address, OWN_VASP, theirs)
        else:
            sides = (other, address, customer, own_address, theirs, OWN_VASP)
        message["ivms101"] = _payload(*sides, gap=gap, is_new=is_new)
        by_day[int(day[i])].append((is_new, message))


def _payload(
    sender: dict,
    from_address: str,
    receiver: dict,
    to_address: str,
    sending_vasp: dict,
    receiving_vasp: dict,
    gap: str | None,
    is_new: bool,
) -> dict:
    person, vasp = ("Person", "originatingVasp") if is_new else ("Persons", "originatingVASP")
    inner = next(iter(sender.values()))
    if gap == "originator_identity":
        for member in ("geographicAddress", "nationalIdentification", "dateAndPlaceOfBirth"):
            inner.pop(member, None)
    payload = {
        "originator": {
            f"originator{person}": [] if gap == "originator_name" else [sender],
            "accountNumber": [from_address],
        },
        "beneficiary": {
            f"beneficiary{person}": [] if gap == "beneficiary_name" else [receiver],
            "accountNumber": [] if gap == "beneficiary_account" else [to_address],
        },
        "beneficiaryVASP": {"beneficiaryVASP": _vasp(receiving_vasp)},
    }
    if gap != "originating_vasp":
        payload[vasp] = {vasp: _vasp(sending_vasp)}
    if is_new:
        payload["payloadMetadata"] = {"payloadVersion": "101.2023"}
    return payload


def _customer(people: People, party: int, is_new: bool) -> dict:
    country = COUNTRY_CODES[people.country[party]]
    address = {"addressType": "BIZZ" if people.is_company[party] else "HOME", "streetName": "Sample Street",
               "buildingNumber": str(party % 90 + 1), "postCode": f"{10_000 + party % 80_000}", "townName": "Sampleton",
               "country": country}  # fmt: skip
    if people.is_company[party]:
        return _legal(str(people.name[party]), country)
    entity = _natural(str(people.name[party]), is_new) | {"geographicAddress": [address]}
    entity |= {"customerIdentification": str(people.party_id[party]), "countryOfResidence": country}
    if not np.isnat(people.birth[party]):
        entity["dateAndPlaceOfBirth"] = {"dateOfBirth": str(people.birth[party].astype("datetime64[D]")),
                                         "placeOfBirth": "Sampleton"}  # fmt: skip
    return {"naturalPerson": entity}


def _stranger(seed: str, is_new: bool) -> dict:
    digest = hashlib.sha256(seed.encode()).hexdigest()
    number = {
        "nationalIdentifier": f"SYN{digest[:9].upper()}",
        "nationalIdentifierType": "CCPT",
        "countryOfIssue": "DE",
    }
    return {"naturalPerson": _natural(f"Stranger {digest[:8]}", is_new) | {"nationalIdentification": number}}


def _natural(name: str, is_new: bool) -> dict:
    first, _, last = name.partition(" ")
    kind = "naturalPersonNameIdentifierType" if is_new else "nameIdentifierType"
    return {
        "name": {"nameIdentifier": [{"primaryIdentifier": last or first, "secondaryIdentifier": first, kind: "LEGL"}]}
    }


def _legal(name: str, country: str, lei: str | None = None) -> dict:
    names = [{"legalPersonName": name, "legalPersonNameIdentifierType": "LEGL"}]
    number = lei or "SYN" + hashlib.sha256(name.encode()).hexdigest()[:9].upper()
    return {
        "legalPerson": {
            "name": {"nameIdentifier": names},
            "nationalIdentification": {
                "nationalIdentifier": number,
                "nationalIdentifierType": "LEIX" if lei else "RAID",
            },
            "countryOfRegistration": country,
        }
    }


def _vasp(vasp: dict) -> dict:
    return _legal(vasp["name"], "DE", vasp["lei"])


def _uuid(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
