"""What the public chains saw: the transactions behind the ledger's bitcoin and ethereum movements, sweeps into our hot
wallets, strangers' traffic, and a few deposits that the ledger never credited.

What belongs here: `ChainRow`s and when they were mined. How they are written is in `onchain`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sandbox.world import addresses
from sandbox.world.assemble import Ledger, Table
from sandbox.world.calendar import Calendar
from sandbox.world.counterparties import Counterparties
from sandbox.world.definitions import BITCOIN, COMPLETED, ETH, ETHEREUM, HOUR, UNIT, US, USDC, USDT
from sandbox.world.people import People
from sandbox.world.streams import Streams, hex_strings

INTERVAL = {BITCOIN: 600 * US, ETHEREUM: 12 * US}
FIRST_BLOCK = {BITCOIN: 930_000, ETHEREUM: 24_100_000}


@dataclass
class EthereumRows:
    """Transfers on ethereum as struct of lists: asset ETH, USDT, USDC or -1 (a stranger's token)."""

    time: list[np.ndarray] = field(default_factory=list)
    sender: list[np.ndarray] = field(default_factory=list)
    receiver: list[np.ndarray] = field(default_factory=list)
    asset: list[np.ndarray] = field(default_factory=list)
    units: list[np.ndarray] = field(default_factory=list)
    tx_hash: list[np.ndarray] = field(default_factory=list)

    def add(self, time, sender, receiver, asset, units, tx_hash) -> None:
        for column, values in zip(
            (self.time, self.sender, self.receiver, self.asset, self.units, self.tx_hash),
            (time, sender, receiver, asset, units, tx_hash),
            strict=True,
        ):
            column.append(np.asarray(values))


@dataclass
class BitcoinTx:
    """One transaction; inputs are (address, satoshi, spent hash, spent index), outputs (address, satoshi)."""

    time: int
    tx_hash: str
    inputs: list[tuple[str, int, str, int]]
    outputs: list[tuple[str, int]]


@dataclass
class Chain:
    """The transactions on chain behind the ledger, and some that the ledger never saw."""

    ethereum: EthereumRows
    bitcoin: list[BitcoinTx]
    deposit_index: np.ndarray  # output index of each ledger deposit (bitcoin), 0 elsewhere
    withdrawal_index: np.ndarray
    withdrawal_tx: np.ndarray
    uncredited: list[tuple[str, str, int]]  # (chain, tx hash, account)


def _clean(table: Table, parties: Counterparties, selection: np.ndarray) -> np.ndarray:
    """The external address the chain saw for each selected crypto row."""
    rows = table.rows
    out = parties.pool[rows.external[selection]].copy()
    clean = rows.clean[selection]
    has = np.array([c is not None for c in clean], dtype=bool)
    out[has] = clean[has]
    return out


def _settled(table: Table, chain: int) -> np.ndarray:
    return np.flatnonzero(table.rows.crypto & (table.rows.chain == chain) & (table.final_status == COMPLETED))


def make_chain(
    ledger: Ledger, people: People, parties: Counterparties, calendar: Calendar, streams: Streams, dedicated: set[int]
) -> Chain:
    """The chains' view of the whole world. `dedicated` parties get no uncredited deposit, to keep their case clean."""
    rng = streams("chain")
    chain = Chain(
        EthereumRows(),
        [],
        np.zeros(len(ledger.deposits), np.int64),
        np.zeros(len(ledger.withdrawals), np.int64),
        ledger.withdrawals.tx_hash,
        [],
    )
    _ethereum(chain, ledger, parties, rng)
    _bitcoin(chain, ledger, parties, calendar, rng)
    _uncredited(chain, people, parties, calendar, streams("uncredited"), dedicated)
    _noise(chain, ledger, calendar, streams("noise"))
    return chain


def _ethereum(chain: Chain, ledger: Ledger, parties: Counterparties, rng: np.random.Generator) -> None:
    hot = np.array(parties.hot[ETHEREUM], dtype=object)
    deposits, withdrawals = ledger.deposits, ledger.withdrawals
    d = _settled(deposits, ETHEREUM)
    rows = deposits.rows
    mined = (
        rows.event[d] - (rng.random(len(d)) * 9 * 60 * US).astype(np.int64) - 60 * US
    )  # credited after confirmations
    own = parties.deposit[ETHEREUM, rows.account[d]]
    asset, units = rows.asset[d].astype(np.int64), rows.units[d]
    chain.ethereum.add(mined, _clean(deposits, parties, d), own, asset, units, deposits.tx_hash[d])
    # sweeps: our own wallets on both sides; a token needs ether for its fee first
    swept = np.flatnonzero(rng.random(len(d)) < 0.6)
    later = rows.event[d[swept]] + HOUR + (rng.random(len(swept)) * 18 * HOUR).astype(np.int64)
    target = hot[rng.integers(0, len(hot), len(swept))]
    ether = asset[swept] == ETH
    amount = np.where(ether, np.maximum(units[swept] - 21_000, 1), units[swept])
    chain.ethereum.add(later, own[swept], target, asset[swept], amount, hex_strings(rng, len(swept), 32, "0x"))
    token = ~ether
    fuel = np.full(int(token.sum()), 150_000, np.int64)
    chain.ethereum.add(
        later[token] - 5 * 60 * US,
        target[token],
        own[swept][token],
        np.full(len(fuel), ETH),
        fuel,
        hex_strings(rng, len(fuel), 32, "0x"),
    )
    w = _settled(withdrawals, ETHEREUM)
    rows = withdrawals.rows
    mined = rows.event[w] + (rng.random(len(w)) * 12 * 60 * US).astype(np.int64) + 30 * US
    chain.ethereum.add(
        mined,
        hot[rng.integers(0, len(hot), len(w))],
        _clean(withdrawals, parties, w),
        rows.asset[w].astype(np.int64),
        rows.units[w],
        withdrawals.tx_hash[w],
    )


def _bitcoin(
    chain: Chain, ledger: Ledger, parties: Counterparties, calendar: Calendar, rng: np.random.Generator
) -> None:
    hot = parties.hot[BITCOIN]
    deposits, withdrawals = ledger.deposits, ledger.withdrawals
    d = _settled(deposits, BITCOIN)
    rows, sender = deposits.rows, _clean(deposits, parties, d)
    strangers = parties.pool[rows.external[d]]
    mined = (rows.event[d] - (rng.random(len(d)) * 40 * 60 * US).astype(np.int64) - 15 * 60 * US).tolist()
    change = addresses.bitcoin(rng, len(d))
    spent = hex_strings(rng, len(d), 32)
    place = (rng.random(len(d)) < 0.5).astype(np.int64)
    chain.deposit_index[d] = place
    rest = np.rint(np.exp(rng.normal(15, 2, len(d)))).astype(np.int64) + 1_000
    swept_by_day: dict[int, list[tuple[str, int, str, int]]] = {}
    swept = rng.random(len(d)) < 0.6
    for i, row in enumerate(d.tolist()):
        units, own = int(rows.units[row]), parties.deposit[BITCOIN, rows.account[row]]
        outputs = [(own, units), (change[i], int(rest[i]))]
        inputs = [(sender[i], units + int(rest[i]) + 2_500, spent[i], i % 3)]
        if sender[i] != strangers[i]:  # joined addresses: the transaction really had several inputs
            inputs.append((strangers[i], 700, spent[i][::-1], 0))
        chain.bitcoin.append(BitcoinTx(mined[i], deposits.tx_hash[row], inputs, outputs[::-1] if place[i] else outputs))
        if swept[i]:
            day = int(calendar.index(rows.event[row])) + 1
            swept_by_day.setdefault(day, []).append((own, units, deposits.tx_hash[row], int(place[i])))
    for day in sorted(swept_by_day):
        coins = swept_by_day[day]
        for start in range(0, len(coins), 25):
            group = coins[start : start + 25]
            at = calendar.start_us + day * 24 * HOUR + 3 * HOUR + start * 60 * US
            total = sum(c[1] for c in group)
            chain.bitcoin.append(
                BitcoinTx(at, hex_strings(rng, 1, 32)[0], group, [(hot[day % len(hot)], max(total - 4_000, 1))])
            )
    w = _settled(withdrawals, BITCOIN)
    rows, target = withdrawals.rows, _clean(withdrawals, parties, w)
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(w.tolist()):
        groups.setdefault(withdrawals.tx_hash[row], []).append(i)
    spent = hex_strings(rng, len(groups), 32)
    delay = (rng.random(len(groups)) * 20 * 60 * US).astype(np.int64) + 60 * US
    for number, (tx_hash, members) in enumerate(groups.items()):
        outputs = []
        for position, i in enumerate(members):
            chain.withdrawal_index[w[i]] = position
            outputs.append((target[i], int(rows.units[w[i]])))
        total, wallet = sum(o[1] for o in outputs), hot[number % len(hot)]
        inputs = [(wallet, total + 3_000_000, spent[number], 0)]
        outputs.append((wallet, 3_000_000 - 3_500))
        at = int(max(rows.event[w[i]] for i in members) + delay[number])
        chain.bitcoin.append(BitcoinTx(at, tx_hash, inputs, outputs))


def _uncredited(
    chain: Chain,
    people: People,
    parties: Counterparties,
    calendar: Calendar,
    rng: np.random.Generator,
    dedicated: set[int],
) -> None:
    """Deposits on our customers' addresses that the ledger does not know: small, so that they alert on nothing."""
    able = np.flatnonzero((people.opened < calendar.start_us) & ~np.isin(people.account_party, list(dedicated)))
    for number in range(max(3, min(40, people.parties * calendar.days // 45_000))):
        account = int(able[rng.integers(0, len(able))]) if len(able) else 0
        at = calendar.start_us + HOUR + int(rng.random() * (calendar.end_us - calendar.start_us - 3 * HOUR)) // US * US
        tx_hash = hex_strings(rng, 1, 32)[0]
        kind = number % 3
        if kind == 0:
            sender = str(parties.pool[parties.take_spare(BITCOIN)])
            units = int(rng.integers(20_000, 600_000))
            outputs = [(parties.deposit[BITCOIN, account], units), (sender, 40_000)]
            chain.bitcoin.append(BitcoinTx(at, tx_hash, [(sender, units + 42_000, tx_hash[::-1], 1)], outputs))
            chain.uncredited.append(("bitcoin", tx_hash, account))
        else:
            sender = parties.pool[parties.take_spare(ETHEREUM)]
            asset, units = (
                (ETH, int(rng.integers(UNIT // 100, UNIT // 6)))
                if kind == 1
                else (USDC, int(rng.integers(30, 500)) * UNIT)
            )
            chain.ethereum.add([at], [sender], [parties.deposit[ETHEREUM, account]], [asset], [units], ["0x" + tx_hash])
            chain.uncredited.append(("ethereum", "0x" + tx_hash, account))


def _noise(chain: Chain, ledger: Ledger, calendar: Calendar, rng: np.random.Generator) -> None:
    """Strangers paying strangers: a third of our own traffic, and a coinbase transaction a day."""
    count = max(10, (len(_settled(ledger.deposits, ETHEREUM)) + len(_settled(ledger.withdrawals, ETHEREUM))) // 3)
    at = calendar.start_us + (rng.random(count) * (calendar.end_us - calendar.start_us)).astype(np.int64)
    asset = np.array([ETH, USDT, USDC, -1])[rng.integers(0, 4, count)]
    units = np.rint(np.exp(rng.normal(19, 2, count))).astype(np.int64) // 100 * 100 + 100
    people = addresses.ethereum(rng, 2 * count)
    chain.ethereum.add(at, people[:count], people[count:], asset, units, hex_strings(rng, count, 32, "0x"))
    count = max(5, len(chain.bitcoin) // 3)
    at = (calendar.start_us + (rng.random(count) * (calendar.end_us - calendar.start_us)).astype(np.int64)).tolist()
    wallets, hashes = addresses.bitcoin(rng, 3 * count), hex_strings(rng, 2 * count, 32)
    units = np.rint(np.exp(rng.normal(15, 2, 2 * count))).astype(np.int64) + 600
    for i in range(count):
        pay, back = int(units[2 * i]), int(units[2 * i + 1])
        chain.bitcoin.append(
            BitcoinTx(
                at[i],
                hashes[i],
                [(wallets[3 * i], pay + back + 1_200, hashes[count + i], 0)],
                [(wallets[3 * i + 1], pay), (wallets[3 * i + 2], back)],
            )
        )
    miners = addresses.bitcoin(rng, calendar.days)
    hashes = hex_strings(rng, calendar.days, 32)
    for day in range(calendar.days):
        at_noon = calendar.start_us + day * 24 * HOUR + 12 * HOUR
        chain.bitcoin.append(BitcoinTx(at_noon, hashes[day], [], [(miners[day], 312_500_000 + day * 1_000)]))
