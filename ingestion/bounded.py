"""Files nobody vouches for, read within bounds: what is too large or nested too deeply is refused, and never fills the
memory or the stack first.

Belongs here: the bounds, and the ways of reading that keep them, for every feed. What a file says is its feed's
business.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ingestion.deliveries import Oversized, refuse_long_lines

LARGEST_DOCUMENT = 32 << 20
"""Bytes of a file that is one document (JSON, YAML): read, it takes many times its size."""
LARGEST_LINES = 256 << 20
"""Bytes of a file of lines that is held whole."""
DEEPEST = 100
"""Lists and objects within each other in a JSON document; no feed has a tenth of it, and the readers' own limit is not
the same on every stack."""
_TOO_DEEP = f"it is nested more than {DEEPEST} levels deep"


def document(path: Path) -> bytes:
    """A file that is one document, whole. Raises Oversized for one of more than LARGEST_DOCUMENT bytes."""
    return _whole(path, LARGEST_DOCUMENT)


def lines(path: Path) -> bytes:
    """A file of lines, whole. Raises Oversized for one of more than LARGEST_LINES bytes, or with a line of more than
    `deliveries.LONGEST_LINE`."""
    refuse_long_lines(path)
    return _whole(path, LARGEST_LINES)


def _whole(path: Path, largest: int) -> bytes:
    with path.open("rb") as stream:
        raw = stream.read(largest + 1)
    if len(raw) > largest:
        raise Oversized(path, f"has more than {largest >> 20} MB: deliver it in parts.")
    return raw


def json_of(text: str | bytes, **options: Any) -> Any:
    """`json.loads` (and its options) for text from outside, for which every refusal is a ValueError: also nesting of
    more than DEEPEST levels, and a constant that is no JSON (NaN, Infinity)."""
    try:
        value = json.loads(text, **{"parse_constant": _no_number, **options})
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    opened = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if opened > DEEPEST and _is_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def csv_rows(stream: Iterable[str]) -> Iterator[list[str]]:
    """The rows of CSV text whose size is bounded already. Raises csv.Error."""
    csv.field_size_limit(LARGEST_LINES)  # the module's own limit, 128 KB, would stop in the middle of a file
    return csv.reader(stream)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
