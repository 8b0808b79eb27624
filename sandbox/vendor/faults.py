"""What goes wrong on demand, in front of every vendor of the sandbox.

Belongs here: faults that any vendor can have, and the switchboard for them. Not here: what a vendor answers.

Every decision is made from the seed, the request and how often that request came before, never from a clock or from
what else is going on: the same client meets the same faults, however its requests are interleaved. The same request is
disturbed at most `MOST_IN_A_ROW` times, so that a client which tries again gets through.
"""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from aiohttp import web

CONTROL_PATH = "/sandbox/faults"
FAULTS = {
    "limits": "a share of requests is answered with too many requests, in the style of the vendor",
    "errors": "a share of requests begins a burst of one to three answers 500, 502, 503 or 504",
    "cuts": "a share of answers ends early, with or without its full length announced",
    "blocks": "a share of requests gets 403 with the HTML page of a firewall in front of the vendor",
    "duplicates": "a share of lists has a row twice",
    "reorders": "a share of lists comes in another order",
    "inserts": "rows come into a list between its first page and the next",
    "drift": "every object has a member that is not in the contract",
    "drop": "members with these names are gone, wherever they are: drop=status+review",
    "retype": "the value of members with these names is a list, wherever they are: retype=status",
    "latency_ms": "answers take up to so many milliseconds",
    "skew_seconds": "the vendor's clock is ahead by so many seconds",
    "down": "paths that begin so answer 503, always: down=/api/kyt+/api/risk",
    "every": "STATUS:EVERY, every n-th request gets that status: 429:20; 403:50 is an edge's web page",
    "seed": "which requests are hit",
}
"""Every switch with what it does, in a line."""
MOST_IN_A_ROW = 3
ROWS = ("data", "alerts", "items", "results", "addressIdentifications", "exposures", "identifications")
ROWS += ("applicants", "workflow_runs", "cases", "sars", "result")
"""Members of an answer that hold rows; an answer that is an array is rows itself."""
INNER = ("data", "attributes", "review")
"""Members of a row in which a vendor keeps the row's own members (JSON:API, Sumsub)."""
ADDED = "addedByTheVendor"
"""The member that `drift` adds."""

Shown = Callable[[list, int, int], list]
"""The rows of a list that are there yet for a reader who has come to an offset; the first so many always are."""


def everything(rows: list, offset: int, first: int = 0) -> list:
    """A list into which nothing comes while it is read."""
    return rows


Limit = Callable[[float, datetime], web.Response]
"""A vendor's own way to say that there were too many requests: seconds to wait, the server's time -> answer."""


@dataclass(frozen=True)
class Switches:
    """What is on. Shares are of requests, from 0 to 1.

    `limits`: too many requests, in the vendor's own style. `errors`: bursts of HTTP 500, 502, 503, 504. `cuts`: bodies
    that end early, some with their full length announced. `blocks`: 403 with the HTML page of a firewall in front of
    the vendor. `duplicates`, `reorders`: rows of a list answered twice, or
    in another order. `inserts`: rows that come into a list between its first page and the next. `drift`: every JSON
    object has a member that is not in the contract. `drop`, `retype`: members, by name and wherever they are, that are
    gone, or whose value is a list of it. `latency_ms`: the longest delay. `skew_seconds`: how far the vendor's clock is
    ahead: what it dates by its clock, and what it says of a request's time. `down`: path prefixes that answer 503,
    always. `every`: status -> every n-th request gets it (403 as an edge's HTML page)."""

    seed: int = 1
    limits: float = 0
    errors: float = 0
    cuts: float = 0
    blocks: float = 0
    duplicates: float = 0
    reorders: float = 0
    inserts: bool = False
    drift: bool = False
    drop: tuple[str, ...] = ()
    retype: tuple[str, ...] = ()
    latency_ms: float = 0
    skew_seconds: float = 0
    down: tuple[str, ...] = ()
    every: tuple[tuple[int, int], ...] = ()


ALL = {"limits": 0.05, "errors": 0.05, "cuts": 0.05, "blocks": 0.02, "duplicates": 0.2, "reorders": 0.2}
ALL |= {"inserts": True, "latency_ms": 5}
"""What `all` switches on: everything that leaves the content of the answers as it is."""


def switches(asked: dict[str, Any]) -> Switches:
    """Switches from names and values (texts or numbers). Raises ValueError, saying what is possible."""
    kinds = {field.name: field.type for field in fields(Switches)}
    values: dict[str, Any] = {}
    for name, value in asked.items():
        if name not in kinds:
            raise ValueError(f"there is no fault {name}: choose from all, {', '.join(kinds)}")
        try:
            if name in ("down", "drop", "retype"):
                values[name] = tuple(value.split("+") if isinstance(value, str) else value)
            elif name == "every":
                values[name] = tuple((int(status), int(nth)) for status, nth in value)
            elif kinds[name] is bool:
                values[name] = value in (True, "", "1", "true")
            else:
                values[name] = kinds[name](value)
        except (TypeError, ValueError):
            raise ValueError(f"fault {name}: {value!r} cannot be read") from None
    shares = [values.get(name, 0) for name in ("limits", "errors", "cuts", "blocks", "duplicates", "reorders")]
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError("shares of requests lie between 0 and 1")
    return Switches(**values)


