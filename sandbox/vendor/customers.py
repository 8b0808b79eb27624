"""The sandbox exchange's customers as identity vendors know them: each customer is at one of the vendors.

Belongs here: reading the world's KYC files, and the documents and moments that all vendors derive from them. How a
vendor says it is in its own module. Everybody is invented.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

VENDORS = ("sumsub", "onfido", "persona")
ISO3 = {"DE": "DEU", "FR": "FRA", "NL": "NLD", "ES": "ESP", "IT": "ITA", "AT": "AUT", "IE": "IRL", "LT": "LTU",
        "GB": "GBR", "US": "USA", "CH": "CHE", "AE": "ARE", "SG": "SGP", "TR": "TUR", "NG": "NGA"}  # fmt: skip
DOCUMENTS = ("passport", "id_card", "driving_licence")


@dataclass(frozen=True)
class Customer:
    """One customer. `digest` is the hex that ids and choices are made of; times are naive UTC."""

    party_id: str
    is_company: bool
    name: str
    birth_date: str | None
    country: str
    status: str
    is_pep: bool
    opened_at: datetime
    digest: str

    @property
    def first_name(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def last_name(self) -> str:
        return self.name.partition(" ")[2] or self.name

    @property
    def country3(self) -> str:
        return ISO3[self.country]

    @property
    def document(self) -> str:
        return DOCUMENTS[int(self.digest[:2], 16) % len(DOCUMENTS)]

    @property
    def issued(self) -> date:
        return self.opened_at.date() - timedelta(days=int(self.digest[2:5], 16) % 1_500)

    @property
    def expires(self) -> date:
        return self.issued + timedelta(days=3_650 if self.document == "passport" else 1_825)

    @property
    def reviewed_at(self) -> datetime:
        return self.opened_at + timedelta(minutes=5 + int(self.digest[5:7], 16))

    @property
    def is_decided(self) -> bool:
        return self.status != "pending"

    def uuid(self, purpose: str) -> str:
        """An id made of the customer and a purpose, in UUID form."""
        text = hashlib.sha256(f"{self.digest}:{purpose}".encode()).hexdigest()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def customers(world_dir: Path, vendor: str) -> list[Customer]:
    """The customers at a vendor as they were first delivered, in the order in which they were opened."""
    found: dict[str, Customer] = {}
    for path in sorted((Path(world_dir) / "landing" / "kyc").glob("*/parties*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                digest = hashlib.sha256(row["party_id"].encode()).hexdigest()
                if row["party_id"] not in found and VENDORS[int(digest[-2:], 16) % len(VENDORS)] == vendor:
                    found[row["party_id"]] = _customer(row, digest)
    return sorted(found.values(), key=lambda customer: (customer.opened_at, customer.party_id))


def _customer(row: dict, digest: str) -> Customer:
    return Customer(
        party_id=row["party_id"],
        is_company=row["party_type_code"] == "company",
        name=row["legal_name"],
        birth_date=row["birth_date"] or None,
        country=row["residence_country_code"],
        status=row["kyc_status_code"],
        is_pep=row["is_pep"] == "true",
        opened_at=datetime.fromisoformat(row["valid_from_at"].removesuffix("Z")),
        digest=digest,
    )


def write_webhooks(folder: Path, events: list[tuple[datetime, dict[str, str], bytes]]) -> Path:
    """Keeps webhooks as a receiver does: one file of JSON lines, in an order that is not that of the events, every
    seventh sent twice, and one whose body was changed after it was signed. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (at, headers, body) in enumerate(events):
        line = {"received_at": f"{(at + timedelta(seconds=2)).isoformat()}Z", "headers": headers, "body": body.decode()}
        lines += [line] * (2 if number % 7 == 0 else 1)
        if number == 0:
            coded = base64.b64encode(body.replace(b"{", b"{ ", 1)).decode()
            lines.append({"received_at": line["received_at"], "headers": headers, "body_base64": coded})
    lines.sort(key=lambda line: hashlib.sha256(json.dumps(line).encode()).hexdigest())
    (folder / "webhooks.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return folder
