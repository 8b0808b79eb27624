"""A small hand-made population in the shape of the intermediate models, full of edges: what the oracles and the SQL both read.

What belongs here: rows as `intermediate.*` has them, made from a seed. What does not: files of a source (see `sandbox`),
any rule of a feature or a scenario (see `features` and `scenarios` beside this module).

Instants lie on a six-hour grid most of the time, so that ties and windows that are exactly 24 hours or 7 days wide are common;
amounts are drawn from values on and beside every default threshold.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

START = datetime(2026, 1, 1)
DAYS = 40
AS_OF = datetime(2026, 2, 11, 2)
RATES = {"USD": "1", "EUR": "1.1", "GBP": "1.25", "CHF": "1.12", "BTC": "50000", "ETH": "2500", "USDT": "1", "JUNK": None}
FIAT = ("USD", "EUR", "GBP", "CHF")
CRYPTO = ("BTC", "ETH", "USDT", "JUNK")
USD_AMOUNTS = (
    "120.00", "999.99", "1000.00", "4499.99", "4500.00", "4999.99", "5000.00", "5000.01", "8000.00", "8499.99", "8500.00",
    "9000.00", "9250.50", "9999.99", "10000.00", "12500.00", "25000.00",
)  # fmt: skip
CATEGORIES = (
    ("sanctioned_entity", "severe", True), ("terrorist_financing", "severe", True), ("ransomware", "severe", False),
    ("scam", "high", False), ("mixing", "medium", False), ("exchange", "low", False), ("unmapped", "low", False),
)  # fmt: skip
SANCTIONED = ("0xbad1", "0xbad2", "bc1bad3")

MONEY, QUANTITY = pa.decimal128(18, 2), pa.decimal128(38, 18)
TIME = pa.timestamp("us")
LEGS = pa.schema([
    ("leg_id", pa.string()), ("transfer_id", pa.string()), ("direction_code", pa.string()), ("source_code", pa.string()),
    ("transfer_type_code", pa.string()), ("rail_code", pa.string()), ("status_code", pa.string()), ("account_id", pa.string()),
    ("party_id", pa.string()), ("account_opened_at", TIME), ("last_activity_at", TIME), ("party_type_code", pa.string()),
    ("segment_code", pa.string()), ("residence_country_code", pa.string()), ("jurisdiction_code", pa.string()),
    ("declared_annual_income_usd", MONEY), ("is_pep", pa.bool_()), ("kyc_status_code", pa.string()),
    ("risk_rating_code", pa.string()), ("asset_code", pa.string()), ("amount", QUANTITY), ("rate_usd", QUANTITY),
    ("amount_usd", MONEY), ("event_at", TIME), ("event_date", pa.date32()), ("chain_code", pa.string()), ("tx_hash", pa.string()),
    ("counterparty_id", pa.string()), ("counterparty_address", pa.string()), ("legs_expected", pa.int32()),
    ("ip_address", pa.string()), ("device_id", pa.string()), ("known_at", TIME),
])  # fmt: skip
TRANSFERS = pa.schema([
    ("transfer_id", pa.string()), ("rail_code", pa.string()), ("status_code", pa.string()), ("amount_usd", MONEY),
    ("event_date", pa.date32()),
])  # fmt: skip
ADDRESSES = pa.schema([
    ("transfer_id", pa.string()), ("role_code", pa.string()), ("address", pa.string()), ("address_raw", pa.string()),
    ("chain_code", pa.string()), ("is_valid", pa.bool_()), ("invalid_reason_code", pa.string()),
])  # fmt: skip
SCREENINGS = pa.schema([
    ("transfer_id", pa.string()), ("vendor_code", pa.string()), ("external_id", pa.string()),
    ("screening_status_code", pa.string()), ("screened_at", TIME), ("vendor_amount_usd", MONEY), ("known_at", TIME),
])  # fmt: skip
EXPOSURES = pa.schema([
    ("transfer_id", pa.string()), ("vendor_code", pa.string()), ("exposure_type_code", pa.string()),
    ("vendor_category_id", pa.string()), ("category_code", pa.string()), ("severity_code", pa.string()),
    ("is_zero_tolerance", pa.bool_()), ("entity_name", pa.string()), ("exposure_usd", MONEY), ("known_at", TIME),
])  # fmt: skip
LISTED = pa.schema([
    ("list_code", pa.string()), ("ent_num", pa.string()), ("asset_code", pa.string()), ("ofac_asset_code", pa.string()),
    ("chain_code", pa.string()), ("address", pa.string()), ("address_raw", pa.string()), ("is_valid", pa.bool_()),
    ("sdn_name", pa.string()), ("program", pa.string()), ("listed_from_date", pa.date32()), ("delisted_on", pa.date32()),
    ("known_at", TIME),
])  # fmt: skip
OUTCOMES = pa.schema([
    ("case_id", pa.string()), ("alert_id", pa.string()), ("scenario_id", pa.string()), ("party_id", pa.string()),
    ("window_start_date", pa.date32()), ("window_end_date", pa.date32()), ("opened_at", TIME), ("status_code", pa.string()),
    ("decided_at", TIME), ("outcome_code", pa.string()), ("sar_filed_at", TIME), ("investigator_id", pa.string()),
    ("qa_result_code", pa.string()), ("known_at", TIME),
])  # fmt: skip
SCHEMAS = {
    "int_transfer_legs": LEGS, "int_transfers": TRANSFERS, "int_transfer_addresses": ADDRESSES,
    "int_transfer_screenings": SCREENINGS, "int_exposures": EXPOSURES, "int_sanctioned_addresses": LISTED,
}  # fmt: skip


class Population:
    """Rows by table name, as lists of dicts keyed by column; `legs` and the like are shortcuts."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict]] = {name: [] for name in SCHEMAS}

    def rows(self, name: str) -> list[dict]:
        return self.tables[name]

    def leg(self, **given: object) -> dict:
        """Appends a leg (event_at, direction_code, party_id, account_id, asset_code, rail_code, usd or amount) and its transfer."""
        serial = len(self.tables["int_transfer_legs"])
        rate = RATES[given["asset_code"]]
        row = dict.fromkeys(LEGS.names) | {
            "transfer_id": f"exchange:deposit:D{serial:05d}", "source_code": "exchange", "transfer_type_code": "deposit",
            "status_code": "completed", "legs_expected": 1, "is_pep": False,
        }  # fmt: skip
        usd = given.pop("usd", None)
        row |= given
        if usd is not None:
            row["amount"] = Decimal(usd) / Decimal(rate or 1)
        row["amount"] = Decimal(row["amount"]).quantize(Decimal("0.00000001"))
        row["rate_usd"] = Decimal(rate) if rate else None
        row["amount_usd"] = (row["amount"] * Decimal(rate)).quantize(Decimal("0.01")) if rate else None
        row["event_date"] = row["event_at"].date()
        row["leg_id"] = f"{row['transfer_id']}:{row['direction_code']}"
        row["known_at"] = given.get("known_at") or datetime.combine(row["event_date"], datetime.min.time()) + timedelta(hours=26)
        self.tables["int_transfer_legs"].append(row)
        if not any(t["transfer_id"] == row["transfer_id"] for t in self.tables["int_transfers"][-2:]):
            self.tables["int_transfers"].append({name: row[name] for name in TRANSFERS.names})
        return row

    def write(self, warehouse: Path) -> None:
        """Makes the schemas and tables in a DuckDB file; replaces the tables that are there."""
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect(str(warehouse))
        try:
            for schema in ("staging", "intermediate", "reference", "features", "scenarios", "marts"):
                con.execute(f"create schema if not exists {schema}").fetchall()
            for name, schema in SCHEMAS.items():
                arrow = pa.Table.from_pylist(self.tables[name], schema=schema)
                con.register("arrow_rows", arrow)
                con.execute(f"create or replace table intermediate.{name} as select * from arrow_rows").fetchall()
                con.unregister("arrow_rows")
            con.execute(
                "create or replace table staging.stg_control__as_of as select ?::timestamp as as_of_at, ?::date as as_of_date",
                [AS_OF, AS_OF.date()],
            ).fetchall()
        finally:
            con.close()


