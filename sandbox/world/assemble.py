"""From movements to the final ledger: order, ids, transaction hashes, bank references, delivery days.

Everything downstream (exchange files, bank, chain, vendor, truth) reads these tables, so that they agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.world.calendar import Calendar
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import BITCOIN, COMPLETED, ETHEREUM, HOUR, PENDING
from sandbox.world.ledger import Movements, sort_by_event
from sandbox.world.people import People
from sandbox.world.streams import Streams, hex_strings


@dataclass
class Table:
    """Final rows of one ledger table in event order. `ids` are the source's ids; `first_day`/`final_day` delivery days.

    A row with `first_day < final_day` is delivered twice, as pending first; a `final_day` at or after the world's end
    is never delivered, so such a row stays pending (`final_status` says what the world's end knows).
    """

    rows: Movements
    ids: np.ndarray
    first_day: np.ndarray
    final_day: np.ndarray
    final_status: np.ndarray
    tx_hash: np.ndarray
    bank_reference: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


@dataclass
class Ledger:
    """The four tables of the exchange's ledger, one row a movement, in order of time."""

    deposits: Table
    withdrawals: Table
    internal: Table
    trades: Table

    def transfer_ids(self) -> dict[int, str]:
        """Plant number -> transfer id in the form 'exchange:<kind>:<id>'."""
        found = {}
        for kind, table in (
            ("deposit", self.deposits),
            ("withdrawal", self.withdrawals),
            ("internal_transfer", self.internal),
            ("trade", self.trades),
        ):
            for i in np.flatnonzero(table.rows.plant >= 0):
                found[int(table.rows.plant[i])] = f"exchange:{kind}:{table.ids[i]}"
        return found


def external_text(rows: Movements, parties: Counterparties) -> np.ndarray:
    """The external address of each crypto row as the source writes it, None on fiat rows."""
    out = np.full(len(rows), None, dtype=object)
    crypto = rows.crypto
    out[crypto] = parties.pool[rows.external[crypto]]
    written = np.array([text is not None for text in rows.external_text], dtype=bool) & crypto
    out[written] = rows.external_text[written]
    return out


def _table(rows: Movements, letter: str, calendar: Calendar, streams: Streams) -> Table:
    rows = sort_by_event(rows)
    count = len(rows)
    ids = np.array([f"{letter}{i:09d}" for i in range(1, count + 1)], dtype=object)
    first = np.minimum(calendar.index(rows.event) + rows.delay, calendar.days - 1)
    final = first + rows.first_pending
    status = np.where(final >= calendar.days, PENDING, rows.status).astype(np.int8)
    tx_hash = np.full(count, None, dtype=object)
    settled = rows.crypto & (status == COMPLETED)
    rng = streams("hash", letter)
    hashes = hex_strings(rng, int(settled.sum()), 32)
    prefix = np.where(rows.chain[settled] == ETHEREUM, "0x", "").astype(object)
    tx_hash[settled] = prefix + hashes
    fiat = ~rows.crypto & np.array([b is not None for b in rows.bank_account], dtype=bool)
    reference = np.full(count, None, dtype=object)
    numbers = rng.permutation(10**6)[: int(fiat.sum())] if fiat.sum() <= 10**6 else np.arange(int(fiat.sum()))
    reference[fiat] = [
        f"PLB{letter}{i:07d}{n % 97:02d}" for i, n in zip(np.flatnonzero(fiat).tolist(), numbers.tolist(), strict=True)
    ]
    return Table(rows, ids, first, final, status, tx_hash, reference)


def _batch(table: Table, rng: np.random.Generator) -> None:
    """A third of the bitcoin withdrawals of an hour leave in one transaction (never two of one account), in place."""
    rows = table.rows
    chosen = np.flatnonzero(
        rows.crypto & (rows.chain == BITCOIN) & (table.final_status == COMPLETED) & (rows.plant < 0)
    )
    chosen = chosen[rng.random(len(chosen)) < 0.34]
    hour = rows.event[chosen] // (6 * HOUR)
    _, single = np.unique(np.stack([hour, rows.account[chosen]]), axis=1, return_index=True)
    chosen, hour = chosen[np.sort(single)], hour[np.sort(single)]
    _, leader, member = np.unique(hour, return_index=True, return_inverse=True)
    table.tx_hash[chosen] = table.tx_hash[chosen[leader]][member]


def assemble(
    transfers: Movements, internal: Movements, trades: Movements, calendar: Calendar, streams: Streams
) -> Ledger:
    ledger = Ledger(
        _table(transfers.take(~transfers.outward), "D", calendar, streams),
        _table(transfers.take(transfers.outward), "W", calendar, streams),
        _table(internal, "I", calendar, streams),
        _table(trades, "T", calendar, streams),
    )
    _batch(ledger.withdrawals, streams("batch"))
    return ledger


def delivered_versions(table: Table, calendar: Calendar) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, delivery day, status) of every version the ledger delivers, by delivery day and then event."""
    twice = np.flatnonzero(table.final_day > table.first_day)
    seen = twice[table.final_day[twice] < calendar.days]
    row = np.concatenate([np.arange(len(table)), seen])
    day = np.concatenate([table.first_day, table.final_day[seen]])
    status = np.concatenate(
        [np.where(table.final_day > table.first_day, PENDING, table.rows.status), table.rows.status[seen]]
    )
    order = np.lexsort((row, day))
    return row[order], day[order], status[order].astype(np.int8)


def device_and_ip(people: People, account: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    device = people.devices[account, (rng.random(len(account)) < 0.15).astype(int)]
    ip = people.ips[account, np.searchsorted([0.7, 0.9], rng.random(len(account)))]
    return device, ip
