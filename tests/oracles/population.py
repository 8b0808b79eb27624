"""A small hand-made population in the shape of the intermediate models, full of edges, for oracles and SQL to read.

What belongs here: rows as `intermediate.*` has them, made from a seed. Not here: files of a source (see `sandbox`), any
rule of a feature or a scenario (see `features` and `scenarios` beside this module).

Instants lie on a six-hour grid most of the time, so that ties and windows exactly 24 hours or 7 days wide are common;
amounts are drawn from values on and beside every default threshold.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from oracles import population_amounts, population_behaviour, population_exposure, population_graph

START = datetime(2026, 1, 1)
DAYS = 40
AS_OF = datetime(2026, 2, 11, 2)
RATES = {
    "USD": "1",
    "EUR": "1.1",
    "GBP": "1.25",
    "CHF": "1.12",
    "BTC": "50000",
    "ETH": "2500",
    "USDT": "1",
    "XMR": "150",
    "JUNK": None,
}
FIAT = ("USD", "EUR", "GBP", "CHF")
CRYPTO = ("BTC", "ETH", "USDT", "JUNK")
USD_AMOUNTS = (
    "120.00",
    "999.99",
    "1000.00",
    "4499.99",
    "4500.00",
    "4999.99",
    "5000.00",
    "5000.01",
    "8000.00",
    "8499.99",
    "8500.00",
    "9000.00",
    "9250.50",
    "9999.99",
    "10000.00",
    "12500.00",
    "25000.00",
)
CATEGORIES = (
    ("sanctioned_entity", "severe", True),
    ("terrorist_financing", "severe", True),
    ("ransomware", "severe", False),
    ("scam", "high", False),
    ("mixing", "medium", False),
    ("exchange", "low", False),
    ("unmapped", "low", False),
)
SANCTIONED = ("0xbad1", "0xbad2", "bc1bad3")

KINDS = {
    "text": pa.string(), "time": pa.timestamp("us"), "date": pa.date32(), "flag": pa.bool_(), "int": pa.int32(),
    "usd": pa.decimal128(18, 2), "quantity": pa.decimal128(38, 18),
}  # fmt: skip


def _schema(columns: str) -> pa.Schema:
    """A schema from `name kind` pairs; a name without a kind is text."""
    pairs = [(column.split() + ["text"])[:2] for column in columns.split(",")]
    return pa.schema([(name, KINDS[kind]) for name, kind in pairs])


SCHEMAS = {
    "int_transfer_legs": _schema(
        "leg_id, transfer_id, direction_code, source_code, transfer_type_code, rail_code, status_code, account_id,"
        "party_id, account_opened_at time, last_activity_at time, party_type_code, segment_code, jurisdiction_code,"
        "residence_country_code, declared_annual_income_usd usd, is_pep flag, kyc_status_code, risk_rating_code,"
        "asset_code, amount quantity, rate_usd quantity, amount_usd usd, event_at time, event_date date, chain_code,"
        "tx_hash, counterparty_id, counterparty_address, legs_expected int, ip_address, device_id, known_at time"
    ),
    "int_transfers": _schema("transfer_id, rail_code, status_code, amount_usd usd, event_date date"),
    "int_transfer_addresses": _schema(
        "transfer_id, role_code, address, address_raw, chain_code, is_valid flag, invalid_reason_code"
    ),
    "int_transfer_screenings": _schema(
        "transfer_id, vendor_code, external_id, screening_status_code, screened_at time, vendor_amount_usd usd,"
        "known_at time"
    ),
    "int_exposures": _schema(
        "transfer_id, vendor_code, exposure_type_code, vendor_category_id, category_code, severity_code,"
        "is_zero_tolerance flag, entity_name, exposure_usd usd, known_at time"
    ),
    "int_sanctioned_addresses": _schema(
        "list_code, entry_id, asset_code, list_asset_code, chain_code, address, address_raw, is_valid flag, name,"
        "program, listed_from_date date, delisted_on date, known_at time"
    ),
    "int_party_history": _schema("party_id, effective_from_at time, effective_to_at time, birth_date date"),
    "int_party_segments": _schema("party_id, effective_from_at time, effective_to_at time, segment_code"),
    "int_party_behaviour_events": _schema(
        "event_id, party_id, event_type_code, event_class_code, outcome_code, country_code, event_at time,"
        "event_date date, known_at time"
    ),
    "int_trades": _schema(
        "leg_id, transfer_id, account_id, party_id, side_code, base_asset_code, quote_asset_code, bought_asset_code,"
        "base_amount quantity, quote_amount quantity, fee_amount quantity, quote_usd usd, fee_usd usd, event_at time,"
        "event_date date, known_at time"
    ),
    "int_party_marks": _schema("party_id, mark_code, marked_at time, effective_from_at time"),
    "int_transfer_travel_rule": _schema(
        "transfer_id, message_id, is_standing flag, missing_fields, counterparty_vasp_country_code,"
        "counterparty_country_code, known_at time"
    ),
}


class Population:
    """Rows by table name, as lists of dicts keyed by column; `legs` and the like are shortcuts."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict]] = {name: [] for name in SCHEMAS}

    def rows(self, name: str) -> list[dict]:
        return self.tables[name]

    def leg(self, **given: object) -> dict:
        """Appends a leg and its transfer. Needs event_at, direction_code, asset_code, rail_code and usd or amount."""
        serial = len(self.tables["int_transfer_legs"])
        rate = RATES[given["asset_code"]]
        row = dict.fromkeys(SCHEMAS["int_transfer_legs"].names) | {
            "transfer_id": f"exchange:deposit:D{serial:05d}",
            "source_code": "exchange",
            "transfer_type_code": "deposit",
            "status_code": "completed",
            "legs_expected": 1,
            "is_pep": False,
        }
        usd = given.pop("usd", None)
        row |= given
        if usd is not None:
            row["amount"] = Decimal(usd) / Decimal(rate or 1)
        row["amount"] = Decimal(row["amount"]).quantize(Decimal("0.00000001"))
        row["rate_usd"] = Decimal(rate) if rate else None
        row["amount_usd"] = (row["amount"] * Decimal(rate)).quantize(Decimal("0.01")) if rate else None
        row["event_date"] = row["event_at"].date()
        row["leg_id"] = f"{row['transfer_id']}:{row['direction_code']}"
        row["known_at"] = given.get("known_at") or datetime.combine(row["event_date"], datetime.min.time()) + timedelta(
            hours=26
        )
        self.tables["int_transfer_legs"].append(row)
        if not any(t["transfer_id"] == row["transfer_id"] for t in self.tables["int_transfers"][-2:]):
            self.tables["int_transfers"].append({name: row[name] for name in SCHEMAS["int_transfers"].names})
        return row

    def write(self, warehouse: Path) -> None:
        """Makes the schemas and tables in a DuckDB file; replaces the tables that are there."""
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect(str(warehouse))
        try:
            con.execute("drop schema if exists intermediate cascade").fetchall()
            con.execute("create schema intermediate").fetchall()
            con.execute("create schema if not exists staging").fetchall()
            for name, schema in SCHEMAS.items():
                arrow = pa.Table.from_pylist(self.tables[name], schema=schema)
                con.register("arrow_rows", arrow)
                con.sql("select * from arrow_rows").create(f"intermediate.{name}")
                con.unregister("arrow_rows")
            con.execute(
                "create or replace table staging.stg_control__as_of as "
                "select ?::timestamp as as_of_at, ?::date as as_of_date",
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
            "last_activity_at": rng.choice(
                (None, START - timedelta(days=170), START - timedelta(days=rng.randrange(5, 300)))
            ),
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
                **common,
                transfer_id=f"exchange:trade:T{serial:05d}",
                transfer_type_code="trade",
                rail_code="trade",
                direction_code="none",
                asset_code="BTC",
            )
        elif kind < 0.24:
            other = party if rng.random() < 0.3 else rng.choice(parties)
            asset = rng.choice(("EUR", "BTC"))
            shared = common | {
                "transfer_id": f"exchange:internal_transfer:I{serial:05d}",
                "transfer_type_code": "internal_transfer",
                "rail_code": "internal",
                "asset_code": asset,
                "legs_expected": 2,
            }
            receiver = f"A-{other}-1"
            population.leg(**shared | {"direction_code": "out", "counterparty_id": receiver})
            population.leg(
                **shared
                | {
                    "direction_code": "in",
                    "party_id": other,
                    "account_id": receiver,
                    "counterparty_id": common["account_id"],
                }
                | profile[other]
            )
        else:
            fiat = rng.random() < 0.55
            outgoing = rng.random() < 0.45
            name = "withdrawal" if outgoing else "deposit"
            population.leg(
                **common,
                transfer_id=f"exchange:{name}:{serial:05d}",
                transfer_type_code=name,
                rail_code="fiat" if fiat else "crypto",
                direction_code="out" if outgoing else "in",
                asset_code=rng.choice(FIAT if fiat else CRYPTO),
            )


