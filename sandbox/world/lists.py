"""Feeds that publish reference data: the sanctions list, attribution tags (TagPacks) and reference rates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from sandbox.world.calendar import Calendar
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import ASSETS, BITCOIN, CATEGORIES, DAY, DELIVERY_DELAY, TRON, US
from sandbox.world.landing import Delivery, Odd, Totals, plain, record_hashes, texts
from sandbox.world.prices import Prices
from sandbox.world.sanctions import SanctionsList
from sandbox.world.streams import Streams

_TABLES = {
    "sdn.csv": "sdn_entries",
    "add.csv": "sdn_addresses",
    "alt.csv": "sdn_aliases",
    "sdn_comments.csv": "sdn_comments",
}
# vendor category -> INTERPOL dark-web/virtual-asset taxonomy concepts that TagPacks use, as (category, abuse)
_CONCEPTS = {
    2: ("market", "darknet_market"), 3: ("organization", "sanction"), 4: ("exchange", None), 7: ("miner", None),
    11: ("hosted_wallet", None), 12: ("user", "ransomware"), 13: ("mixing_service", None), 16: ("gambling", None),
    17: ("payment_processor", None), 18: ("user", "scam"), 19: ("exchange", None), 21: ("exchange", None),
    22: ("miner", None), 24: ("atm", None), 26: ("defi_lending", None), 27: ("defi_dex", None),
    28: ("market", "fraud_shop"), 33: ("mixing_service", None), 37: ("defi_bridge", None),
}  # fmt: skip
_TAGGED_SHARE = 0.55


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * US


def write_ofac(root: Path, sanctions: SanctionsList) -> int:
    """A folder per publication, whole list each. Returns the number of publications."""
    for number, day in enumerate(sanctions.publications):
        delivery = Delivery(root / day.isoformat(), f"ofac-{day}", day, _midnight(day))
        for name, (content, rows) in sanctions.files(number).items():
            totals = [_count(rows)] if rows else []
            if name == "sdn.csv":
                totals = [
                    {"table": "sdn_entries"} | _count(rows),
                    {"table": "digital_currency_addresses"} | _count(sanctions.mentions(number)),
                ]
            delivery.add(name, _TABLES[name], content.encode(), rows, totals)
        delivery.close()
    return len(sanctions.publications)


def _count(rows: int) -> dict:
    return {"event_date": None, "asset_code": None, "rows": rows, "amount": None, "hash": None}


def write_tagpacks(root: Path, parties: Counterparties, calendar: Calendar, streams: Streams) -> int:
    """Packs by category, known from before the world, and a second delivery half way. Returns the number of tags."""
    rng = streams("tagpacks")
    tagged: dict[tuple[int, int], list[tuple[str, int, int]]] = {}
    for service, category in enumerate(parties.category):
        if category not in _CONCEPTS:
            continue
        for chain in range(3):
            for position in parties.by_service.get((service, chain), ()):
                draw = rng.random()
                if draw < _TAGGED_SHARE:
                    half = 1 if draw < 0.1 and calendar.days >= 4 else 0
                    tagged.setdefault((half, category), []).append((str(parties.pool[position]), chain, service))
    count = 0
    for half, day in ((0, calendar.start - timedelta(days=1)), (1, calendar.day(calendar.days // 2))):
        categories = sorted(c for h, c in tagged if h == half)
        if not categories:
            continue
        delivery = Delivery(root / f"delivery={day}", f"tagpacks-{day}", day, _midnight(day) + DELIVERY_DELAY)
        for category in categories:
            tags = tagged[half, category]
            delivery.add(
                f"{CATEGORIES[category].replace(' ', '_')}.yaml",
                "tags",
                _pack(category, day, tags, parties),
                len(tags),
                [_count(len(tags))],
            )
            count += len(tags)
        delivery.close()
    return count


def _pack(category: int, day: date, tags: list[tuple[str, int, int]], parties: Counterparties) -> bytes:
    concept, abuse = _CONCEPTS[category]
    body = {
        "title": f"Sandbox attribution: {CATEGORIES[category]}",
        "creator": "Plumbline sandbox",
        "confidence": "service_data",
        "is_cluster_definer": False,
        "description": f"Invented addresses of invented services ({CATEGORIES[category]})",
        "category": concept,
        "lastmod": day,
        "source": "https://sandbox.invalid/attribution",
    }
    if abuse:
        body["abuse"] = abuse
    body["tags"] = [
        {
            "address": address,
            "currency": "BTC" if chain == BITCOIN else "TRX" if chain == TRON else "ETH",
            "label": parties.name[service],
            "actor": parties.name[service].lower().replace(" & ", "_").replace(" ", "_"),
        }
        for address, chain, service in tags
    ]
    return yaml.dump(body, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True).encode()


def write_prices(root: Path, prices: Prices, calendar: Calendar) -> int:
    """Daily rates; a missing one is not delivered, a broken one arrives as n/a. Returns the number of rows
    delivered."""
    count = 0
    absent, broken = set(prices.missing), set(prices.broken)
    for day in range(calendar.days):
        business = calendar.day(day)
        asset = np.array([a for a in range(len(ASSETS)) if (day, a) not in absent and (day, a) not in broken])
        units = prices.rate[day, asset]
        names = [ASSETS[a] for a in asset.tolist()]
        data = pa.table(
            {
                "asset_code": texts(names),
                "rate_date": texts([business.isoformat()] * len(asset)),
                "rate_usd": plain(units),
                "source": texts(["sandbox fixing 16:00 UTC"] * len(asset)),
            }
        )
        hashes = record_hashes([f"{name}:{business}" for name in names], units)
        at = np.full(len(asset), (calendar.start_us + day * DAY) // DAY)
        totals = Totals(at, asset, units, hashes, ASSETS, len(asset)).rows(0, len(asset))
        odd = [
            Odd(
                f"{ASSETS[a]},{business},n/a,sandbox fixing 16:00 UTC",
                business.isoformat(),
                ASSETS[a],
                None,
                f"{ASSETS[a]}:{business}",
            )
            for d, a in prices.broken
            if d == day
        ]
        delivery = Delivery(
            root / f"delivery={business}",
            f"prices-{business}",
            business,
            calendar.start_us + day * DAY + DELIVERY_DELAY,
        )
        delivery.csv("rates", "rates", data, totals, odd)
        delivery.close()
        count += len(asset) + len(odd)
    return count
