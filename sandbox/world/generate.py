"""Puts the world together: who there is, what they do, what is planted among it, and how the feeds deliver it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from sandbox.world import calm
from sandbox.world.assemble import Ledger, assemble
from sandbox.world.background import Background
from sandbox.world.bank import write_bank
from sandbox.world.behaviour import write_behaviour
from sandbox.world.calendar import Calendar
from sandbox.world.cases import write_cases
from sandbox.world.chain import Chain, make_chain
from sandbox.world.counterparties import Counterparties, make_counterparties
from sandbox.world.definitions import COMPLETED
from sandbox.world.exchange import write_exchange
from sandbox.world.faults import Faults, make_faults
from sandbox.world.kyc import make_changes, write_kyc
from sandbox.world.ledger import Movements, concat, from_rows
from sandbox.world.lists import write_ofac, write_prices, write_tagpacks
from sandbox.world.onchain import write_onchain
from sandbox.world.people import People, make_people
from sandbox.world.planted import Planter, plant_all
from sandbox.world.planted.planter import FAULT
from sandbox.world.prices import make_prices
from sandbox.world.sanctions import make_sanctions
from sandbox.world.screening import mark_unscreened, write_vendor
from sandbox.world.streams import Streams
from sandbox.world.travel_rule import write_travel_rule
from sandbox.world.truth import Label, labels_of, write_truth

LATE_SHARE = 0.0015


@dataclass
class WorldSummary:
    """What was written. `rows` counts delivered records by feed and table, `movements` the ledger's own rows."""

    directory: str
    customers: int
    days: int
    seed: int
    start: str
    movements: int = 0
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    unplanted: int = 0

    def as_json(self) -> dict:
        """Without the directory, so that the same world has the same bytes wherever it lies."""
        return {k: v for k, v in asdict(self).items() if k != "directory"}


def _nothing(stage: str) -> None:
    return None


def generate(
    directory: Path,
    *,
    customers: int = 5_000,
    days: int = 90,
    seed: int = 7,
    start: date = date(2026, 1, 1),
    progress: Callable[[str], None] | None = None,
) -> WorldSummary:
    """Writes `directory`/landing, /truth and /vendor. The same arguments give the same bytes in every file.

    customers: parties (at least 1); days: length of the ledger from `start` on, in UTC days (at least 1).
    progress: called with the name of each stage. Existing landing, truth and vendor folders there are replaced.
    Raises ValueError for sizes below 1.
    """
    if customers < 1 or days < 1:
        raise ValueError(f"a world needs at least one customer and one day, got customers={customers}, days={days}")
    tell = progress or _nothing
    directory = Path(directory)
    for name in ("landing", "truth", "vendor"):
        shutil.rmtree(directory / name, ignore_errors=True)
    calendar, streams = Calendar(start, days), Streams(seed)

    tell("customers and counterparties")
    people = make_people(customers, calendar, streams)
    prices = make_prices(calendar, streams)
    parties = make_counterparties(people, streams)
    sanctions = make_sanctions(calendar, streams)

    tell("planted cases")
    planter = Planter(people, calendar, prices, parties, streams)
    plant_all(planter, sanctions)

    tell("ordinary activity")
    transfers, internal, trades = _activity(people, calendar, prices, parties, streams, planter)
    faults = make_faults(people, calendar, streams, planter.dedicated)
    ledger = assemble(transfers, internal, trades, calendar, streams)
    unscreened = mark_unscreened(ledger)
    changes = make_changes(people, calendar, streams, planter.dedicated)

    landing = directory / "landing"
    summary = WorldSummary(str(directory), customers, days, seed, start.isoformat())
    summary.movements = len(transfers) + len(internal) + len(trades)
    tell("exchange files")
    summary.rows["exchange"] = write_exchange(landing / "exchange", ledger, people, parties, calendar, streams, faults)
    tell("KYC files")
    summary.rows["kyc"] = write_kyc(landing / "kyc", people, changes, calendar)
    tell("bank statements")
    summary.rows["bank"] = write_bank(landing / "bank", ledger, people, calendar, streams)
    tell("chain files")
    chain = make_chain(ledger, people, parties, calendar, streams, planter.dedicated)
    summary.rows["onchain"] = write_onchain(landing / "onchain", chain, calendar, streams)
    tell("lists, rates and cases")
    summary.rows["ofac"] = {"publications": write_ofac(landing / "ofac", sanctions)}
    summary.rows["tagpacks"] = {"tags": write_tagpacks(landing / "tagpacks", parties, calendar, streams)}
    summary.rows["prices"] = {"rates": write_prices(landing / "prices", prices, calendar)}
    summary.rows["cases"] = {"outcomes": write_cases(landing / "cases", planter.cases, people, calendar, streams)}
    write_travel_rule(landing / "travel_rule", ledger, people, parties, prices, calendar, streams)
    tell("vendor answers")
    summary.rows["vendor"] = {
        "transfers": write_vendor(directory / "vendor", ledger, chain, people, parties, prices, calendar, streams)
    }
    tell("truth")
    labels = labels_of(planter.cases, ledger.transfer_ids(), people)
    labels += _fault_labels(
        len(planter.cases), faults, chain, ledger, unscreened, changes.faulty, prices.broken, calendar, people
    )
    for label in labels:
        key = f"{label.scenario_id or label.typology} {label.kind} {label.expected}"
        summary.labels[key] = summary.labels.get(key, 0) + 1
    summary.unplanted = len({(u.typology, u.kind, u.parameter) for u in planter.unplanted})
    write_truth(directory / "truth", labels, planter.unplanted, summary.as_json())
    tell("behaviour events")
    summary.rows["behaviour"] = {
        "events": write_behaviour(
            landing / "behaviour", directory / "truth", people, ledger, planter.cases, calendar, streams
        )
    }
    return summary