def _screening(population: Population, rng: random.Random) -> None:
    for leg in [row for row in population.rows("int_transfer_legs") if row["rail_code"] == "crypto"]:
        transfer = leg["transfer_id"]
        for address in rng.sample(
            ("0xgood1", "0xgood2", "bc1good", "0xba d", *SANCTIONED), rng.choice((0, 1, 1, 1, 2))
        ):
            valid = address != "0xba d"
            population.rows("int_transfer_addresses").append(
                {
                    "transfer_id": transfer,
                    "role_code": rng.choice(("counterparty",) * 4 + ("own",)),
                    "address": address,
                    "address_raw": address,
                    "chain_code": leg["chain_code"],
                    "is_valid": valid,
                    "invalid_reason_code": None if valid else "bad_format",
                }
            )
        if rng.random() < 0.1:
            continue
        status = "pending" if rng.random() < 0.1 else "screened"
        population.rows("int_transfer_screenings").append(
            {
                "transfer_id": transfer,
                "vendor_code": "chainalysis",
                "external_id": transfer,
                "screening_status_code": status,
                "screened_at": leg["event_at"],
                "vendor_amount_usd": leg["amount_usd"],
                "known_at": leg["known_at"],
            }
        )
        for category, severity, zero in rng.sample(CATEGORIES, rng.choice((0, 0, 1, 2)) if status == "screened" else 0):
            population.rows("int_exposures").append(
                {
                    "transfer_id": transfer,
                    "vendor_code": "chainalysis",
                    "exposure_type_code": rng.choice(("DIRECT", "DIRECT", "INDIRECT")),
                    "vendor_category_id": None,
                    "category_code": category,
                    "severity_code": severity,
                    "is_zero_tolerance": zero,
                    "entity_name": f"{category} one",
                    "exposure_usd": rng.choice(
                        (None, *map(Decimal, ("0.00", "0.01", "1000.00", "1000.01", "5000.00", "5000.01")))
                    ),
                    "known_at": leg["known_at"] + timedelta(days=rng.choice((0, 0, 3))),
                }
            )