def retry_after(seconds: float, now: datetime) -> web.Response:
    """429 with Retry-After in seconds."""
    return _too_many({"Retry-After": f"{seconds:g}"})


def retry_after_date(seconds: float, now: datetime) -> web.Response:
    """429 with Retry-After as an HTTP date of the server's clock."""
    later = (now + timedelta(seconds=seconds)).replace(microsecond=0) + timedelta(seconds=1)
    return _too_many({"Retry-After": format_datetime(later, usegmt=True)})


def reset_at(seconds: float, now: datetime) -> web.Response:
    """429 with X-RateLimit-Reset, a moment in epoch seconds."""
    return _too_many({"X-RateLimit-Reset": f"{now.timestamp() + seconds:.0f}"})


def reset_in(seconds: float, now: datetime) -> web.Response:
    """429 with RateLimit-Reset, seconds from now."""
    return _too_many({"RateLimit-Limit": "1", "RateLimit-Remaining": "0", "RateLimit-Reset": f"{seconds:g}"})


def ok_but_limited(seconds: float, now: datetime) -> web.Response:
    """200 with a body that says otherwise, as block explorers do."""
    return web.json_response({"status": "0", "message": "NOTOK", "result": "Max rate limit reached"})


def _too_many(headers: dict[str, str]) -> web.Response:
    said = {"status": 429, "error": "Too Many Requests", "message": "too many requests"}
    return web.json_response(said, status=429, headers=headers)


