"""The v1 list end-points' envelope, filters and paging."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl

from sandbox.vendor.answers import number
from sandbox.vendor.registry import Refused

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
EQUALS = {"asset", "level", "transferReference", "userId", "alertType"}
BOUNDS = {"createdAt_gte", "createdAt_lte", "alertStatusCreatedAt_gte", "alertStatusCreatedAt_lte"}
SORTS = {"createdAt", "-createdAt", "alertStatusCreatedAt", "-alertStatusCreatedAt"}


def page(rows: list[dict], query: str, shown: Callable[[list, int], list] = lambda rows, offset: rows) -> bytes:
    """One page of `rows` (oldest first) as `{"limit","offset","total","data"}` under the query string's filters;
    `shown(rows, offset)` says which of them are there yet for a reader who has come to `offset`.

    Raises Refused(400) on an unknown parameter or a value out of range."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    limit = _integer(asked.pop("limit", str(DEFAULT_LIMIT)), "limit", 1, MAX_LIMIT)
    offset = _integer(asked.pop("offset", "0"), "offset", 0, None)
    sort = asked.pop("sort", "createdAt")
    if sort not in SORTS:
        raise Refused(400, f"sort must be one of {', '.join(sorted(SORTS))}")
    for name, value in asked.items():
        if name in EQUALS:
            rows = [row for row in rows if row[name] == value]
        elif name in BOUNDS:
            column, _, bound = name.rpartition("_")
            limit_at = _moment(value, name)
            after = bound == "gte"
            rows = [row for row in rows if _within(_moment(row[column], column), limit_at, after)]
        else:
            raise Refused(400, f"unknown parameter {name}")
    if sort.lstrip("-") != "createdAt":
        rows = sorted(rows, key=lambda row: (row[sort.lstrip("-")], row["alertIdentifier"]))
    if sort.startswith("-"):
        rows = rows[::-1]
    rows = shown(rows, offset)
    data = ",".join(_json(row) for row in rows[offset : offset + limit])
    return f'{{"limit":{limit},"offset":{offset},"total":{len(rows)},"data":[{data}]}}'.encode()


def _within(moment: datetime, bound: datetime, after: bool) -> bool:
    return moment >= bound if after else moment <= bound


def _json(row: dict) -> str:
    members = (
        f"{json.dumps(name)}:{number(value) if isinstance(value, Decimal) else json.dumps(value)}"
        for name, value in row.items()
    )
    return "{" + ",".join(members) + "}"


def _integer(text: str, name: str, low: int, high: int | None) -> int:
    if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
        raise Refused(400, f"{name} must be a whole number from {low}" + (f" to {high}" if high else ""))
    return int(text)


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refused(400, f"{name} must be an ISO 8601 time") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