def _dormant(population: Population) -> None:
    """Two parties come back exactly at the limit of 180 days: one leg known in time, one nine days late."""
    for party, late in (("PD0", timedelta(0)), ("PD1", timedelta(days=9))):
        at = START + timedelta(days=20)
        population.leg(
            transfer_id=f"exchange:deposit:{party}",
            direction_code="in",
            rail_code="fiat",
            asset_code="EUR",
            usd="11000.00",
            party_id=party,
            account_id=f"A-{party}",
            segment_code="retail",
            jurisdiction_code="EU",
            event_at=at,
            account_opened_at=at - timedelta(days=900),
            last_activity_at=at - timedelta(days=180),
            known_at=at + timedelta(hours=26) + late,
        )


def _middlemen(population: Population) -> None:
    """From one wallet to another over so many parties, who hand on so much, the last of them so late."""
    cases = ((3, "800", 0), (3, "799.99", 0), (2, "1000", 0), (4, "1010", 0), (3, "1010.01", 0), (3, "900", 1))
    for number, (count, handed_on, late) in enumerate(cases):
        first = START + timedelta(days=20, hours=6 * number)
        last = first + timedelta(hours=72, microseconds=late)
        for place in range(count):
            party = f"M{number}{place}"
            common = {
                "asset_code": "USD",
                "rail_code": "fiat",
                "party_id": party,
                "account_id": f"A-{party}",
                "segment_code": "retail",
                "jurisdiction_code": "EU",
                "account_opened_at": START - timedelta(days=900),
            }
            name = f"M{number:02d}{place:02d}"
            factor = 1 if place else 2
            population.leg(
                **common,
                transfer_id=f"exchange:deposit:{name}",
                direction_code="in",
                event_at=first + timedelta(hours=late + 1) * bool(place),
                usd=1000 * factor,
                counterparty_id=f"S{number}",
            )
            population.leg(
                **common,
                transfer_id=f"exchange:withdrawal:{name}",
                transfer_type_code="withdrawal",
                direction_code="out",
                event_at=last if place == count - 1 else first + timedelta(hours=70),
                usd=Decimal(handed_on) * factor,
                counterparty_id=f"G{number}",
            )


