"""An invented sanctions list in OFAC's published CSV form, over several publications with additions, removals and
changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from sandbox.world import addresses
from sandbox.world.calendar import Calendar
from sandbox.world.definitions import BITCOIN, ETHEREUM, TRON
from sandbox.world.streams import Streams

_NULL = "-0- "
_HEADS = [
    "ARKAN",
    "BOREL",
    "CALDAR",
    "DOVRIN",
    "ESKAR",
    "FENDREL",
    "GOROV",
    "HALVAR",
    "ISTREN",
    "JORVIK",
    "KOSTAR",
    "LUMEK",
    "MIRZAN",
    "NOVREK",
    "ORSAL",
    "PETRAV",
    "QADRIN",
    "RUSTEK",
    "SOLMAR",
    "TARVEN",
]
_TAILS = ["OV", "ENKO", "ADZE", "MANI", "STAN", "DIN", "BERG", "ULLAH", "ESCU", "AKIS"]
_GIVEN = [
    "Anton",
    "Boris",
    "Cyrus",
    "Dario",
    "Emil",
    "Farid",
    "Goran",
    "Hamid",
    "Igor",
    "Jamal",
    "Karim",
    "Leon",
    "Milan",
    "Nasir",
    "Oleg",
    "Pyotr",
    "Rafiq",
    "Said",
    "Tomas",
    "Viktor",
]
_TRADES = [
    "SHIPPING",
    "TRADING",
    "AVIATION",
    "PETROLEUM",
    "EXCHANGE",
    "TECHNOLOGIES",
    "GENERAL",
    "IMPORT",
    "HOLDING",
    "FOUNDATION",
    "LOGISTICS",
]
_PROGRAMS = ("CYBER2", "SDGT", "DPRK3", "RUSSIA-EO14024", "ILLICIT-DRUGS-EO14059", "IRAN-EO13902")
_CITIES = (("Norvik", "Valdoria"), ("Port Esker", "Valdoria"), ("Samarra Bay", "Kastoria"), ("Old Quay", "Tyrenia"))
_ASSET_CODES = {BITCOIN: "XBT", ETHEREUM: "ETH", TRON: "USDT"}
ALWAYS, ADDED_SECOND, ADDED_THIRD, REMOVED_SECOND = "always", "added_second", "added_third", "removed_second"


@dataclass
class Entry:
    """One designated person, entity or vessel. `addresses` are (OFAC asset code, chain, address)."""

    number: int
    name: str
    kind: str  # individual | entity | vessel
    program: str
    remarks: str
    lives: str = ALWAYS
    changed: bool = False
    aliases: list[str] = field(default_factory=list)
    places: list[tuple[str, str, str]] = field(default_factory=list)
    addresses: list[tuple[str, int, str]] = field(default_factory=list)

    def listed(self, publication: int) -> bool:
        return {
            ALWAYS: True,
            ADDED_SECOND: publication >= 1,
            ADDED_THIRD: publication >= 2,
            REMOVED_SECOND: publication < 1,
        }[self.lives]


@dataclass
class SanctionsList:
    """The invented watchlist: its entries and the dates on which it was published."""

    entries: list[Entry]
    publications: list[date]

    def take(self, lives: str, chain: int, used: set[str]) -> str | None:
        """An address of the wanted history on a chain, not used by an earlier case if one is left."""
        fitting = [a for e in self.entries if e.lives == lives for _, c, a in e.addresses if c == chain]
        unused = [a for a in fitting if a not in used]
        chosen = (unused or fitting or [None])[0]
        if chosen is not None:
            used.add(chosen)
        return chosen

    def files(self, publication: int) -> dict[str, tuple[str, int]]:
        """File name -> (content, rows) of one publication, in OFAC's column order, without header, null as '-0- '."""
        names = ("sdn.csv", "add.csv", "alt.csv", "sdn_comments.csv")
        lines: dict[str, list[str]] = {name: [] for name in names}
        for entry in (e for e in self.entries if e.listed(publication)):
            remarks = _remarks(entry, publication)
            head, overflow = remarks, ""
            if len(remarks) > 1_000:
                cut = remarks.rfind(";", 0, 1_000) + 1
                head, overflow = remarks[:cut], remarks[cut:]
            title = _NULL if entry.kind != "individual" else "Director" if entry.number % 3 == 0 else _NULL
            vessel = ["Crude Oil Tanker", "105,000", "61,000", "Kastoria"] if entry.kind == "vessel" else [_NULL] * 4
            kind = _NULL if entry.kind == "entity" else entry.kind
            call_sign = f"3E{entry.number % 1_000}" if entry.kind == "vessel" else _NULL
            lines["sdn.csv"].append(
                _line(
                    [
                        str(entry.number),
                        entry.name,
                        kind,
                        entry.program,
                        title,
                        call_sign,
                        *vessel,
                        _NULL,
                        head or _NULL,
                    ]
                )
            )
            if overflow:
                lines["sdn_comments.csv"].append(_line([str(entry.number), overflow.strip()]))
            for number, (street, city, country) in enumerate(entry.places):
                lines["add.csv"].append(
                    _line([str(entry.number), str(entry.number * 10 + number), street, city, country, _NULL])
                )
            for number, alias in enumerate(entry.aliases):
                lines["alt.csv"].append(
                    _line([str(entry.number), str(entry.number * 10 + number), "aka", alias, _NULL])
                )
        return {name: ("".join(f"{line}\r\n" for line in lines[name]), len(lines[name])) for name in names}

    def mentions(self, publication: int) -> int:
        """Digital-currency addresses mentioned in a publication."""
        return sum(len(e.addresses) for e in self.entries if e.listed(publication))


