"""A vendor's JSON objects held against its contract before anything is read from them.

Belongs here: how an object is compared with what its contract says, and what is said where they differ. Not here: which
members there are (each feed's business), and records one by one (`members`).

A member that is gone or of another type stops the feed: read as "nothing", it would be lost silently. One that nobody
knows is noted, and the run warns about it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ingestion.vendor import VendorError


@dataclass(frozen=True)
class Kind:
    """A kind of value: what messages call it, and whether a value is one."""

    words: str
    holds: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_numeral(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 78


TEXT = Kind("text", lambda value: isinstance(value, str))
WHOLE = Kind("a whole number", _is_whole)
NUMBER = Kind("a number", lambda value: _is_whole(value) or isinstance(value, Decimal))
LIST = Kind("a list", lambda value: isinstance(value, list))
OBJECT = Kind("an object", lambda value: isinstance(value, dict))
OBJECT_OR_NULL = Kind("an object or null", lambda value: isinstance(value, dict | None))
NUMERAL = Kind("a whole number as text", _is_numeral)
HEX = Kind("a hex quantity", lambda value: isinstance(value, str) and bool(_HEX.fullmatch(value)))
_HEX = re.compile("0x[0-9a-fA-F]{1,64}")


@dataclass(frozen=True)
class Shape:
    """One kind of object of a vendor's answers. `name` is what messages call it; `needs` are the members that its
    contract promises, with their kind; `known` are the others it speaks of."""

    name: str
    needs: Mapping[str, Kind]
    known: Set[str] = frozenset()

    def of(self, value: Any, added: set[str]) -> dict:
        """The object, where it is as promised; members that nobody knows go into `added` as `name.member`. Raises
        VendorError naming the member that is missing or of another kind, without its value."""
        if not isinstance(value, dict):
            raise changed(f"{self.name} is no object")
        for member, kind in self.needs.items():
            if member not in value:
                raise changed(f"{self.name} has no {member}")
            if not kind.holds(value[member]):
                raise changed(f"{member} of {self.name} is not {kind.words}")
        if self.known:
            added |= {f"{self.name}.{member}" for member in value.keys() - self.needs.keys() - self.known}
        return value

    def each(self, values: Any, added: set[str]) -> list[dict]:
        """The objects of a list. Raises as `of`, and where it is no list."""
        if not isinstance(values, list):
            raise changed(f"the list of {self.name} is no list")
        return [self.of(value, added) for value in values]


def changed(why: str, vendor: str = "The vendor") -> VendorError:
    """The error that stops a feed whose vendor no longer answers as its contract says. `vendor`: who, and where it was
    asked, where that is known."""
    return VendorError(
        f"{vendor} no longer answers as its contract says: {why.removesuffix('.')}. Nothing of this load was kept. Ask "
        "the vendor what changed; this loader has to learn it first."
    )


MOST_UNUSABLE = 5
"""From so many unusable records on, more than usable ones are a change of the contract and not bad records."""


def hold_records(name: str, usable: int, unusable: Iterable[str]) -> None:
    """Raises VendorError where most of several records cannot be used: `unusable` holds the reason of each. A single
    bad record among good ones is a reject."""
    reasons = sorted(unusable)
    if len(reasons) >= max(MOST_UNUSABLE, usable + 1):
        most = max(reasons, key=reasons.count)
        raise changed(f"of {usable + len(reasons)} {name} {usable} can be used; {most}")