def _round_trips(population: Population) -> None:
    """Money that goes round so many parties, and is back so many hours after it left, so much of it."""
    cases = ((3, 96, "950"), (3, 97, "950"), (4, 96, "1000"), (4, 96, "950"), (4, 97, "1000"), (5, 96, "1000"))
    for number, (length, hours, usd) in enumerate(cases):
        for place in range(length):
            is_last = place == length - 1
            ends = (("out", place, (place + 1) % length), ("in", (place + 1) % length, place))
            for side, me, other in ends:
                population.leg(
                    transfer_id=f"exchange:internal_transfer:R{number}{place}",
                    transfer_type_code="internal_transfer",
                    rail_code="internal",
                    legs_expected=2,
                    direction_code=side,
                    asset_code="USD",
                    usd=Decimal(usd) * 2 if is_last else 2000,
                    event_at=START + timedelta(days=25, hours=hours if is_last else 6 * place),
                    party_id=f"R{number}{me}",
                    account_id=f"A-R{number}{me}",
                    counterparty_id=f"A-R{number}{other}",
                    segment_code="retail",
                    jurisdiction_code="EU",
                    account_opened_at=START - timedelta(days=900),
                )


def _chain_hops(population: Population) -> None:
    """Crypto that comes on one chain, is traded so many times and leaves on another one, so much and so late."""
    cases = (("800", 2, 0, "tron"), ("799.99", 2, 0, "tron"), ("1000", 1, 0, "tron"), ("1000", 3, 1, "tron"))
    for number, (usd, trades, late, chain) in enumerate((*cases, ("1000", 2, 0, "ethereum"))):
        common = {
            "party_id": f"H{number}",
            "account_id": f"A-H{number}",
            "segment_code": "retail",
            "jurisdiction_code": "EU",
            "account_opened_at": START - timedelta(days=900),
        }
        crypto = common | {"rail_code": "crypto", "asset_code": "USDT"}
        first = START + timedelta(days=22)
        coming = crypto | {"usd": usd, "chain_code": chain, "event_at": first, "counterparty_id": f"hop in {number}"}
        population.leg(transfer_id=f"exchange:deposit:H{number}", direction_code="in", **coming)
        for place in range(trades):
            population.leg(
                **common,
                transfer_id=f"exchange:trade:H{number}{place}",
                transfer_type_code="trade",
                rail_code="trade",
                direction_code="none",
                asset_code="BTC",
                usd="500",
                event_at=first + timedelta(hours=6 * place),
            )
        population.leg(
            **crypto,
            transfer_id=f"exchange:withdrawal:H{number}",
            transfer_type_code="withdrawal",
            direction_code="out",
            usd="1000",
            chain_code="ethereum",
            counterparty_id=f"hop out {number}",
            event_at=first + timedelta(hours=24, microseconds=late),
        )