class Faults:
    """The switchboard of one server."""

    def __init__(self, on: Switches | None = None) -> None:
        self.set(on or Switches())

    def set(self, on: Switches) -> None:
        """Switches as given, and forgets what came before."""
        self.on = on
        self.served: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()
        self._requests = 0

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Faults":
        """From texts as `--faults` takes them: `all`, `name`, `name=value` or `STATUS:EVERY`, separated by commas.
        Raises ValueError on anything else."""
        asked: dict[str, Any] = {}
        for text in (part.strip() for given in texts for part in given.split(",") if part.strip()):
            name, equals, value = text.partition("=")
            status, colon, nth = text.partition(":")
            if text == "all":
                asked |= ALL
            elif colon and status.isdecimal():
                asked["every"] = [*asked.get("every", ()), (status, nth)]
            else:
                asked[name] = value if equals else ALL.get(name, True)
        return cls(switches(asked))

    async def control(self, request: web.BaseRequest) -> web.Response:
        """`GET`: what is on and what was done; `PUT` with a JSON object: switch to exactly that."""
        if request.method == "PUT":
            try:
                asked = json.loads(await request.read() or b"{}")
                self.set(switches(ALL | asked if asked.pop("all", False) else asked))
            except (AttributeError, ValueError) as problem:
                return web.json_response({"message": str(problem)}, status=400)
        elif request.method != "GET":
            return web.json_response({"message": "GET or PUT"}, status=405)
        return web.json_response({"on": asdict(self.on), "done": dict(sorted(self.done.items()))})

    async def serve(
        self, request: web.BaseRequest, answer: Callable[[], Awaitable[web.StreamResponse]], limit: Limit = retry_after
    ) -> web.StreamResponse:
        """What `answer` gives, disturbed by whatever is on."""
        if self.on == Switches():
            return await answer()
        key = f"{request.method} {request.raw_path} {hashlib.sha256(await request.read()).hexdigest()[:16]}"
        self._tries[key] += 1
        self._requests += 1
        if self.on.latency_ms:
            await asyncio.sleep(self.on.latency_ms / 1000 * self._chance(f"latency {key} {self._tries[key]}"))
        now = datetime.fromtimestamp(self.clock(), UTC)
        response = self._instead(request, key, limit, now)
        if response is None:
            response = await answer()
            if isinstance(response, web.Response) and response.status < 300 and response.body:
                response = await self._spoilt(request, key, response)
        if self.on.skew_seconds and not response.prepared:
            said = response.headers.get("Date")  # a vendor that dates its answers by the world
            dated = parsedate_to_datetime(said) + timedelta(seconds=self.on.skew_seconds) if said else now
            response.headers["Date"] = format_datetime(dated.replace(microsecond=0), usegmt=True)
        return response

    def clock(self) -> float:
        """The vendors' time, in seconds since 1970."""
        return time.time() + self.on.skew_seconds

    def held_back(self, rows: list, offset: int, first: int = 0) -> list:
        """The rows of a list as a client sees them that reads it from `offset`: with `inserts` on, some of those behind
        the `first` come into it only after the first page was read."""
        if not self.on.inserts or offset:
            return rows
        later = rows[first:]
        shown = [row for row in later if self._chance(f"insert {row}") >= 0.1 or self.served[f"insert {row}"]]
        shown = rows[:first] + shown
        self.served.update(f"insert {row}" for row in later)
        self.done["inserts"] += len(rows) - len(shown)
        return shown

    def _instead(self, request: web.BaseRequest, key: str, limit: Limit, now: datetime) -> web.Response | None:
        """The answer that comes instead of the vendor's, if any."""
        if any(request.raw_path.startswith(prefix) for prefix in self.on.down):
            self.done["down"] += 1
            return _error(503)
        for status, nth in self.on.every:
            if self._requests % nth == 0:
                self.done[f"HTTP {status}"] += 1
                return limit(1, now) if status == 429 else _error(status)
        if self._strikes("errors", key):
            return _error((500, 502, 503, 504)[int(self._chance(f"status {key}") * 4)])
        if self._strikes("blocks", key):
            return _error(403)
        return limit(0.1, now) if self._strikes("limits", key) else None

    async def _spoilt(self, request: web.BaseRequest, key: str, response: web.Response) -> web.StreamResponse:
        if response.content_type == "application/json":
            # A list that is asked for with POST is read like any other.
            is_read = request.method == "GET" or request.path.endswith("/list")
            response = self._rearranged(key, response, is_read)
        if not self._strikes("cuts", key):
            return response
        short = response.body[: int(len(response.body) * self._chance(f"where {key}"))]
        if self._chance(f"announced {key}") < 0.5 or response.content_type != "application/json":
            cut = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
            cut.content_length = len(response.body)
            await cut.prepare(request)
            await cut.write(short)
            request.transport.close()
            return cut
        return web.Response(status=response.status, body=short, content_type=response.content_type)

    def _rearranged(self, key: str, response: web.Response, is_read: bool) -> web.Response:
        twice = is_read and self._strikes("duplicates", key, lasting=True)
        mixed = is_read and self._strikes("reorders", key, lasting=True)
        is_changed = bool(self.on.drift or self.on.drop or self.on.retype)
        if not (twice or mixed or is_changed):
            return response
        # Numbers stay as they were written.
        answer = json.loads(response.body, parse_float=_Number, parse_int=_Number)
        lists = [rows for rows in _lists(answer) if rows]
        if not (lists or is_changed):
            return response
        for rows in lists:
            if twice:
                rows.append(rows[int(self._chance(f"which {key}") * len(rows))])
            if mixed:
                rows.sort(key=lambda row: self._chance(f"order {key} {json.dumps(row, default=str)}"))
        if self.on.drift:
            for part in [answer, *(row for rows in lists for row in rows)]:
                _add_member(part)
            self.done["drift"] += 1
        if self.on.drop or self.on.retype:
            self._change(answer)
        response.body = _dumps(answer).encode()
        return response

    def _change(self, value: Any) -> None:
        """Drops and retypes members, at any depth."""
        for inner in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            self._change(inner)
        if isinstance(value, dict):
            for name in self.on.drop:
                self.done["drop"] += value.pop(name, value) is not value
            for name in self.on.retype:
                if name in value:
                    value[name] = [value[name]]
                    self.done["retype"] += 1

    def _strikes(self, kind: str, key: str, lasting: bool = False) -> bool:
        """Whether this fault hits this request: none, or its first one to `MOST_IN_A_ROW` tries; with `lasting` every
        one of its tries, since the client cannot tell that anything is wrong."""
        share = getattr(self.on, kind)
        if not share or self._chance(f"{kind} {key}") >= share:
            return False
        longest = 1 + int(self._chance(f"burst {kind} {key}") * MOST_IN_A_ROW)
        if not lasting and self._tries[key] > longest:
            return False
        self.done[kind] += 1
        return True

    def _chance(self, what: str) -> float:
        """A number from 0 up to 1 that depends on the seed and on `what` alone."""
        digest = hashlib.sha256(f"{self.on.seed} {what}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _dumps(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_dumps(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumps, value)) + "]"
    return json.dumps(value)


def _add_member(part: Any) -> None:
    """Adds the new member to an object and to those in it that hold what a vendor says of it."""
    if isinstance(part, dict):
        for name in INNER:
            _add_member(part.get(name))
        part[ADDED] = "new"


def _lists(answer: Any) -> list[list]:
    if isinstance(answer, list):
        return [answer]
    return [answer[name] for name in ROWS if isinstance(answer.get(name), list)] if isinstance(answer, dict) else []


def _error(status: int) -> web.Response:
    if status == 403:
        page = "<html><head><title>403 Forbidden</title></head><body>Access denied.</body></html>"
        return web.Response(status=403, text=page, content_type="text/html")
    return web.json_response({"status": status, "error": "Error", "message": "try again later"}, status=status)