def _activity(
    people: People, calendar: Calendar, prices, parties: Counterparties, streams: Streams, planter: Planter
) -> tuple[Movements, Movements, Movements]:
    """Fiat and crypto transfers, internal transfers and trades, background and planted, thinned to a sane alert
    rate."""
    background = Background(people, calendar, prices, parties, streams)
    fiat, crypto = background.fiat(), background.crypto()
    internal, trades = background.internal(), background.trades()
    calm.first_deposits(fiat, people, streams("first"))
    cases = planter.cases
    ordinary = concat(fiat, crypto)
    ordinary = ordinary.take(calm.beside_cases(ordinary, cases, people, prices, calendar, trades=False))
    internal = internal.take(calm.beside_cases(internal, cases, people, prices, calendar, trades=False))
    trades = trades.take(calm.beside_cases(trades, cases, people, prices, calendar, trades=True))
    keep, keep_internal = calm.newcomers(ordinary, internal, people)
    ordinary, internal = ordinary.take(keep), internal.take(keep_internal)
    calm.bound_newcomers(ordinary, people, prices, calendar)
    transfers = concat(ordinary, from_rows(planter.rows["transfers"]))
    internal = concat(internal, from_rows(planter.rows["internal"]))
    trades = concat(trades, from_rows(planter.rows["trades"]))
    rng = streams("calm")
    transfers = transfers.take(calm.structuring(transfers, people, rng))
    keep, keep_internal = calm.pass_through(transfers, internal, prices, calendar, people, rng)
    transfers, internal = transfers.take(keep), internal.take(keep_internal)
    for name, table in (("transfers", transfers), ("internal", internal), ("trades", trades)):
        _delay(table, calendar, streams("late", name))
    calm.sleepers(transfers, internal, trades, people, calendar, planter.dedicated, streams("sleepers"))
    return transfers, internal, trades


def _delay(table: Movements, calendar: Calendar, rng: np.random.Generator) -> None:
    """A few ordinary rows reach the ledger's files 3 to 10 days late, where the world is long enough (in place)."""
    room = calendar.days - 1 - calendar.index(table.event)
    late = (
        (rng.random(len(table)) < LATE_SHARE)
        & (room >= 3)
        & (table.plant < 0)
        & (table.status == COMPLETED)
        & ~table.first_pending
    )
    days = rng.integers(3, 11, len(table))
    table.columns["delay"][late] = np.minimum(days, room)[late]


def _fault_labels(
    first: int,
    faults: Faults,
    chain: Chain,
    ledger: Ledger,
    unscreened: list[str],
    bad_party: int,
    broken: list[tuple[int, int]],
    calendar: Calendar,
    people: People,
) -> list[Label]:
    """Labels of what is wrong with the data itself: rejects, second versions, late rows, chain deposits nobody
    credited."""
    made: list[Label] = []

    def label(
        typology: str, expected: str, ids: str, note: str, account: int | None = None, scenario: str | None = None
    ) -> None:
        party = None if account is None else people.party_id[people.account_party[account]]
        who = None if account is None else people.account_id[account]
        made.append(
            Label(first + len(made) + 1, FAULT, typology, scenario, expected, "", party, who, ids, None, None, note)
        )

    kinds = {"deposits": "deposit", "withdrawals": "withdrawal", "internal_transfers": "internal_transfer"}
    for fault in faults.labels:
        note = (
            f"{fault.what} in {fault.table} of {calendar.day(fault.day)}"
            if fault.rejected
            else f"good record beside faulted ones in {fault.table}"
        )
        label(
            "bad_record",
            "reject" if fault.rejected else "monitored",
            f"exchange:{kinds[fault.table]}:{fault.record_id}",
            note,
            fault.account,
        )
    if bad_party >= 0:
        label(
            "bad_record",
            "reject",
            "",
            f"version of party {people.party_id[bad_party]} with an impossible valid_from_at",
            bad_party,
        )
    for day, _ in broken:
        label(
            "bad_record",
            "reject",
            "",
            f"GBP rate of {calendar.day(day)} is n/a: that day's GBP transfers cannot be valued",
        )
    for name, tx_hash, account in chain.uncredited:
        label(
            "uncredited_deposit",
            "monitored",
            f"{name}:{tx_hash}",
            "on chain to a customer's deposit address, not in the ledger",
            account,
        )
    for transfer in unscreened:
        label(
            "still_processing",
            "monitored",
            transfer,
            "the vendor is still processing it at the end of the world",
            scenario="TM28",
        )
    for kind, table in (
        ("deposit", ledger.deposits),
        ("withdrawal", ledger.withdrawals),
        ("internal_transfer", ledger.internal),
    ):
        for i in np.flatnonzero((table.rows.delay > 0) & (table.rows.plant < 0))[:10].tolist():
            label(
                "late_transfer",
                "monitored",
                f"exchange:{kind}:{table.ids[i]}",
                f"delivered {table.rows.delay[i]} days late",
                int(table.rows.account[i]),
            )
    table = ledger.withdrawals
    for i in np.flatnonzero(table.rows.first_pending)[:10].tolist():
        label(
            "status_change",
            "monitored",
            f"exchange:withdrawal:{table.ids[i]}",
            "pending first, its final status a day later",
            int(table.rows.account[i]),
        )
    for party in np.flatnonzero(people.kyc_delay[: people.parties] > 0)[:10].tolist():
        label(
            "late_kyc",
            "monitored",
            "",
            f"KYC and account rows delivered {people.kyc_delay[party]} days after opening",
            party,
        )
    return made
