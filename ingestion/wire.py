"""What a source's own record says, read without any loader's mapping: the keys and amounts that control totals hash.

Belongs here: reading one member of an answer without ever failing. Which members a table's hash is over is each feed's
business (its `count` or `tally` module), and must agree with the var `record_keys` of the dbt project.
"""

import json
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any


def document(body: bytes | str) -> Any:
    """The JSON value of an answer with exact numbers; None for what is none."""
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def at(answer: Any, *path: str) -> Any:
    """The value at the end of a path of members; None where there is none."""
    for member in path:
        answer = answer.get(member) if isinstance(answer, dict) else None
    return answer


def said(answer: Any, *path: str) -> str | None:
    """The text, or the whole number as text, at the end of a path of members; None for anything else."""
    value = at(answer, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def exact(answer: Any, *path: str) -> Decimal | None:
    """The number at the end of a path of members, also where it is written as text; None for anything else."""
    value = at(answer, *path)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def amount(answer: Any, *path: str) -> Decimal | None:
    """The number at the end of a path of members where a raw amount holds it exactly (18 decimals); None for anything
    else, of which the loader makes a reject."""
    return fitting(exact(answer, *path))


def fitting(number: Decimal | None) -> Decimal | None:
    """The number where a raw amount holds it exactly, else None."""
    if number is None or abs(number) >= 10**20 or number != round(number, 18):
        return None
    return number


def cents(answer: Any, *path: str) -> Decimal | None:
    """The number at the end of a path of members as dollars to the cent, half up; None for anything else and for what
    no raw column of dollars holds."""
    number = exact(answer, *path)
    if number is None or abs(number) >= 10**16:
        return None
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


def listed(answer: Any, *path: str) -> list:
    """The list at the end of a path of members; what is no list is empty."""
    value = at(answer, *path)
    return value if isinstance(value, list) else []


def key(*parts: str | None) -> str:
    """The parts as one key of a record hash; an absent one is empty. Half a character stays an escape, as in raw."""
    return ":".join(part or "" for part in parts).encode(errors="backslashreplace").decode()
