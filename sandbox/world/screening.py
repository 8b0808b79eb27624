"""What the blockchain-analytics vendor knows: one answer for each crypto transfer, for the sandbox's vendor server.

What belongs here: the vendor's knowledge. Its HTTP behaviour is the server's.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.world.assemble import Ledger, Table, external_text
from sandbox.world.calendar import Calendar
from sandbox.world.chain import Chain
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import (
    ASSETS,
    CATEGORIES,
    COMPLETED,
    DAY,
    DELIVERY_DELAY,
    US,
    VENDOR_NETWORKS,
    category_floor_usd,
    severity,
)
from sandbox.world.landing import coded, decimals, texts, times
from sandbox.world.ledger import NO_EXPOSURE, NO_OVERRIDE
from sandbox.world.people import People
from sandbox.world.prices import Prices
from sandbox.world.streams import Streams

STILL_PROCESSING = 5


def external_id(user: str, direction: str, reference: str) -> str:
    """Name-based UUID (version 3): registering the same transfer again gives the same id."""
    return str(uuid.uuid3(uuid.NAMESPACE_URL, f"{user}|{direction}|{reference}"))


def _alerts(ext: str, category: int, indirect: int, name: str | None, cents: int) -> str:
    found = []
    floor = category_floor_usd(category) if category >= 0 else None
    if floor is not None and cents > floor * 100:
        found.append(("DIRECT", category, cents, f"{CATEGORIES[category].upper()}: {name}"))
    if indirect >= 0:
        found.append(
            ("INDIRECT", indirect, max(cents * 3 // 10, 1), f"{CATEGORIES[indirect].upper()}: unnamed cluster")
        )
    return json.dumps(
        [
            {
                "alertLevel": severity(code),
                "service": service,
                "externalId": str(uuid.uuid3(uuid.NAMESPACE_URL, f"{ext}|{kind}|{code}")),
                "alertAmount": amount / 100,
                "exposureType": kind,
                "categoryId": code,
                "category": CATEGORIES[code],
            }
            for kind, code, amount, service in found
        ]
    )


def _side(
    table: Table,
    direction: str,
    index: np.ndarray,
    chain: Chain,
    people: People,
    parties: Counterparties,
    prices: Prices,
    calendar: Calendar,
    rng: np.random.Generator,
) -> tuple[pa.Table, pa.Table]:
    """The answers on one side's transfers, and what the other side's addresses are."""
    rows = table.rows
    chosen = np.flatnonzero(rows.crypto & (table.final_status == COMPLETED))
    part = rows.take(chosen)
    received = direction == "received"
    user = people.account_id[part.account]
    written = external_text(part, parties)
    other = np.where(np.array([c is not None for c in part.clean], dtype=bool), part.clean, parties.pool[part.external])
    if received:
        own = parties.deposit[part.chain, part.account]
        target, output = own, own
    else:
        target, output = written, other
    tx = table.tx_hash[chosen]
    reference = [f"{h}:{a}" for h, a in zip(tx, target, strict=True)]
    ids = [external_id(u, direction, r) for u, r in zip(user, reference, strict=True)]
    day = calendar.index(part.event)
    own_view = 1 + rng.normal(0, 0.0015, len(part))
    cents = np.rint(prices.cents(part.units, part.asset, day) * own_view).astype(np.int64)
    cents = np.where(part.vendor_cents >= 0, part.vendor_cents, np.maximum(cents, 1))
    service = parties.pool_service[part.external]
    found = np.where(service >= 0, np.array(parties.category)[service], NO_EXPOSURE)
    # the vendor does not know every address of a service
    found = np.where((rng.random(len(part)) < 0.08) & (part.category == NO_OVERRIDE), NO_EXPOSURE, found)
    category = np.where(part.category == NO_OVERRIDE, found, part.category).astype(np.int64)
    names = []
    for code, number in zip(category.tolist(), service.tolist(), strict=True):
        known = parties.name[number] if number >= 0 and parties.category[number] == code else None
        names.append(None if code < 0 else known or f"{CATEGORIES[code]} cluster")
    mined = part.event + np.where(received, -60 * US, 90 * US)
    known_at = np.where(part.delay > 0, calendar.start_us + table.first_day[chosen] * DAY + DELIVERY_DELAY, part.event)
    updated = known_at + (rng.gamma(2, 45, len(part)) * US).astype(np.int64) + 100 * US
    kind = "deposit" if received else "withdrawal"
    alerts = [
        _alerts(e, c, i, n, v) if c in _ALERTING or i >= 0 else "[]"
        for e, c, i, n, v in zip(ids, category.tolist(), part.indirect.tolist(), names, cents.tolist(), strict=True)
    ]
    counterparties = pa.table(
        {
            "address": texts(other),
            "network": coded(part.chain, VENDOR_NETWORKS),
            "category_id": pa.array(category, mask=category < 0),
            "name": texts(names),
            "is_sender": pa.array([received] * len(part)),
            "usd": decimals(cents * 1_000_000).cast(pa.decimal128(18, 2)),
            "seen_at": times(updated),
        }
    )
    answers = pa.table(
        {
            "external_id": texts(ids),
            "ledger_transfer_id": texts([f"exchange:{kind}:{i}" for i in table.ids[chosen]]),
            "user_id": texts(user),
            "direction": texts([direction] * len(part)),
            "network": coded(part.chain, VENDOR_NETWORKS),
            "asset": coded(part.asset, ASSETS),
            "transfer_reference": texts(reference),
            "tx": texts(tx),
            "idx": pa.array(index[chosen]),
            "usd_amount": decimals(cents * 1_000_000).cast(pa.decimal128(18, 2)),
            "asset_amount": decimals(part.units),
            "timestamp": times(mined),
            "updated_at": times(updated, part.unscreened),
            "output_address": texts(output),
            "direct_name": texts(names),
            "direct_category_id": pa.array(category, mask=category < 0),
            "alerts": texts(alerts),
        }
    )
    return answers, counterparties


_ALERTING = frozenset(c for c in CATEGORIES if c is not None and category_floor_usd(c) is not None)


def mark_unscreened(ledger: Ledger) -> list[str]:
    """The vendor is still busy with the world's last few ordinary crypto transfers (in place). Returns their
    transfer ids."""
    found = []
    for kind, table in (("deposit", ledger.deposits), ("withdrawal", ledger.withdrawals)):
        rows = table.rows
        able = np.flatnonzero(rows.crypto & (table.final_status == COMPLETED) & (rows.plant < 0) & (rows.delay == 0))
        found += [(int(rows.event[i]), kind, int(i)) for i in able[-STILL_PROCESSING:]]
    last = sorted(found)[-STILL_PROCESSING:]
    for _, kind, i in last:
        (ledger.deposits if kind == "deposit" else ledger.withdrawals).rows.columns["unscreened"][i] = True
    return [
        f"exchange:{kind}:{(ledger.deposits if kind == 'deposit' else ledger.withdrawals).ids[i]}"
        for _, kind, i in last
    ]


def write_vendor(
    root: Path,
    ledger: Ledger,
    chain: Chain,
    people: People,
    parties: Counterparties,
    prices: Prices,
    calendar: Calendar,
    streams: Streams,
) -> int:
    """transfers.parquet, counterparties.parquet (one row for each time an address was the other side of a transfer) and
    categories.json. Returns the number of transfers."""
    root.mkdir(parents=True, exist_ok=True)
    sides = [
        _side(
            ledger.deposits,
            "received",
            chain.deposit_index,
            chain,
            people,
            parties,
            prices,
            calendar,
            streams("vendor", "received"),
        ),
        _side(
            ledger.withdrawals,
            "sent",
            chain.withdrawal_index,
            chain,
            people,
            parties,
            prices,
            calendar,
            streams("vendor", "sent"),
        ),
    ]
    answers, counterparties = zip(*sides, strict=True)
    others = pa.concat_tables(counterparties).sort_by([("seen_at", "ascending"), ("address", "ascending")])
    pq.write_table(others, root / "counterparties.parquet", compression="snappy")
    table = pa.concat_tables(answers).sort_by([("timestamp", "ascending"), ("external_id", "ascending")])
    pq.write_table(table, root / "transfers.parquet", compression="snappy")
    listed = {"categories": [{"categoryId": code, "categoryName": name} for code, name in CATEGORIES.items()]}
    (root / "categories.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    return table.num_rows
