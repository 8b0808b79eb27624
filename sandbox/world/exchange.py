"""The exchange feed: the ledger's deposits, withdrawals, internal transfers and trades by delivery day, and its
address book."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from sandbox.world.assemble import Ledger, Table, delivered_versions, device_and_ip, external_text
from sandbox.world.calendar import Calendar
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import ASSETS, CHAINS, DAY, DELIVERY_DELAY, PENDING, RAILS, STATUSES, UNIT
from sandbox.world.faults import Faults
from sandbox.world.landing import Delivery, Totals, coded, cuts, decimals, plain, record_hashes, texts, times
from sandbox.world.people import People
from sandbox.world.streams import Streams


class _Part:
    """One table's versions in delivery order, ready to be cut by day."""

    def __init__(self, table: Table, calendar: Calendar):
        self.table = table
        self.row, self.day, self.status = delivered_versions(table, calendar)
        self.rows = table.rows.take(self.row)
        self.ids = table.ids[self.row]
        self.hashes = record_hashes(self.ids, self.rows.units)
        self.totals = Totals(
            self.rows.event // DAY, self.rows.asset, self.rows.units, self.hashes, ASSETS, len(self.row)
        )
        self.cuts = cuts(self.day, range(calendar.days))
        self.pending = self.status == PENDING