def _legs(population: Population, rng: random.Random) -> None:
    parties = [f"P{n:03d}" for n in range(30)]
    profile = {
        party: {
            "segment_code": rng.choice(("retail", "professional", "business")),
            "jurisdiction_code": rng.choice(("EU", "UK", "US")),
            "account_opened_at": START - timedelta(days=rng.choice((10, 100, 179, 180, 400)), hours=rng.choice((0, 6))),
            "last_activity_at": rng.choice((None, START - timedelta(days=170), START - timedelta(days=rng.randrange(5, 300)))),
        }
        for party in parties
    }
    for serial in range(1500):
        party = parties[min(int(rng.paretovariate(0.7)) - 1, 29)] if rng.random() < 0.6 else rng.choice(parties)
        grid = rng.randrange(DAYS * 4) * 6 * 3600 if rng.random() < 0.8 else rng.randrange(DAYS * 86400)
        at = START + timedelta(seconds=grid)
        common = {
            "party_id": None if rng.random() < 0.02 else party,
            "account_id": f"A-{party}-{rng.randrange(2)}",
            "event_at": at,
            "usd": rng.choice(USD_AMOUNTS),
            "status_code": "completed" if rng.random() < 0.95 else rng.choice(("failed", "pending")),
            "counterparty_id": None if rng.random() < 0.03 else f"C{rng.randrange(25)}",
            **profile[party],
        }
        if rng.random() < 0.05:
            common["known_at"] = at + timedelta(days=6)
        kind = rng.random()
        if kind < 0.12:
            population.leg(
                **common, transfer_id=f"exchange:trade:T{serial:05d}", transfer_type_code="trade", rail_code="trade",
                direction_code="none", asset_code="BTC",
            )  # fmt: skip
        elif kind < 0.24:
            other = party if rng.random() < 0.3 else rng.choice(parties)
            asset = rng.choice(("EUR", "BTC"))
            shared = common | {
                "transfer_id": f"exchange:internal_transfer:I{serial:05d}", "transfer_type_code": "internal_transfer",
                "rail_code": "internal", "asset_code": asset, "legs_expected": 2,
            }  # fmt: skip
            receiver = f"A-{other}-1"
            population.leg(**shared | {"direction_code": "out", "counterparty_id": receiver})
            population.leg(
                **shared
                | {"direction_code": "in", "party_id": other, "account_id": receiver, "counterparty_id": common["account_id"]}
                | profile[other]
            )
        else:
            fiat = rng.random() < 0.55
            outgoing = rng.random() < 0.45
            name = "withdrawal" if outgoing else "deposit"
            population.leg(
                **common, transfer_id=f"exchange:{name}:{serial:05d}", transfer_type_code=name, rail_code="fiat" if fiat else "crypto",
                direction_code="out" if outgoing else "in", asset_code=rng.choice(FIAT if fiat else CRYPTO),
            )  # fmt: skip


