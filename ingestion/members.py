"""A vendor's JSON object, read member by member: typed, exact, and with the members that nobody knows yet noted.

Belongs here: how a member becomes a value. Which members there are is each feed's business (`<feed>/parse.py`).
"""

import re
from collections.abc import Iterator, Set
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from ingestion.chainalysis import parse
from ingestion.chainalysis.parse import Unreadable, quantity, timestamp


def text(answer: Any) -> str:
    """A parsed answer as JSON text again, with its numbers as they were written. Half a character (a surrogate that
    JSON can escape and no file can hold) stays escaped."""
    return parse.text(answer).encode(errors="backslashreplace").decode()


_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class Members:
    """One JSON object of an answer. `name` is what a problem calls it; members that are not in `known` go into the set
    `added`, as `name.member`. Every reader gives None for a member that is absent or null and raises Unreadable for one
    of another type."""

    def __init__(self, value: Any, name: str, known: Set[str] = frozenset(), added: set[str] | None = None) -> None:
        self._name = name
        if not isinstance(value, dict):
            raise self._unreadable(f"the {name} is not a JSON object")
        self._value, self._added = value, added
        if added is not None and known:
            added |= {f"{name}.{member}" for member in value.keys() - known}

    def _unreadable(self, problem: str | Unreadable) -> Unreadable:
        found = problem if isinstance(problem, Unreadable) else Unreadable(problem)
        found.part = self._name
        return found

    def __getitem__(self, member: str) -> Any:
        return self._value.get(member)

    def needs(self, *members: str, lists: tuple[str, ...] = ()) -> Self:
        """This object, where it has all the members that its contract promises, null or not, and the `lists` are lists.

        What is asked of a vendor is whether there is a risk: a member that it dropped or renamed must not read as
        "none"."""
        for member in (*members, *lists):
            if member not in self._value:
                raise self._unreadable(f"{member} is missing from the {self._name}")
        for member in lists:
            if not isinstance(self._value[member], list):
                raise self._unreadable(f"{member} is not a list")
        return self

    def text(self, member: str) -> str | None:
        value = self._value.get(member)
        if value is not None and not isinstance(value, str):
            raise self._unreadable(f"{member} {value!r} is not text")
        if value is not None and _NO_TEXT.search(value):
            raise self._unreadable(f"{member} holds a NUL or half a character")
        return value

    def required(self, member: str) -> str:
        value = self.text(member)
        if not value:
            raise self._unreadable(f"{member} is missing")
        return value

    def code(self, member: str) -> str | None:
        """Text, or a whole number as text: some ids are either."""
        value = self._value.get(member)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self.text(member)

    def whole(self, member: str) -> int | None:
        """A whole number of 64 bits; a vendor's `"114"` counts as 114."""
        value = self._value.get(member)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
            value = int(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63):
            raise self._unreadable(f"{member} {value!r} is not a whole number")
        return value

    def amount(self, member: str) -> Decimal | None:
        """An exact decimal(38,18) of a JSON number, or of a decimal written as text. A 19th decimal is Unreadable."""
        value = self._value.get(member)
        if isinstance(value, str):
            try:
                value = Decimal(value)
            except InvalidOperation:
                raise self._unreadable(f"{member} {value!r} is not a number") from None
            if not value.is_finite():
                raise self._unreadable(f"{member} {value} is not a number")
        try:
            return quantity(value, member)
        except Unreadable as problem:
            raise self._unreadable(problem) from None

    def moment(self, member: str) -> datetime | None:
        """Naive UTC."""
        try:
            return timestamp(self._value.get(member), member)
        except Unreadable as problem:
            raise self._unreadable(problem) from None

    def flag(self, member: str) -> bool | None:
        value = self._value.get(member)
        if value is not None and not isinstance(value, bool):
            raise self._unreadable(f"{member} {value!r} is neither true nor false")
        return value

    def object(self, member: str, known: Set[str] = frozenset()) -> Self:
        """The member's object; one that is absent or null reads as an object without members."""
        value = self._value.get(member)
        return type(self)({} if value is None else value, member, known, self._added)

    def objects(self, member: str, known: Set[str] = frozenset(), needs: tuple[str, ...] = ()) -> Iterator[Self]:
        """The member's list of objects, each with the members it `needs`; one that is absent or null is empty."""
        value = self._value.get(member)
        if value is not None and not isinstance(value, list):
            raise self._unreadable(f"{member} is not a list")
        return (type(self)(item, member, known, self._added).needs(*needs) for item in value or ())
