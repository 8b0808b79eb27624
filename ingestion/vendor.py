"""HTTP to a vendor: pacing, retries in each vendor's own limit style, and errors that say what to do.

Belongs here: how a request is made, repeated and given up, whoever the vendor is. Not here: what is asked and how an
answer is read (`ingestion/<feed>/`).
"""

import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests_ratelimiter import LimiterSession

from ingestion import answers

FIRST_DELAY, LONGEST_DELAY = 0.2, 8.0
"""Seconds before the second try, doubling up to the longest."""
LONGEST_WAIT = 300.0
"""Seconds that a vendor's own word about when to come back is followed at most."""
TIMEOUTS = (10.0, 60.0)
"""Seconds to connect, and between two bytes of an answer."""


class VendorError(RuntimeError):
    """The vendor cannot be used as things are; the message says what to do."""


class VendorUnavailable(VendorError):
    """The vendor does not serve now (down, unreachable, over its limits): the feed is stale, and everything else of
    the run goes on."""


class Refusal(Exception):
    """The vendor refused one request: a 4xx that concerns the request, not the caller. `body` is its parsed answer, or
    None; `headers` are the answer's."""

    def __init__(self, status: int, message: str, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.body, self.headers = status, message, body, headers or {}


@dataclass(frozen=True)
class Answer:
    """A 2xx answer. `body` is as received; `data` its JSON with every fraction a Decimal."""

    status: int
    body: bytes
    data: Any
    headers: Mapping[str, str]


class Vendor:
    """Requests against one base URL. `feed` names the settings in messages (SOURCES__<FEED>__...), `title` the vendor;
    `prefix` is what the names of its settings begin with, where a feed has several vendors.

    `per_second`, `per_minute`: the vendor's published limits, kept on this side. `throttled(answer)`: seconds to wait
    where a 2xx answer is a limit in disguise, else None. `auth` may sign the request: it sees it as it is sent. Use it
    as a context manager.
    """

    def __init__(
        self,
        feed: str,
        title: str,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        per_second: float = 0,
        per_minute: float = 0,
        attempts: int = 7,
        prefix: str = "",
        throttled: Callable[[Answer], float | None] = lambda answer: None,
    ) -> None:
        self.feed, self.title, self.base_url = feed, title, base_url.rstrip("/")
        self._prefix = prefix
        self._attempts, self._throttled = attempts, throttled
        local = is_loopback(urlsplit(self.base_url).hostname)
        if local or not (per_second or per_minute):  # a server on this machine has no account to protect
            self._session = requests.Session()
        else:
            self._session = LimiterSession(per_second=per_second, per_minute=per_minute, limit_statuses=())
        # A proxy of the environment is for the world outside, never for a server on this machine.
        self._session.trust_env = not local
        self._session.auth = auth
        self._session.headers.update({"Accept": "application/json", **(headers or {})})

    def __enter__(self) -> "Vendor":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        return self.request("GET", path, params=params)

    def post(
        self,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None = None,
        done: Callable[[], Answer | None] = lambda: None,
    ) -> Answer:
        """`body` is sent as JSON, without spaces; Decimals as numbers, exactly. `done`: see `request`."""
        return self.request("POST", path, body=body, params=params, done=done)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        done: Callable[[], Answer | None] = lambda: None,
    ) -> Answer:
        """The 2xx answer. Raises Refusal for a 4xx about this request, VendorError for a wrong key or address, and
        VendorUnavailable when every try failed.

        `done` is for a request that makes something new each time: it is called before each further try and gives the
        answer where an earlier one was heard after all, though its answer was lost on the way."""
        url = path if "://" in path else self.base_url + path
        sent = None if body is None else dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        delay, trouble = FIRST_DELAY, ""
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
                if (answer := done()) is not None:
                    return answer
            try:
                with self._session.request(
                    method, url, params=params, data=sent, headers=kind, timeout=TIMEOUTS, allow_redirects=False,
                    stream=True,
                ) as response:  # fmt: skip
                    content = self._content(method, path, response)
            except requests.RequestException as error:
                trouble = type(error).__name__
                continue
            if response.status_code == 429 or response.status_code >= 500:
                trouble = f"HTTP {response.status_code}"
                delay = wait_of(response.headers) or delay
                continue
            if response.status_code == 403 and is_web_page(response.headers):
                trouble = "HTTP 403 with a web page: something in front of the vendor blocks this machine"
                continue
            if not 200 <= response.status_code < 300:
                raise self._refused(method, path, response, content)
            if (read := self._read(method, path, response, content)) is None:
                trouble = "an answer that is cut off or no JSON"
                continue
            if (wait := self._throttled(read)) is None:
                return read
            trouble, delay = "its limit, said in an answer with status 200", max(wait, FIRST_DELAY)
        raise VendorUnavailable(
            f"{self.title} at {self.base_url} does not serve {method} {path} ({trouble}; {self._attempts} tries). See "
            f"whether the vendor is up and reachable from here and whether {self._setting('base_url or api_url')} is "
            "right. Nothing of this load was kept; the next run catches up."
        )

    def _content(self, method: str, path: str, response: requests.Response) -> bytes:
        body = answers.Body()
        try:
            for part in response.iter_content(answers.CHUNK):
                body.add(part)
        except answers.TooLarge as problem:
            raise self._unusable(method, path, problem) from None
        return body.whole()

    def _read(self, method: str, path: str, response: requests.Response, content: bytes) -> Answer | None:
        if not content:
            if method == "GET" and response.status_code != 204:
                return None
            return Answer(response.status_code, b"", None, response.headers)
        if is_web_page(response.headers):
            raise self._not_the_vendor(response)
        try:
            data = answers.decoded(_exact, content)
        except answers.TooDeep as problem:
            raise self._unusable(method, path, problem) from None
        except ValueError:
            return None
        return Answer(response.status_code, content, data, response.headers)

    def _refused(self, method: str, path: str, response: requests.Response, content: bytes) -> Exception:
        status = response.status_code
        if is_web_page(response.headers):
            return self._not_the_vendor(response)
        try:
            said = answers.decoded(_exact, content)
        except ValueError:
            said = None
        message = message_of(said) or content.decode(errors="replace")[:200] or "no message"
        if status in (401, 403):
            return VendorError(
                f"{self.title} refused the credentials (HTTP {status}: {message}). Set {self._setting('api_key')} "
                "(and its secret, where the vendor has one) to a key of this account that may read."
            )
        if 400 <= status < 500:
            return Refusal(status, message, said, response.headers)
        return VendorError(f"{self.title} answered {method} {path} with HTTP {status}, which is not in its contract.")

    def _unusable(self, method: str, path: str, problem: ValueError) -> VendorError:
        return VendorError(
            f"{self.title} at {self.base_url} answered {method} {path} with {problem}. No answer of its contract is "
            f"like that: see whether {self._setting('base_url or api_url')} is its API, and ask the vendor. Nothing of "
            "this load was kept."
        )

    def _not_the_vendor(self, response: requests.Response) -> VendorError:
        return VendorError(
            f"{self.base_url} answered HTTP {response.status_code} with a web page instead of JSON: something in front "
            f"of {self.title} answers (an edge that blocks this machine, a proxy), or "
            f"{self._setting('base_url or api_url')} is not its API."
        )

    def _setting(self, names: str) -> str:
        return " or ".join(f"SOURCES__{self.feed}__{self._prefix}{name}".upper() for name in names.split(" or "))


