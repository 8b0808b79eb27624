"""Customers with exposures, counterparties and corridors that reach every outcome of the scenarios about them, with
values on and beside the limits; added to the population of `population`, whose own random numbers stay as they are.

What belongs here: rows only. Not here: any rule (see `features_exposure` and `scenarios_exposure`).
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2026, 1, 1)
AS_OF = datetime(2026, 2, 11, 2)
AMOUNTS = (
    "120.00", "499.99", "949.99", "950.00", "999.99", "1000.00", "1099.99", "1100.00", "1100.01", "2500.00", "2999.99",
    "3000.00", "5000.00", "10000.00", "24999.99", "25000.00",
)  # fmt: skip
# category: severity, zero tolerance
CATEGORIES = {
    "sanctioned_entity": ("severe", True),
    "terrorist_financing": ("severe", True),
    "ransomware": ("severe", False),
    "scam": ("high", False),
    "no_kyc_exchange": ("high", False),
    "mixing": ("medium", False),
    "privacy_protocol": ("medium", False),
    "gambling": ("medium", False),
    "atm": ("medium", False),
    "p2p_exchange": ("medium", False),
    "exchange": ("low", False),
    "unmapped": ("high", False),
}
VALUES = ("0.01", "99.99", "300.00", "499.99", "500.00", "600.00", "999.99", "1000.00", "1000.01", "2500.00", "4999.99",
          "5000.00", "5000.01", "9999.99", "10000.00")  # fmt: skip
ENTITIES = (None, "NAME 1", " name 1 ", "NAME 2", "SANCTIONED ENTITY: Name 1", "Nobody listed")
ADDRESSES = tuple(f"0xe{number}" for number in range(40))
BANKS = (*(f"DE0250010000{number:010d}" for number in range(25)), "IR062960000000100324200001", "no iban")


class Teller:
    """Appends legs of customers to a population, with what is known about each."""

    def __init__(self, population) -> None:
        self.population, self.serial = population, 0

    def leg(self, party: str | None, at: datetime, direction: str = "in", **more: object) -> dict:
        """One completed leg of a retail customer in the EU: crypto in USDT unless told otherwise."""
        self.serial += 1
        name = "deposit" if direction == "in" else "withdrawal"
        given = {
            "transfer_id": f"exchange:{name}:E{self.serial:05d}",
            "transfer_type_code": name,
            "rail_code": "crypto",
            "asset_code": "USDT",
            "account_id": f"A-{party}",
            "segment_code": "retail",
            "jurisdiction_code": "EU",
            "residence_country_code": "FR",
            "party_type_code": "person",
            "account_opened_at": START - 900 * DAY,
            "counterparty_id": f"0xown-{party}",
        } | more
        if "amount" not in given:
            given.setdefault("usd", "100.00")
        row = self.population.leg(party_id=party, event_at=at, direction_code=direction, **given)
        if row["rail_code"] == "crypto" and row["counterparty_id"]:
            self.address(row, row["counterparty_id"])
        return row

    def address(self, leg: dict, address: str) -> None:
        self.population.rows("int_transfer_addresses").append(
            {
                "transfer_id": leg["transfer_id"],
                "role_code": "counterparty",
                "address": address,
                "address_raw": address,
                "is_valid": " " not in address,
                "invalid_reason_code": "bad_format" if " " in address else None,
            }
        )

    def screening(self, leg: dict, vendor: str = "chainalysis", status: str = "screened") -> None:
        self.population.rows("int_transfer_screenings").append(
            {
                "transfer_id": leg["transfer_id"],
                "vendor_code": vendor,
                "external_id": leg["transfer_id"],
                "screening_status_code": status,
                "known_at": leg["known_at"],
            }
        )

    def exposure(
        self,
        leg: dict,
        category: str,
        usd: str | None,
        kind: str = "DIRECT",
        vendor: str = "chainalysis",
        entity: str | None = None,
        late: timedelta = timedelta(0),
    ) -> None:
        severity, zero = CATEGORIES[category]
        self.population.rows("int_exposures").append(
            {
                "transfer_id": leg["transfer_id"],
                "vendor_code": vendor,
                "exposure_type_code": kind,
                "category_code": category,
                "severity_code": severity,
                "is_zero_tolerance": zero,
                "entity_name": entity,
                "exposure_usd": None if usd is None else Decimal(usd),
                "known_at": leg["known_at"] + late,
            }
        )

    def message(
        self,
        leg: dict,
        standing: bool = True,
        missing: str | None = None,
        vasp: str | None = None,
        person: str | None = None,
    ) -> None:
        self.population.rows("int_transfer_travel_rule").append(
            {
                "transfer_id": leg["transfer_id"],
                "message_id": f"M-{leg['transfer_id']}",
                "is_standing": standing,
                "missing_fields": missing,
                "counterparty_vasp_country_code": vasp,
                "counterparty_country_code": person,
                "known_at": leg["known_at"] + 2 * HOUR,
            }
        )

    def seen(self, party: str, at: datetime, country: str | None, outcome: str = "success") -> None:
        rows = self.population.rows("int_party_behaviour_events")
        rows.append(
            {
                "event_id": f"X{len(rows):05d}",
                "party_id": party,
                "event_type_code": "login",
                "event_class_code": "session",
                "outcome_code": outcome,
                "country_code": country,
                "event_at": at,
                "event_date": at.date(),
                "known_at": at + 26 * HOUR,
            }
        )


def _crowd(tell: Teller, rng: random.Random) -> None:
    """Random customers on a six-hour grid, with few addresses, devices and places among them."""
    parties = [f"PE{number:02d}" for number in range(45)]
    home = {party: rng.choice(("EU", "EU", "US", "UK", "HK", "OTHER")) for party in parties}
    for _ in range(900):
        party = rng.choice(parties)
        at = START + rng.randrange(40 * 4) * 6 * HOUR + (timedelta(seconds=1) if rng.random() < 0.1 else timedelta(0))
        direction = rng.choice(("in", "out", "out"))
        fiat = rng.random() < 0.2
        more: dict = {
            "jurisdiction_code": home[party],
            "status_code": "completed" if rng.random() < 0.95 else "failed",
            "ip_address": rng.choice(
                (None, f"10.0.{party[2:]}.1", f"10.0.{party[2:]}.1", f"10.9.9.{rng.randrange(30)}")
            ),
            "device_id": rng.choice((None, f"D-{party}", f"D-{party}", f"D-{rng.randrange(60)}")),
        }
        if fiat:
            more |= {"rail_code": "fiat", "asset_code": "EUR", "counterparty_id": rng.choice((None, *BANKS))}
        elif rng.random() < 0.5:
            more["counterparty_id"] = rng.choice((*ADDRESSES, "0xbad1", "0xbad2", "bc1bad3", None))
        if not fiat and rng.random() < 0.15:
            more |= {"asset_code": "ETH", "amount": rng.choice(("0.1", "1", "10", "1.00000001", "0.99999999"))}
        elif not fiat and rng.random() < 0.05:
            more |= {"asset_code": "JUNK", "amount": "100"}
        else:
            more["usd"] = rng.choice(AMOUNTS)
        leg = tell.leg(None if rng.random() < 0.03 else party, at, direction, **more)
        if rng.random() < 0.5:
            tell.seen(
                party,
                at - rng.choice((timedelta(0), 6 * HOUR, DAY, DAY + timedelta(microseconds=1))),
                rng.choice((None, "FR", "FR", "DE", "US", "IR", "KP")),
                rng.choice(("success", "success", "failure")),
            )
        if not fiat:
            _known(tell, rng, leg)


def _known(tell: Teller, rng: random.Random, leg: dict) -> None:
    if rng.random() < 0.6:
        tell.message(
            leg,
            standing=rng.random() < 0.9,
            missing=rng.choice((None, None, None, "originator_name", "beneficiary_account;originating_vasp")),
            vasp=rng.choice((None, "DE", "DE", "IR", "MM")),
            person=rng.choice((None, None, "FR", "KP")),
        )
    vendors = rng.sample(("chainalysis", "trm", "elliptic"), rng.choice((0, 1, 1, 1, 2)))
    for vendor in vendors:
        pending = rng.random() < 0.05
        tell.screening(leg, vendor, "pending" if pending else "screened")
        if pending:
            continue
        for category in rng.sample(list(CATEGORIES), rng.choice((0, 0, 1, 1, 2))):
            for kind in rng.sample(("DIRECT", "INDIRECT"), rng.choice((1, 1, 2))):
                tell.exposure(
                    leg,
                    category,
                    rng.choice((None, *VALUES, *VALUES)),
                    kind,
                    vendor,
                    rng.choice(ENTITIES),
                    rng.choice((0, 0, 3)) * DAY,
                )
    if rng.random() < 0.1:
        tell.exposure(leg, rng.choice(("mixing", "exchange", "scam")), None, "ATTRIBUTED", "graphsense")


def _edges(tell: Teller) -> None:
    """Windows that are exactly as long as the limit and a moment longer, sums on and beside each limit."""
    moment = timedelta(microseconds=1)
    for party, span, usd in (("PF0", 30 * DAY, "600.00"), ("PF1", 30 * DAY + moment, "600.00"), ("PF2", DAY, "500.00")):
        for at in (START, START + span):
            leg = tell.leg(party, at, usd="9000.00")
            tell.screening(leg)
            tell.exposure(leg, "scam", usd)
            tell.exposure(leg, "ransomware", usd, "INDIRECT")
    for party, usd in (("PF3", "100.00"), ("PF4", "5000.00"), ("PF5", "4999.99")):
        leg = tell.leg(party, START + 5 * DAY, usd="5000.00")
        tell.screening(leg)
        tell.exposure(leg, "scam", "500.00", "INDIRECT")
        tell.exposure(leg, "gambling", usd)
    for party, usd in (("PF6", "5000.00"), ("PF7", "5000.01")):
        leg = tell.leg(party, START + 5 * DAY, usd=usd)
        tell.screening(leg)
        tell.exposure(leg, "scam", "500.00", "INDIRECT")
        tell.exposure(leg, "atm", "2500.00")
    for group, parties, last in (("G0", 3, 7 * DAY), ("G1", 3, 7 * DAY + moment), ("G2", 2, DAY), ("G3", 3, 30 * DAY)):
        for number in range(parties):
            at = START + last * number / (parties - 1)
            leg = tell.leg(
                f"P{group}-{number}", at, "out", usd="333.34", counterparty_id=f"0xfan{group}", device_id=f"D{group}"
            )
            tell.screening(leg)
    for party, usd in (("PS-0", "333.33"), ("PS-1", "333.33"), ("PS-2", "333.33")):
        tell.screening(tell.leg(party, START, "out", usd=usd, counterparty_id="0xsmall"))
    for party, home, bank in (
        ("PH-0", "25000.00", "6250.00"),
        ("PH-1", "25000.00", "6250.01"),
        ("PH-2", "24999.99", "1.00"),
    ):
        tell.leg(
            party, START, "out", usd=bank, rail_code="fiat", asset_code="USD", counterparty_id=f"DE0250010000{party}"
        )
        leg = tell.leg(party, START + 30 * DAY, "out", usd=home, jurisdiction_code="US")
        tell.screening(leg)
    for party, at in (("PT-0", AS_OF - DAY), ("PT-1", AS_OF - DAY + moment)):
        tell.leg(party, at, "out", usd="5000.00")
    tell.leg(None, START, "out", usd="5000.00")
    for party, count in (("PC-0", 3), ("PC-1", 2)):
        for number in range(count):
            tell.leg(
                party, START + number * DAY, usd="1.00", rail_code="fiat", asset_code="USD", counterparty_id=BANKS[-2]
            )
    for party, usd in (("PC-2", "1000.00"), ("PC-3", "999.99")):
        tell.leg(party, START, usd=usd, rail_code="fiat", asset_code="USD", counterparty_id=BANKS[-2])
    leg = tell.leg("PC-4", START, asset_code="JUNK", amount="5")
    tell.message(leg, vasp="IR")


def add(population, seed: int = 29) -> None:
    """About 950 legs of some 75 parties over 42 days from 2026-01-01, UTC."""
    tell = Teller(population)
    _crowd(tell, random.Random(seed))
    _edges(tell)