def _screening(population: Population, rng: random.Random) -> None:
    for leg in [row for row in population.rows("int_transfer_legs") if row["rail_code"] == "crypto"]:
        transfer = leg["transfer_id"]
        for address in rng.sample(("0xgood1", "0xgood2", "bc1good", "0xba d", *SANCTIONED), rng.choice((0, 1, 1, 1, 2))):
            valid = address != "0xba d"
            population.rows("int_transfer_addresses").append({
                "transfer_id": transfer, "role_code": rng.choice(("counterparty",) * 4 + ("own",)), "address": address,
                "address_raw": address, "chain_code": leg["chain_code"], "is_valid": valid,
                "invalid_reason_code": None if valid else "bad_format",
            })  # fmt: skip
        if rng.random() < 0.1:
            continue
        status = "pending" if rng.random() < 0.1 else "screened"
        population.rows("int_transfer_screenings").append({
            "transfer_id": transfer, "vendor_code": "chainalysis", "external_id": transfer, "screening_status_code": status,
            "screened_at": leg["event_at"], "vendor_amount_usd": leg["amount_usd"], "known_at": leg["known_at"],
        })  # fmt: skip
        for category, severity, zero in rng.sample(CATEGORIES, rng.choice((0, 0, 1, 2)) if status == "screened" else 0):
            population.rows("int_exposures").append({
                "transfer_id": transfer, "vendor_code": "chainalysis",
                "exposure_type_code": rng.choice(("DIRECT", "DIRECT", "INDIRECT")), "vendor_category_id": None,
                "category_code": category, "severity_code": severity, "is_zero_tolerance": zero, "entity_name": f"{category} one",
                "exposure_usd": rng.choice((None, *map(Decimal, ("0.00", "0.01", "1000.00", "1000.01", "5000.00", "5000.01")))),
                "known_at": leg["known_at"] + timedelta(days=rng.choice((0, 0, 3))),
            })  # fmt: skip


def _dormant(population: Population) -> None:
    """Two parties come back exactly at the limit of 180 days: one leg known in time, one nine days late."""
    for party, late in (("PD0", timedelta(0)), ("PD1", timedelta(days=9))):
        at = START + timedelta(days=20)
        population.leg(
            transfer_id=f"exchange:deposit:{party}", direction_code="in", rail_code="fiat", asset_code="EUR", usd="11000.00",
            party_id=party, account_id=f"A-{party}", segment_code="retail", jurisdiction_code="EU", event_at=at,
            account_opened_at=at - timedelta(days=900), last_activity_at=at - timedelta(days=180),
            known_at=at + timedelta(hours=26) + late,
        )  # fmt: skip


def make(seed: int = 7) -> Population:
    """The population of a seed: about 1,670 legs of 32 parties over 40 days from 2026-01-01, UTC."""
    rng = random.Random(seed)
    population = Population()
    _legs(population, rng)
    _dormant(population)
    _screening(population, rng)
    spans = ((date(2025, 6, 1), None), (date(2026, 1, 15), None), (date(2025, 6, 1), date(2026, 1, 20)))
    for number, (address, (listed, delisted)) in enumerate(zip(SANCTIONED, spans, strict=True)):
        population.rows("int_sanctioned_addresses").append({
            "list_code": "ofac_sdn", "ent_num": str(9000 + number), "asset_code": "ETH", "ofac_asset_code": "ETH",
            "chain_code": "ethereum", "address": address, "address_raw": address, "is_valid": True, "sdn_name": f"NAME {number}",
            "program": "CYBER2", "listed_from_date": listed, "delisted_on": delisted,
            "known_at": datetime(2026, 2, 1) if number == 1 else datetime.combine(listed, datetime.min.time()),
        })  # fmt: skip
    return population