def _network(population: Population, rng: random.Random) -> None:
    """Six parties and four wallets that hand money on to each other, of sizes on and beside what may stay behind, at
    instants on and beside what may pass between; and an account that nobody knows the owner of."""
    parties, wallets = [f"N{n}" for n in range(6)], [f"W{n}" for n in range(4)]
    sizes = (
        *("1000.00", "1010.00", "1010.01", "999.99", "950.00", "949.99", "1050.00", "1050.01", "997.50", "2000.00"),
        *("500.00", "499.99", "625.00", "505.00", "505.01"),
    )
    for serial in range(170):
        at = (
            START
            + timedelta(days=2, hours=6 * rng.randrange(60))
            + rng.choice((0, 0, 0, 1)) * timedelta(microseconds=1)
        )
        common = {
            "event_at": at,
            "usd": rng.choice(sizes),
            "asset_code": "USD",
            "segment_code": "retail",
            "jurisdiction_code": "EU",
            "account_opened_at": START - timedelta(days=900),
        }
        payer, payee = rng.sample(parties + wallets, 2)
        if payer in parties and payee in parties:
            shared = common | {
                "transfer_id": f"exchange:internal_transfer:N{serial:05d}",
                "transfer_type_code": "internal_transfer",
                "rail_code": "internal",
                "legs_expected": 2,
            }
            for side, me, other in (("out", payer, payee), ("in", payee, payer)):
                named = {"party_id": me, "account_id": f"A-{me}", "counterparty_id": f"A-{other}"}
                population.leg(**shared | named | {"direction_code": side})
        elif payer in parties or payee in parties:
            name, side, me, other = (
                ("withdrawal", "out", payer, payee) if payer in parties else ("deposit", "in", payee, payer)
            )
            population.leg(
                **common,
                transfer_id=f"exchange:{name}:N{serial:05d}",
                transfer_type_code=name,
                rail_code="fiat",
                direction_code=side,
                party_id=None if rng.random() < 0.1 else me,
                account_id=f"A-{me}",
                counterparty_id=other,
            )
    _middlemen(population)
    _round_trips(population)
    _chain_hops(population)
    population.leg(
        **common | {"usd": "2500.00", "asset_code": "EUR"},
        transfer_id="bank:N1",
        source_code="bank",
        rail_code="fiat",
        direction_code="in",
        counterparty_id="W0",
    )


def make(seed: int = 7) -> Population:
    """The population of a seed: some 3,500 legs over 42 days from 2026-01-01, UTC, and some before."""
    rng = random.Random(seed)
    population = Population()
    _legs(population, rng)
    _dormant(population)
    _screening(population, rng)
    population_behaviour.add(population)
    population_amounts.add(population, START, seed)
    _network(population, random.Random(seed + 20))
    population_exposure.add(population)
    population_graph.add(population, START)
    spans = ((date(2025, 6, 1), None), (date(2026, 1, 15), None), (date(2025, 6, 1), date(2026, 1, 20)))
    for number, (address, (listed, delisted)) in enumerate(zip(SANCTIONED, spans, strict=True)):
        population.rows("int_sanctioned_addresses").append(
            {
                "list_code": "ofac_sdn",
                "entry_id": str(9000 + number),
                "asset_code": "ETH",
                "list_asset_code": "ETH",
                "chain_code": "ethereum",
                "address": address,
                "address_raw": address,
                "is_valid": True,
                "name": f"NAME {number}",
                "program": "CYBER2",
                "listed_from_date": listed,
                "delisted_on": delisted,
                "known_at": datetime(2026, 2, 1) if number == 1 else datetime.combine(listed, datetime.min.time()),
            }
        )
    return population
