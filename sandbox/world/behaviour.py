"""The behaviour feed: logins with the rhythm of the day, devices, places, changes of a profile, and takeovers planted
before withdrawals of planted cases.

What belongs here: what customers do at the exchange beside moving value. Its own random streams: other files stay as
they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sandbox.world.assemble import Ledger, device_and_ip
from sandbox.world.calendar import Calendar, to_datetime
from sandbox.world.definitions import DAY, DELIVERY_DELAY, US
from sandbox.world.landing import Delivery, Totals, coded, cuts, record_hashes, texts, times
from sandbox.world.people import COUNTRY_CODES, People
from sandbox.world.planted.planter import PLANTED, Case
from sandbox.world.streams import Streams, hex_strings

TYPES = (
    "login",
    "device_added",
    "password_changed",
    "two_factor_changed",
    "email_changed",
    "phone_changed",
    "address_changed",
    "bank_account_added",
    "withdrawal_address_added",
)
LOGIN, DEVICE_ADDED, PASSWORD, ADDRESS_ADDED = 0, 1, 2, 8
TYPE_SHARES = (0.35, 0.12, 0.1, 0.1, 0.1, 0.08, 0.1, 0.05)  # of the changes, in the order of TYPES[1:]
OUTCOMES = ("success", "failure", "challenged")
PAYLOADS = ('{"channel":"web"}', '{"channel":"ios","app":"8.2"}', '{"channel":"android","app":"8.2"}')
# What a takeover does, and how many minutes before the withdrawal
TAKEOVER = ((LOGIN, 190), (PASSWORD, 181), (DEVICE_ADDED, 172), (ADDRESS_ADDED, 95), (LOGIN, 12))
FOREIGN = "RO"
LOGINS_A_DAY, CHANGES_A_DAY = 0.17, 0.006


@dataclass
class Events:
    """Columns of equal length; `plant` is the number of the planted case, -1 for the background."""

    at: np.ndarray
    account: np.ndarray
    kind: np.ndarray
    outcome: np.ndarray
    country: np.ndarray
    device: np.ndarray
    ip: np.ndarray
    plant: np.ndarray

    def __len__(self) -> int:
        return len(self.at)

    def take(self, order: np.ndarray) -> Events:
        return Events(*(column[order] for column in vars(self).values()))


def _background(people: People, calendar: Calendar, streams: Streams) -> Events:
    rng = streams("behaviour", "background")
    open_days = (calendar.end_us - np.maximum(people.opened, calendar.start_us)) / DAY
    activity = (0.3 + np.sqrt(people.weight))[people.account_party]
    logins = rng.poisson(LOGINS_A_DAY * open_days * activity)
    changes = rng.poisson(CHANGES_A_DAY * open_days)
    account = np.repeat(np.arange(people.accounts), logins + changes)
    of_logins = np.repeat(np.arange(people.accounts), logins)
    count, login_count = len(account), len(of_logins)
    account = np.concatenate([of_logins, np.repeat(np.arange(people.accounts), changes)])
    kind = np.full(count, LOGIN, dtype=np.int8)
    kind[login_count:] = 1 + np.searchsorted(np.cumsum(TYPE_SHARES), rng.random(count - login_count)).clip(max=7)
    outcome = np.zeros(count, dtype=np.int8)
    outcome[:login_count] = np.searchsorted([0.955, 0.99], rng.random(login_count))
    device, ip = device_and_ip(people, account, rng)
    abroad = rng.random(count) < 0.02
    country = np.where(
        abroad, rng.integers(0, len(COUNTRY_CODES), count), people.country[people.account_party[account]]
    )
    at = calendar.times(rng, people.opened[account], fiat=False)
    codes = np.array(COUNTRY_CODES, dtype=object)[country]
    return Events(at, account, kind, outcome, codes, device, ip, np.full(count, -1))


def _takeovers(people: People, ledger: Ledger, cases: list[Case], calendar: Calendar, streams: Streams):
    """The events before the first withdrawal of every second planted case, and (case, account, withdrawal) of each."""
    rng = streams("behaviour", "takeovers")
    withdrawal_of = {int(plant): row for row, plant in enumerate(ledger.withdrawals.rows.plant.tolist()) if plant >= 0}
    chosen = []
    for case in (case for case in cases if case.kind == PLANTED):
        rows = [withdrawal_of[number] for _, number in case.rows if number in withdrawal_of]
        earliest = min((int(ledger.withdrawals.rows.event[row]), row) for row in rows) if rows else None
        if earliest and earliest[0] - TAKEOVER[0][1] * 60 * US >= calendar.start_us:
            chosen.append((case, earliest[1]))
    chosen = chosen[::2]
    count, steps = len(chosen), len(TAKEOVER)
    rows = np.array([row for _, row in chosen], dtype=np.int64)
    account = ledger.withdrawals.rows.account[rows].astype(np.int64)
    before = np.array([minutes for _, minutes in TAKEOVER], dtype=np.int64) * 60 * US
    places = rng.integers(1, 255, (count, 2))
    events = Events(
        at=(ledger.withdrawals.rows.event[rows][:, None] - before).ravel(),
        account=np.repeat(account, steps),
        kind=np.tile(np.array([kind for kind, _ in TAKEOVER], dtype=np.int8), count),
        outcome=np.zeros(count * steps, dtype=np.int8),
        country=np.full(count * steps, FOREIGN, dtype=object),
        device=np.repeat(hex_strings(rng, count, 6, "dev-"), steps),
        ip=np.repeat(np.array([f"198.19.{a}.{b}" for a, b in places.tolist()], dtype=object), steps),
        plant=np.repeat(np.array([case.number for case, _ in chosen], dtype=np.int64), steps),
    )
    ids = [(case.number, people.account_id[a], ledger.withdrawals.ids[row])
           for (case, row), a in zip(chosen, account.tolist(), strict=True)]  # fmt: skip
    return events, ids


def _table(events: Events, people: People, calendar: Calendar, streams: Streams) -> tuple[pa.Table, np.ndarray]:
    rng = streams("behaviour", "details")
    count = len(events)
    ids = np.array([f"E{i:010d}" for i in range(1, count + 1)], dtype=object)
    agents = hex_strings(rng, 64, 16)
    kinds = coded(events.kind, TYPES)
    if count > 2:  # one record in the middle of the world cannot be used: its type is written otherwise
        faulty = pa.array(np.arange(count) == count // 2)
        kinds = pc.if_else(faulty, pa.scalar("Login"), kinds)
    table = pa.table(
        {
            "event_id": texts(ids),
            "event_type_code": kinds,
            "outcome_code": coded(events.outcome, OUTCOMES),
            "account_id": texts(people.account_id[events.account]),
            "party_id": pa.nulls(count, pa.string()),
            "device_id": texts(events.device),
            "ip_address": texts(events.ip),
            "country_code": texts(events.country),
            "user_agent_hash": texts(agents[(events.account * 7) % len(agents)]),
            "event_at": times(events.at),
            "payload_json": coded(events.account % len(PAYLOADS), PAYLOADS),
        }
    )
    return table, ids


def write_behaviour(
    root: Path, truth: Path, people: People, ledger: Ledger, cases: list[Case], calendar: Calendar, streams: Streams
) -> int:
    """One delivery a day, and truth/behaviour.csv: the planted takeovers. Returns the number of events."""
    background = _background(people, calendar, streams)
    planted, takeovers = _takeovers(people, ledger, cases, calendar, streams)
    together = [np.concatenate(pair) for pair in zip(vars(background).values(), vars(planted).values(), strict=True)]
    events = Events(*together)
    events = events.take(np.argsort(events.at, kind="stable"))
    table, ids = _table(events, people, calendar, streams)
    day = calendar.index(events.at)
    totals = Totals(events.at // DAY, None, None, record_hashes(ids, None), (), len(events))
    ranges = cuts(day, range(calendar.days))
    for number in range(calendar.days):
        business = calendar.day(number)
        delivered = calendar.start_us + number * DAY + DELIVERY_DELAY
        delivery = Delivery(root / f"delivery={business}", f"behaviour-{business}", business, delivered)
        low, high = ranges[number]
        delivery.parquet("events", "events", table.slice(low, high - low), totals.rows(low, high))
        delivery.close()
    _write_truth(truth, events, ids, takeovers)
    return len(events)


def _write_truth(truth: Path, events: Events, ids: np.ndarray, takeovers: list[tuple]) -> None:
    rows = [
        (case, account, withdrawal, np.flatnonzero(events.plant == case)) for case, account, withdrawal in takeovers
    ]
    columns = {
        "case_no": pa.array([case for case, *_ in rows], pa.int64()),
        "account_id": texts([account for _, account, *_ in rows]),
        "withdrawal_id": texts([withdrawal for _, _, withdrawal, _ in rows]),
        "event_ids": texts([";".join(ids[found]) for *_, found in rows]),
        "first_at": texts([to_datetime(events.at[found[0]]).isoformat(sep=" ") for *_, found in rows]),
        "last_at": texts([to_datetime(events.at[found[-1]]).isoformat(sep=" ") for *_, found in rows]),
    }
    pacsv.write_csv(pa.table(columns), truth / "behaviour.csv")