def is_web_page(headers: Mapping[str, str]) -> bool:
    """Whether the answer is a page for people, which no vendor's API sends: something in front of it answers."""
    return "html" in headers.get("Content-Type", "")


def _exact(content: bytes) -> Any:
    return json.loads(content, parse_float=Decimal)


def dumps(body: Any) -> str:
    """Compact JSON with Decimals as exact numbers; the same object gives the same text, so that it can be signed."""
    if isinstance(body, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{dumps(value)}" for key, value in body.items()) + "}"
    if isinstance(body, list | tuple):
        return "[" + ",".join(map(dumps, body)) + "]"
    return format(body, "f") if isinstance(body, Decimal) else json.dumps(body)


def wait_of(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait by the answer's own headers: Retry-After (seconds or an HTTP date), X-RateLimit-Reset (a moment
    in epoch seconds or milliseconds, or seconds from now) or RateLimit-Reset (seconds from now); None without any.

    A moment is meant by the vendor's clock, which the answer's Date shows; ours may differ from it."""
    now = now or date_of(headers) or datetime.now(UTC)
    if said := headers.get("Retry-After"):
        seconds = _number(said)
        if seconds is None:
            try:
                seconds = (parsedate_to_datetime(said) - now).total_seconds()
            except (TypeError, ValueError):
                return None
    elif (seconds := _number(headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset"))) is not None:
        if seconds > 1e11:
            seconds = seconds / 1000 - now.timestamp()
        elif seconds > 1e8:
            seconds -= now.timestamp()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT)


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """The instant at which the server says it answered (its Date header), in UTC."""
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return None


def message_of(body: Any) -> str | None:
    """What a vendor's error answer says, in the members vendors use for it."""
    if not isinstance(body, dict):
        return None
    for member in ("message", "description", "detail", "error", "errors", "title"):
        if said := body.get(member):
            return said if isinstance(said, str) else (message_of(said) or json.dumps(said, default=str)[:200])
    return None


def is_loopback(host: str | None) -> bool:
    if host is None or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
