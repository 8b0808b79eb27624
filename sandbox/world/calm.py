"""Keeps the ordinary population ordinary: no overdrawn newcomers, nothing beside a dedicated party's case, and few
accidental alerts.

A compliance officer expects some accidental alerts, not thousands: what would look like a planted typology is thinned,
not abolished.
"""

from __future__ import annotations

import numpy as np

from sandbox.world.calendar import Calendar
from sandbox.world.definitions import COMPLETED, DAY, DEFAULTS, FIAT, HOUR, UNIT, US
from sandbox.world.ledger import Movements
from sandbox.world.people import NONE, People
from sandbox.world.planted.planter import Case
from sandbox.world.prices import Prices

# Typologies that a trade would spoil.
UNTRADED = ("dormant_reactivation", "staggered_payments", "deposit_withdraw_no_trade")
KEPT = 0.02  # share of accidental pass-throughs that stays
_CENT = UNIT // 100


def first_deposits(fiat: Movements, people: People, rng: np.random.Generator) -> None:
    """More than half of the accounts opened in the world pay in on the day of opening (in place)."""
    inward = np.flatnonzero(~fiat.outward & (fiat.status == COMPLETED))
    order = inward[np.argsort(fiat.event[inward], kind="stable")]
    accounts, first = np.unique(fiat.account[order], return_index=True)
    fresh = people.last_activity[accounts] == NONE
    chosen = fresh & (rng.random(len(accounts)) < 0.6)
    rows, opened = order[first[chosen]], people.opened[accounts[chosen]]
    rest = np.maximum((opened // DAY + 1) * DAY - opened - US, US)
    fiat.columns["event"][rows] = (
        opened + (rng.random(len(rows)) * np.minimum(rest, 5 * HOUR)).astype(np.int64)
    ) // 1_000 * 1_000 + 1_000


def beside_cases(
    table: Movements, cases: list[Case], people: People, prices: Prices, calendar: Calendar, trades: bool
) -> np.ndarray:
    """Mask of background rows to keep: none within a dedicated party's quiet days, nor amounts near its bands."""
    quiet_from = np.full(people.parties, np.iinfo(np.int64).max)
    quiet_to = np.full(people.parties, np.iinfo(np.int64).min)
    dedicated = np.zeros(people.parties, dtype=bool)
    for case in cases:
        if case.dedicated and (not trades or case.typology in UNTRADED):
            for party in (case.party, *case.companions):
                dedicated[party] = True
                quiet_from[party], quiet_to[party] = case.quiet_from, case.quiet_to
    keep = np.ones(len(table), dtype=bool)
    for account in (table.account, table.to_account):
        party = people.account_party[account]
        touched = (account >= 0) & dedicated[party]
        keep &= ~(touched & (table.event >= quiet_from[party]) & (table.event <= quiet_to[party]))
        if not trades:
            cents = prices.cents(table.units, table.asset, calendar.index(table.event))
            keep &= ~(touched & (cents > 300_000))
    return keep


def newcomers(transfers: Movements, internal: Movements, people: People) -> tuple[np.ndarray, np.ndarray]:
    """Masks of background rows to keep: accounts opened in the world send nothing before money has come in."""
    first_in = np.full(people.accounts, np.iinfo(np.int64).max)
    good = ~transfers.outward & (transfers.status == COMPLETED)
    np.minimum.at(first_in, transfers.account[good], transfers.event[good])
    fresh = people.last_activity == NONE
    keep = ~(transfers.outward & fresh[transfers.account] & (transfers.event < first_in[transfers.account]))
    keep_internal = ~(fresh[internal.account] & (internal.event < first_in[internal.account]))
    return keep, keep_internal


def bound_newcomers(transfers: Movements, people: People, prices: Prices, calendar: Calendar) -> None:
    """What an account opened in the world sends is a part of what it received before (in place, background rows)."""
    fresh = people.last_activity[transfers.account] == NONE
    rows = np.flatnonzero(fresh & (transfers.status == COMPLETED) & (transfers.plant < 0))
    if not len(rows):
        return
    rows = rows[np.lexsort((transfers.event[rows], transfers.account[rows]))]
    account, outward = transfers.account[rows], transfers.outward[rows]
    day = calendar.index(transfers.event[rows])
    cents = prices.cents(transfers.units[rows], transfers.asset[rows], day)
    start = np.r_[True, account[1:] != account[:-1]]
    inward = np.cumsum(np.where(outward, 0, cents))
    base = np.maximum.accumulate(np.where(start, inward - np.where(outward, 0, cents), 0))
    number = np.cumsum(outward)
    number_base = np.maximum.accumulate(np.where(start, number - outward, 0))
    bound = ((inward - base) * 0.55 / (number - number_base + 1)).astype(np.int64)
    shrink = outward & (cents > bound)
    chosen = rows[shrink]
    transfers.columns["units"][chosen] = prices.units(
        np.maximum(bound[shrink], 500), transfers.asset[chosen], day[shrink]
    )


def structuring(transfers: Movements, people: People, rng: np.random.Generator) -> np.ndarray:
    """Mask of rows to keep: of background fiat amounts in the structuring band, nearly all leave the band's
    parties alone."""
    cents = transfers.units // _CENT  # the reporting level is set in the transfer's own currency
    band = np.isin(transfers.asset, FIAT) & ~transfers.crypto & (transfers.plant < 0)
    band &= (cents >= DEFAULTS.tm01_low_usd * 100 - 5_000) & (cents < DEFAULTS.tm01_high_usd * 100 + 5_000)
    rows = np.flatnonzero(band)
    rows = rows[np.lexsort((transfers.event[rows], people.account_party[transfers.account[rows]]))]
    party, event = people.account_party[transfers.account[rows]], transfers.event[rows]
    third = np.zeros(len(rows), dtype=bool)
    third[2:] = (party[2:] == party[:-2]) & (event[2:] - event[:-2] <= DEFAULTS.tm01_window + DAY)
    keep = np.ones(len(transfers), dtype=bool)
    keep[rows[third & (rng.random(len(rows)) > 0.25)]] = False
    return keep


def pass_through(
    transfers: Movements,
    internal: Movements,
    prices: Prices,
    calendar: Calendar,
    people: People,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Masks of rows to keep: background outflows that follow a large inflow within a day, whole, nearly all go."""
    keep, keep_internal = np.ones(len(transfers), dtype=bool), np.ones(len(internal), dtype=bool)
    # drawn once, so that what is spared in the first round is spared in the second
    spared, spared_internal = rng.random(len(transfers)) < KEPT, rng.random(len(internal)) < KEPT
    for _ in range(2):
        a, b = (
            np.flatnonzero(keep & (transfers.status == COMPLETED)),
            np.flatnonzero(keep_internal & (internal.status == COMPLETED)),
        )
        cents_a = prices.cents(transfers.units[a], transfers.asset[a], calendar.index(transfers.event[a]))
        cents_b = prices.cents(internal.units[b], internal.asset[b], calendar.index(internal.event[b]))
        account = np.concatenate([transfers.account[a], internal.account[b], internal.to_account[b]])
        event = np.concatenate([transfers.event[a], internal.event[b], internal.event[b]])
        cents = np.concatenate([cents_a, cents_b, cents_b])
        outward = np.concatenate([transfers.outward[a], np.ones(len(b), bool), np.zeros(len(b), bool)])
        ours = np.concatenate(
            [
                (transfers.plant[a] < 0) & ~spared[a],
                (internal.plant[b] < 0) & ~spared_internal[b],
                np.zeros(len(b), bool),
            ]
        )
        # one sorted key holds party and time, so that a look-back is one binary search
        key = people.account_party[account] * (4_000 * DAY) + (event - calendar.start_us)
        order = np.argsort(key, kind="stable")
        key, cents_o, outward_o = key[order], cents[order], outward[order]
        total_in = np.r_[0, np.cumsum(np.where(outward_o, 0, cents_o))]
        total_out = np.r_[0, np.cumsum(np.where(outward_o, cents_o, 0))]
        large = np.r_[0, np.cumsum(~outward_o & (cents_o >= 480_000))]
        left = np.searchsorted(key, key - DAY - HOUR, side="left")
        here = np.arange(len(key))
        inflow = total_in[here + 1] - total_in[left]
        outflow = total_out[here + 1] - total_out[left]
        has_large = (large[here + 1] - large[left]) > 0
        flagged = outward_o & (
            (inflow >= 480_000) & (outflow >= 0.87 * inflow) | has_large & (outflow >= 0.87 * 480_000)
        )
        drop = order[flagged]
        drop = drop[ours[drop]]
        from_a = drop[drop < len(a)]
        keep[a[from_a]] = False
        keep_internal[b[drop[drop >= len(a)] - len(a)]] = False
    return keep, keep_internal


def sleepers(
    transfers: Movements,
    internal: Movements,
    trades: Movements,
    people: People,
    calendar: Calendar,
    dedicated: set[int],
    rng: np.random.Generator,
) -> None:
    """Accounts that do nothing in the world and were not dedicated may have been silent for years (in place)."""
    active = np.zeros(people.accounts, dtype=bool)
    for table in (transfers, internal, trades):
        active[table.account] = True
        active[table.to_account[table.to_account >= 0]] = True
    idle = np.flatnonzero(~active & (people.opened < calendar.start_us - 200 * DAY))
    idle = idle[~np.isin(people.account_party[idle], list(dedicated))]
    idle = idle[rng.random(len(idle)) < 0.8]
    span = calendar.start_us - people.opened[idle]
    people.last_activity[idle] = (
        people.opened[idle] + (rng.random(len(idle)) ** 0.5 * (span - 40 * DAY)).astype(np.int64) // US * US
    )
    gone = idle[rng.random(len(idle)) < 0.15]
    people.closed[gone] = np.minimum(people.last_activity[gone] + 30 * DAY, calendar.start_us - DAY)