def _line(fields: list[str]) -> str:
    """OFAC quotes text and leaves numbers and nulls bare."""
    return ",".join(
        f if f == _NULL or (f.isdigit() and i < 2) else '"' + f.replace('"', '""') + '"' for i, f in enumerate(fields)
    )


def _remarks(entry: Entry, publication: int) -> str:
    parts = [entry.remarks] if entry.remarks else []
    if entry.changed and publication >= 1:
        parts.append("Secondary sanctions risk: see section 11")
    for number, (code, _, address) in enumerate(entry.addresses):
        parts.append(f"{'alt. ' if number else ''}Digital Currency Address - {code} {address}")
    return "; ".join(parts) + "." if parts else ""


def make_sanctions(calendar: Calendar, streams: Streams) -> SanctionsList:
    """About 160 entries, a third of them with addresses; every history is there on every chain."""
    rng = streams("sanctions")
    made: list[Entry] = []
    number = 20_000
    for i in range(160):
        number += int(rng.integers(1, 40))
        kind = (
            ("individual", "entity", "entity", "vessel")[int(rng.integers(0, 4))]
            if i >= 48
            else ("individual", "entity")[i % 2]
        )
        head, tail = _HEADS[int(rng.integers(0, 20))], _TAILS[int(rng.integers(0, 10))]
        if kind == "individual":
            name = f"{head}{tail}, {_GIVEN[int(rng.integers(0, 20))]}"
            born = f"DOB {int(rng.integers(1, 29)):02d} Mar {int(rng.integers(1950, 1999))}"
            remarks = f"{born}; POB {_CITIES[i % 4][0]}, {_CITIES[i % 4][1]}"
        else:
            name = f"{head}{tail} {_TRADES[int(rng.integers(0, 11))]}" + ("" if kind == "vessel" else " CO.")
            remarks = (
                f"Vessel Registration Identification IMO {9_000_000 + number}"
                if kind == "vessel"
                else f"Registration Number {number * 7}"
            )
        entry = Entry(
            number, name, kind, _PROGRAMS[int(rng.integers(0, 6))], remarks, changed=bool(rng.random() < 0.08)
        )
        if i >= 48:
            entry.lives = (ALWAYS, ADDED_SECOND, ADDED_THIRD, REMOVED_SECOND)[
                int(rng.choice(4, p=[0.82, 0.06, 0.06, 0.06]))
            ]
        entry.aliases = [f"{_HEADS[int(rng.integers(0, 20))]}{tail}" for _ in range(int(rng.integers(0, 3)))]
        entry.places = [
            (f"{int(rng.integers(1, 90))} Harbour Road", *_CITIES[int(rng.integers(0, 4))])
            for _ in range(int(rng.integers(0, 3)))
        ]
        made.append(entry)
    for chain in (BITCOIN, ETHEREUM, TRON):
        spare = addresses.make(chain, streams("sanctioned", str(chain)), 48 * 2 + 14).tolist()
        for i, entry in enumerate(made[:48]):
            entry.lives = (ALWAYS, ALWAYS, ADDED_SECOND, REMOVED_SECOND, ADDED_THIRD, ALWAYS)[i % 6]
            count = int(rng.integers(1, 3)) if chain != TRON else int(i % 3 == 0)
            entry.addresses += [(_ASSET_CODES[chain], chain, spare.pop()) for _ in range(count)]
        if chain != TRON:  # one entry whose remarks overflow into sdn_comments.csv
            made[0].addresses += [(_ASSET_CODES[chain], chain, spare.pop()) for _ in range(14)]
    return SanctionsList(made, calendar.publications)


def one_character_off(address: str, rng: np.random.Generator) -> str:
    """The same address with one character changed (to another of its alphabet)."""
    place = int(rng.integers(6, len(address) - 4))
    swap = {"q": "p", "p": "q", "a": "e", "e": "a", "3": "5", "5": "3"}
    return address[:place] + swap.get(address[place], "3" if address[place] != "3" else "5") + address[place + 1 :]
