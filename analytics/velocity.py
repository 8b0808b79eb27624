"""The velocity features of legs: what feat_transfer__velocity.sql says, by the kernels.

Belongs here: columns of legs in, columns of features out, as Arrow. Not here: where legs come from and features go
(windows.py); loops (kernels.py).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analytics import kernels
from analytics.feature_tables import DoesNotFitError

HOUR = 3_600_000_000
WINDOWS = {"1h": HOUR, "24h": 24 * HOUR, "7d": 168 * HOUR, "30d": 720 * HOUR, "90d": 2160 * HOUR}
DISTINCT = {"sender": ("in", {"24h": 24, "48h": 48, "30d": 720}), "receiver": ("out", {"8h": 8, "24h": 24, "30d": 720})}
LOOK_BACK = "90 days"
"""No window looks back further."""
KEPT = ("leg_id", "transfer_id", "party_id", "account_id", "direction_code", "event_at", "event_date")
INPUTS = (*KEPT, "amount_usd", "counterparty_id")
"""Columns of a leg that its features, and those of others, depend on."""
MOST_CENTS = 2**62 // kernels.MEAN_SCALE
"""Above this the mean of an amount, told in millionths, does not fit."""


def features(legs: pa.Table) -> pa.Table:
    """Features of every leg of the parties in `legs`, one row each and in its order.

    legs: INPUTS, sorted by party_id and event_at (microseconds, UTC), no party divided between two tables;
    direction_code is in or out, amount_usd decimal(18,2) or null. An account belongs to one party. Raises ValueError
    where legs are not sorted, and DoesNotFitError where an account has two parties, a time is missing, or an amount is
    negative or so large that a sum or mean could leave 63 bits."""
    size = legs.num_rows
    if legs.column("event_at").null_count or legs.column("account_id").null_count:
        raise DoesNotFitError("a leg has no time or no account")
    at = _column(legs, "event_at").cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    cents, is_valued = _cents(_column(legs, "amount_usd"))
    party, account = _codes(_column(legs, "party_id")), _codes(_column(legs, "account_id"))
    is_in = pc.equal(_column(legs, "direction_code"), "in").to_numpy(zero_copy_only=False)
    counterparty = _codes(_column(legs, "counterparty_id"))
    starts = _starts(party)
    if np.any((np.diff(at) < 0) & (np.diff(party) == 0)):
        raise ValueError("legs are not sorted by party and time")

    sides = {"in": is_in, "out": ~is_in}
    columns = {name: legs.column(name) for name in KEPT}
    for name, width in WINDOWS.items():
        for side, takes in sides.items():
            counts, totals = np.empty(size, np.int64), np.zeros((size, 2), np.int64)
            largest, means, has_values = (
                np.zeros((size, 2), np.int64),
                np.zeros((size, 2), np.int64),
                np.empty(size, bool),
            )
            kernels.rolling_totals(
                starts, at, takes, cents, is_valued, width, counts, totals, largest, means, has_values
            )
            columns[f"{side}_count_{name}"] = pa.array(counts)
            columns[f"{side}_amount_usd_{name}"] = _decimals(totals, 38, 2)
            columns[f"{side}_max_usd_{name}"] = _decimals(largest, 18, 2, has_values)
            columns[f"{side}_mean_usd_{name}"] = _decimals(means, 38, 6, has_values)
    counts = np.empty(size, np.int64)
    kernels.rolling_count(starts, at, ~is_valued, WINDOWS["30d"], counts)
    columns["unvalued_count_30d"] = pa.array(counts)

    order, starts = kernels.grouped(account, int(account.max(initial=-1)) + 1)
    same_account = account[order][1:] == account[order][:-1]
    if np.any(same_account & (party[order][1:] != party[order][:-1])):
        raise DoesNotFitError("an account belongs to two parties")
    seen = np.zeros(int(counterparty.max(initial=-1)) + 1, np.int32)
    for role, (side, hours) in DISTINCT.items():
        codes = np.where(sides[side], counterparty, -1)
        for name, length in hours.items():
            counts = np.empty(size, np.int64)
            kernels.rolling_distinct(starts, order, at, codes, seen, length * HOUR, counts)
            columns[f"{role}_count_{name}"] = pa.array(counts)
    return pa.table(columns)


def _column(legs: pa.Table, name: str) -> pa.Array:
    return legs.column(name).combine_chunks()


def _codes(texts: pa.Array) -> np.ndarray:
    """A number for each text, from 0 in the order of appearance; -1 for null."""
    return texts.dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64)


def _starts(codes: np.ndarray) -> np.ndarray:
    """Where each run of equal codes starts, and the end. Raises ValueError where a code comes again after its run."""
    changes = np.flatnonzero(np.diff(codes)) + 1
    if len(codes) and len(changes) != codes.max():
        raise ValueError("legs are not sorted by party and time")
    return np.concatenate(([0], changes, [len(codes)])) if len(codes) else np.zeros(1, np.int64)


def _cents(amounts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Cents (0 where there is no value) and whether there is one."""
    words = np.frombuffer(amounts.cast(pa.decimal128(18, 2)).buffers()[1], np.int64).reshape(-1, 2)
    is_valued = amounts.is_valid().to_numpy(zero_copy_only=False)
    cents = np.where(is_valued, words[amounts.offset : amounts.offset + len(amounts), 0], 0)
    if np.any(cents < 0) or np.any(cents > MOST_CENTS) or cents.astype(float).sum() > 2.0**62:
        raise DoesNotFitError("amounts are negative, or too large for sums of 63 bits")
    return cents, is_valued


def _decimals(words: np.ndarray, precision: int, scale: int, valid: np.ndarray | None = None) -> pa.Array:
    """Non-negative numbers in 128 bits (low word, high word 0) as decimals; null where not `valid`."""
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(words), [bitmap, pa.py_buffer(words)])