def _transfers(
    part: _Part, outward: bool, people: People, parties: Counterparties, rng: np.random.Generator
) -> pa.Table:
    rows, table = part.rows, part.table
    device, ip = device_and_ip(people, part.table.rows.account, rng)
    external = texts(external_text(rows, parties))
    tx_hash = np.where(part.pending, None, table.tx_hash[part.row])
    rail = coded(np.where(rows.crypto, 0, 1), RAILS)
    columns = {
        "account_id": texts(people.account_id[rows.account]),
        "rail_code": rail,
        "asset_code": coded(rows.asset, ASSETS),
        "amount": decimals(rows.units),
    }
    chain = coded(rows.chain, CHAINS)
    reference = texts(table.bank_reference[part.row])
    tail = {"status_code": coded(part.status, STATUSES), "event_at": times(rows.event)}
    who = {"ip_address": texts(ip[part.row]), "device_id": texts(device[part.row])}
    if outward:
        fee = np.where(rows.crypto, np.maximum(rows.units // 1_000 // 100 * 100, 100), 90 * UNIT // 100)
        return pa.table(
            {"withdrawal_id": texts(part.ids)}
            | columns
            | {
                "fee_amount": decimals(fee),
                "chain_code": chain,
                "to_address": external,
                "tx_hash": texts(tx_hash),
                "beneficiary_account": texts(rows.bank_account),
                "bank_reference": reference,
            }
            | tail
            | who
        )
    own = np.full(len(rows), None, dtype=object)
    own[rows.crypto] = parties.deposit[rows.chain[rows.crypto], rows.account[rows.crypto]]
    return pa.table(
        {"deposit_id": texts(part.ids)}
        | columns
        | {
            "chain_code": chain,
            "from_address": external,
            "to_address": texts(own),
            "tx_hash": texts(tx_hash),
            "bank_reference": reference,
        }
        | tail
        | who
    )


def _internal(part: _Part, people: People) -> pa.Table:
    rows = part.rows
    return pa.table(
        {
            "internal_transfer_id": texts(part.ids),
            "from_account_id": texts(people.account_id[rows.account]),
            "to_account_id": texts(people.account_id[rows.to_account]),
            "asset_code": coded(rows.asset, ASSETS),
            "amount": plain(rows.units),
            "status_code": coded(part.status, STATUSES),
            "event_at": times(rows.event),
        }
    )


def _trades(part: _Part, people: People) -> pa.Table:
    rows = part.rows
    price = np.rint(rows.quote_units.astype(float) / rows.units * UNIT).astype(np.int64)
    fee = rows.quote_units // 500 // 1_000_000 * 1_000_000
    return pa.table(
        {
            "trade_id": texts(part.ids),
            "account_id": texts(people.account_id[rows.account]),
            "side_code": coded(np.where(rows.buy, 0, 1), ("buy", "sell")),
            "base_asset_code": coded(rows.asset, ASSETS),
            "quote_asset_code": coded(rows.quote, ASSETS),
            "base_amount": decimals(rows.units),
            "quote_amount": decimals(rows.quote_units),
            "price": decimals(price),
            "fee_amount": decimals(fee),
            "event_at": times(rows.event),
        }
    )


def _addresses(people: People, parties: Counterparties, calendar: Calendar) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """The address book with the delivery day of each address (-1 = opening delivery), in delivery order."""
    book: list[tuple] = []
    opening = calendar.start_us - 3_000 * DAY
    known = np.where(people.opened < calendar.start_us, -1, calendar.index(people.opened))
    for chain, code in enumerate(CHAINS):
        book += [(a, code, "hot_wallet", None, opening, -1) for a in parties.hot[chain]]
        book.append((parties.cold[chain], code, "cold_wallet", None, opening, -1))
        book += [
            (parties.deposit[chain, i], code, "deposit", people.account_id[i], int(people.opened[i]), int(known[i]))
            for i in range(people.accounts)
        ]
    book.sort(key=lambda row: row[5])
    columns = list(zip(*book, strict=True))
    data = pa.table(
        {
            "address": texts(list(columns[0])),
            "chain_code": texts(list(columns[1])),
            "role_code": texts(list(columns[2])),
            "account_id": texts(list(columns[3])),
            "assigned_at": times(np.array(columns[4], dtype=np.int64)),
        }
    )
    return data, np.array(columns[5]), np.array(columns[0], dtype=object)


def write_exchange(
    root: Path,
    ledger: Ledger,
    people: People,
    parties: Counterparties,
    calendar: Calendar,
    streams: Streams,
    faults: Faults,
) -> dict[str, int]:
    """One delivery a day, and the opening delivery of the address book. Returns rows delivered by table."""
    parts = {
        "deposits": _Part(ledger.deposits, calendar),
        "withdrawals": _Part(ledger.withdrawals, calendar),
        "internal_transfers": _Part(ledger.internal, calendar),
        "trades": _Part(ledger.trades, calendar),
    }
    data = {
        "deposits": _transfers(parts["deposits"], False, people, parties, streams("device", "deposits")),
        "withdrawals": _transfers(parts["withdrawals"], True, people, parties, streams("device", "withdrawals")),
        "internal_transfers": _internal(parts["internal_transfers"], people),
        "trades": _trades(parts["trades"], people),
    }
    book, book_day, keys = _addresses(people, parties, calendar)
    book_totals = Totals(None, None, None, record_hashes(keys, None), (), len(keys))
    book_cuts = cuts(book_day, range(-1, calendar.days))
    counts = {name: len(part.row) for name, part in parts.items()} | {"addresses": len(keys)}
    for day in range(-1, calendar.days):
        business = calendar.day(day)
        delivered = calendar.start_us + day * DAY + DELIVERY_DELAY
        delivery = Delivery(root / f"delivery={business}", f"exchange-{business}", business, delivered)
        for name, part in parts.items() if day >= 0 else ():
            low, high = part.cuts[day]
            piece, totals = data[name].slice(low, high - low), part.totals.rows(low, high)
            if name == "internal_transfers":
                odd = faults.of(name, day)
                delivery.csv(name, name, piece, totals, odd)
                counts[name] += len(odd)
            else:
                delivery.parquet(name, name, piece, totals)
                manual = faults.of(name, day)
                if manual:
                    delivery.csv(f"{name}-manual", name, faults.empty(data[name]), [], manual)
                    counts[name] += len(manual)
        low, high = book_cuts[day]
        delivery.parquet("addresses", "addresses", book.slice(low, high - low), book_totals.rows(low, high))
        delivery.close()
    return counts
