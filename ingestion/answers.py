"""The body of a vendor's answer: how much of it is read, and how deep it may be nested.

Belongs here: what holds for the bytes of every answer, before anybody knows what they mean. Not here: requests
(`vendor`, `chainalysis.client`) and records (`<feed>/parse.py`).
"""

from collections.abc import Callable, Iterable
from typing import Any

LARGEST = 256 * 2**20
"""Bytes of one answer that are read at most, after decompression. The largest honest ones (pages of 500 analyses,
blocks with their receipts) have some megabytes."""
DEEPEST = 64
"""Levels of nesting that an answer may have. The deepest contract has nine, and Python's own reader and writer of JSON
give up at some hundreds, each at another depth."""
CHUNK = 1 << 16


class TooLarge(ValueError):
    """An answer has more than LARGEST bytes."""

    def __init__(self) -> None:
        super().__init__(f"an answer of more than {LARGEST:,} bytes")


class TooDeep(ValueError):
    """An answer is nested more than DEEPEST levels deep."""

    def __init__(self) -> None:
        super().__init__(f"an answer that is nested more than {DEEPEST} levels deep")


class Body:
    """Collects the parts of one answer. `add` raises TooLarge as soon as there is more than LARGEST bytes of it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > LARGEST:
            raise TooLarge
        self._parts.append(part)

    def whole(self) -> bytes:
        return b"".join(self._parts)


def decoded(decode: Callable[[Any], Any], body: str | bytes) -> Any:
    """What `decode` reads in the body. Raises TooDeep, and whatever `decode` raises."""
    try:
        value = decode(body)
    except RecursionError:
        raise TooDeep from None
    level = [one for one in (value,) if isinstance(one, dict | list)]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _members(one) if isinstance(inner, dict | list)]
        if not level:
            return value
    raise TooDeep


def _members(value: dict | list) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
