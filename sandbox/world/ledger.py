"""The exchange's own ledger as struct of arrays, before it is written: one `Movements` a table.

Amounts are int64 of 1e-8 of the asset, times int64 microseconds UTC, accounts positions in `People`, external
addresses positions in `Counterparties.pool`. `plant` is the number of a planted row, -1 for the background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.world.definitions import COMPLETED

NO_OVERRIDE = -2  # category column: take the category of the counterparty's service
NO_EXPOSURE = -1  # category column: the vendor finds nothing

# column -> (dtype, default of a planted or background row that does not set it)
COLUMNS: dict[str, tuple[object, object]] = {
    "account": (np.int64, -1),
    "to_account": (np.int64, -1),  # internal transfers
    "crypto": (bool, False),
    "outward": (bool, False),
    "asset": (np.int8, 0),
    "units": (np.int64, 0),
    "quote": (np.int8, 0),  # trades
    "quote_units": (np.int64, 0),
    "buy": (bool, False),
    "chain": (np.int8, -1),
    "external": (np.int64, -1),
    "external_text": (object, None),  # how the source wrote the external address, where not plainly
    "clean": (object, None),  # the address the chain really saw, where the text hides it
    "bank_account": (object, None),
    "event": (np.int64, 0),
    "delay": (np.int64, 0),  # days by which the ledger delivers the row late
    "status": (np.int8, COMPLETED),
    "first_pending": (bool, False),  # delivered as pending first, with its final status a day later
    "category": (np.int16, NO_OVERRIDE),
    "indirect": (np.int16, -1),  # category of an indirect exposure the vendor alerts on
    "vendor_cents": (np.int64, -1),
    "unscreened": (bool, False),  # the vendor never finishes
    "plant": (np.int64, -1),
}


@dataclass
class Movements:
    """Columns of equal length; see COLUMNS."""

    columns: dict[str, np.ndarray]

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            return self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __len__(self) -> int:
        return len(self.columns["event"])

    def take(self, selection: np.ndarray) -> Movements:
        return Movements({name: column[selection] for name, column in self.columns.items()})


def movements(count: int, **given: np.ndarray) -> Movements:
    """A table of `count` rows from the columns given, the others at their default."""
    columns = {}
    for name, (dtype, default) in COLUMNS.items():
        if name in given:
            columns[name] = np.asarray(given[name], dtype=dtype)
        else:
            columns[name] = np.full(count, default, dtype=dtype)
        if len(columns[name]) != count:
            raise ValueError(f"column {name} has {len(columns[name])} rows, expected {count}")
    return Movements(columns)


def from_rows(rows: list[dict]) -> Movements:
    """A table from a list of dicts (planted rows)."""
    columns = {}
    for name, (dtype, default) in COLUMNS.items():
        column = np.empty(len(rows), dtype=dtype)
        for i, row in enumerate(rows):
            column[i] = row.get(name, default)
        columns[name] = column
    return Movements(columns)


def concat(*tables: Movements) -> Movements:
    return Movements({name: np.concatenate([t.columns[name] for t in tables]) for name in COLUMNS})


def sort_by_event(table: Movements) -> Movements:
    """In event order; rows of one instant keep their order (background before planted)."""
    return table.take(np.argsort(table.event, kind="stable"))
