"""TM45 address screening: a transfer with an address that is on the sanctions list on its day, however it is
written."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sandbox.world.definitions import BITCOIN, BTC, ETH, ETHEREUM, HOUR, TRON, US, USDT
from sandbox.world.ledger import NO_EXPOSURE
from sandbox.world.planted.planter import BENIGN, FAULT, FIRE, LATE, NEAR_MISS, NO_FIRE, PLANTED, Planter
from sandbox.world.sanctions import ADDED_SECOND, ALWAYS, REMOVED_SECOND, SanctionsList, one_character_off

TYPOLOGY = "address_screening"
_ASSET = {BITCOIN: BTC, ETHEREUM: ETH, TRON: USDT}
ZERO_WIDTH, NO_BREAK_SPACE = "\u200b", "\u00a0"


def _spellings(address: str, stranger: str, chain: int) -> list[tuple[str, str]]:
    """(name, text) of the ways in which a source may write an address; all mean the same address."""
    scheme = {BITCOIN: "bitcoin", ETHEREUM: "ethereum", TRON: "tron"}[chain]
    ways = [
        ("plain", address),
        ("surrounding_spaces", f"  {address} "),
        ("zero_width", f"{address[:9]}{ZERO_WIDTH}{address[9:]}{ZERO_WIDTH}"),
        ("uri_prefix", f"{scheme}:{address}"),
        ("joined_semicolon", f"{stranger};{address}"),
        ("joined_pipe", f"{address}|{stranger}"),
        ("joined_comma", f"{stranger}, {address}"),
        ("no_break_space", f"{address}{NO_BREAK_SPACE}"),
    ]
    if chain == ETHEREUM:
        ways += [("lower_case", address.lower()), ("upper_case", "0x" + address[2:].upper())]
    elif address.startswith("bc1"):
        ways += [("upper_case", address.upper())]  # BIP-173 allows all capitals, for QR codes
    return ways


class _Screening:
    def __init__(self, planter: Planter, sanctions: SanctionsList):
        self.planter, self.sanctions, self.used = planter, sanctions, set()

    def transfer(
        self,
        kind: str,
        expect: dict[str, str],
        parameter: str,
        note: str,
        chain: int,
        text: str,
        cents: int,
        outward: bool,
        clean: str | None = None,
        first: int | None = None,
        last: int | None = None,
        **more: object,
    ) -> None:
        planter = self.planter
        stranger = planter.parties.take_spare(chain)
        case = planter.case(TYPOLOGY, kind, expect, parameter, note, planter.host())
        case.listed = text
        at = planter.anchor(HOUR, first, last)
        planter.crypto(
            case,
            at,
            cents,
            outward,
            asset=_ASSET[chain],
            chain=chain,
            external=stranger,
            external_text=text,
            clean=clean,
            **({"category": NO_EXPOSURE} | more),
        )

    def stranger(self, chain: int) -> str:
        return str(self.planter.parties.pool[self.planter.parties.take_spare(chain)])


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * US


def plant(planter: Planter, sanctions: SanctionsList) -> None:
    """Plants transfers with sanctioned addresses in the spellings of the wild, and addresses that only look alike."""
    screening = _Screening(planter, sanctions)
    _positives(screening)
    _near_misses(screening)
    for number in range(planter.counts(4)):
        chain = (BITCOIN, ETHEREUM)[number % 2]
        address = sanctions.take(ALWAYS, chain, screening.used)
        screening.transfer(
            BENIGN,
            {"TM45": FIRE},
            "dust",
            "dust sent unasked from a listed address; closed as not attributable",
            chain,
            address,
            30,
            False,
            address,
        )
    _odd_but_clean(screening)


def _positives(screening: _Screening) -> None:
    planter, number = screening.planter, 0
    for chain, names in (
        (ETHEREUM, 10),
        (BITCOIN, 9),
        (TRON, 1),
    ):
        for spelling in range(names):
            for _ in range(max(1, planter.counts(8) // 8)):
                address = screening.sanctions.take(ALWAYS, chain, screening.used)
                ways = _spellings(address, screening.stranger(chain), chain)
                name, text = ways[spelling % len(ways)]
                identified = number % 2 == 1
                expect = {"TM45": FIRE, "TM28": FIRE} if identified else {"TM45": FIRE}
                vendor = "the vendor names it too" if identified else "the vendor does not know it"
                note = f"listed address written as {name}; {vendor}"
                screening.transfer(
                    PLANTED,
                    expect,
                    name,
                    note,
                    chain,
                    text,
                    planter.between(20_000, 180_000),
                    number % 3 == 1,
                    address,
                    category=3 if identified else NO_EXPOSURE,
                )
                number += 1
    publications = screening.sanctions.publications
    if len(publications) < 2:
        planter.skip(TYPOLOGY, PLANTED, "listed_inside", "the world is too short for a second publication")
        return
    second = _midnight(publications[1])
    for number in range(planter.counts(4)):
        chain = (BITCOIN, ETHEREUM)[number % 2]
        address = screening.sanctions.take(ADDED_SECOND, chain, screening.used)
        screening.transfer(
            PLANTED,
            {"TM45": FIRE},
            "listed_inside",
            "address listed during the world, transfer after that",
            chain,
            address,
            planter.between(20_000, 90_000),
            False,
            address,
            first=second + 9 * HOUR,
        )
        address = screening.sanctions.take(REMOVED_SECOND, chain, screening.used)
        screening.transfer(
            PLANTED,
            {"TM45": FIRE},
            "before_delisting",
            "address delisted during the world, transfer before that",
            chain,
            address,
            planter.between(20_000, 90_000),
            False,
            address,
            last=second - HOUR,
        )
    last = planter.calendar.end_us - 11 * 24 * HOUR
    if last < planter.calendar.start_us + 24 * HOUR:
        planter.skip(TYPOLOGY, LATE, "", "the world is too short for a delivery days later")
        return
    for _ in range(planter.counts(2)):
        address = screening.sanctions.take(ALWAYS, ETHEREUM, screening.used)
        screening.transfer(
            LATE,
            {"TM45": FIRE},
            "late",
            "transfer with a listed address, delivered 5 days late",
            ETHEREUM,
            address,
            planter.between(20_000, 90_000),
            True,
            address,
            last=last,
            delay=5,
        )


def _near_misses(screening: _Screening) -> None:
    planter = screening.planter
    for number in range(planter.counts(8)):
        chain = (BITCOIN, ETHEREUM)[number % 2]
        address = one_character_off(
            screening.sanctions.take(ALWAYS, chain, screening.used).lower()
            if chain == ETHEREUM
            else screening.sanctions.take(ALWAYS, chain, screening.used),
            planter.rng,
        )
        screening.transfer(
            NEAR_MISS,
            {"TM45": NO_FIRE},
            "address",
            "one character differs from a listed address",
            chain,
            address,
            planter.between(20_000, 90_000),
            number % 3 == 1,
        )
    publications = screening.sanctions.publications
    if len(publications) < 2:
        planter.skip(TYPOLOGY, NEAR_MISS, "delisted", "the world is too short for a second publication")
        planter.skip(TYPOLOGY, NEAR_MISS, "listed_later", "the world is too short for a second publication")
        return
    second = _midnight(publications[1])
    for number in range(planter.counts(8)):
        chain = (BITCOIN, ETHEREUM)[number % 2]
        address = screening.sanctions.take(REMOVED_SECOND, chain, screening.used)
        screening.transfer(
            NEAR_MISS,
            {"TM45": NO_FIRE},
            "delisted",
            "address delisted before the transfer",
            chain,
            address,
            planter.between(20_000, 90_000),
            False,
            address,
            first=second + (0 if number % 4 == 1 else 9 * HOUR),
        )
        address = screening.sanctions.take(ADDED_SECOND, chain, screening.used)
        screening.transfer(
            NEAR_MISS,
            {"TM45": NO_FIRE},
            "listed_later",
            "address listed only after the transfer",
            chain,
            address,
            planter.between(20_000, 90_000),
            number % 3 == 1,
            address,
            last=second,
        )


def _odd_but_clean(screening: _Screening) -> None:
    """Strangers' addresses in odd spellings: nothing may fire, and nothing may be lost."""
    planter = screening.planter
    for number in range(max(4, planter.counts(8))):
        chain = (ETHEREUM, BITCOIN)[number % 2]
        address = screening.stranger(chain)
        ways = _spellings(address, screening.stranger(chain), chain)
        name, text = ways[1 + number % (len(ways) - 1)]
        screening.transfer(
            FAULT,
            {"TM45": NO_FIRE},
            name,
            f"a harmless address written as {name} must be monitored all the same",
            chain,
            text,
            planter.between(5_000, 60_000),
            number % 4 < 2,
            address,
        )
