"""The HTTP side of Chainalysis KYT: one client with a bounded connection pool, retries and clear errors.

Belongs here: how a request is made, repeated and given up. Which requests are made is `screening`'s business.
"""

import asyncio
import json
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from ingestion import answers
from ingestion.chainalysis.movements import plain
from ingestion.vendor import (
    FIRST_DELAY,
    LONGEST_DELAY,
    Refusal,
    VendorError,
    VendorUnavailable,
    is_loopback,
    is_web_page,
    message_of,
    wait_of,
)


class KytClient:
    """Requests against one KYT base URL, at most `concurrency` at a time. Use it as an async context manager."""

    def __init__(self, api_url: str, api_key: str | None, concurrency: int = 32, attempts: int = 7) -> None:
        if not api_key:
            raise VendorError(
                "Chainalysis KYT: no API key. Set SOURCES__CHAINALYSIS__API_KEY or sources.chainalysis.api_key."
            )
        self.base_url = api_url.rstrip("/")
        self._headers = {"Token": api_key, "Accept": "application/json", "Content-Type": "application/json"}
        self._concurrency, self._attempts = concurrency, attempts
        self._open_at = 0.0
        self.requests = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=self._concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=60, sock_connect=10),
            # A proxy of the environment is for the world outside, never for a server on this machine.
            trust_env=not is_loopback(URL(self.base_url).host),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def register(self, user_id: str, registration: bytes) -> bytes:
        """Registers a transfer; gives the 202 answer's body. Registering again is safe: the id is made from the
        transfer."""
        return await self._request("POST", f"/v2/users/{quote(user_id, safe='')}/transfers", registration)

    async def transfer(self, external_id: str, detail: str = "") -> bytes:
        """A transfer's summary, or its `exposures`, `alerts` or `network-identifications`."""
        return await self._request("GET", f"/v2/transfers/{quote(external_id, safe='')}" + (detail and f"/{detail}"))

    async def categories(self) -> bytes:
        return await self._request("GET", "/v2/categories")

    async def alert_list(self, limit: int, offset: int, **since: datetime) -> bytes:
        """A page of the v1 alerts list, of all of it or `since` a time (UTC) in `createdAt` or `alertStatusCreatedAt`.
        The first page of the vendor's default size is asked for by the bare path."""
        asked = {f"{name}_gte": f"{moment.isoformat(timespec='milliseconds')}Z" for name, moment in since.items()}
        if offset or asked:
            asked |= {"limit": str(limit), "offset": str(offset)}
        return await self._request("GET", "/v1/alerts/" + (asked and f"?{urlencode(asked)}" or ""))

    async def user_list(self, limit: int, offset: int) -> bytes:
        """A page of the v1 list of users."""
        return await self._request("GET", "/v1/users/" + _from(limit, offset))

    async def user(self, user_id: str) -> bytes:
        """What the vendor says of a user (v1)."""
        return await self._request("GET", f"/v1/users/{quote(user_id, safe='')}")

    async def list_of_user(self, user_id: str, name: str, limit: int, offset: int) -> bytes:
        """A page of a v1 list of one user: `transfers/received`, `transfers/sent`, `depositaddresses`,
        `withdrawaladdresses`."""
        return await self._request("GET", f"/v1/users/{quote(user_id, safe='')}/{name}" + _from(limit, offset))

    async def register_attempt(self, user_id: str, registration: bytes) -> bytes:
        """Registers a withdrawal attempt; gives the 202 answer's body. Registering again is safe, as for transfers."""
        return await self._request("POST", f"/v2/users/{quote(user_id, safe='')}/withdrawal-attempts", registration)

    async def attempt(self, external_id: str, detail: str = "") -> bytes:
        """A withdrawal attempt's summary, or its `exposures`, `alerts`, `high-risk-addresses` or
        `network-identifications`."""
        path = f"/v2/withdrawal-attempts/{quote(external_id, safe='')}"
        return await self._request("GET", path + (detail and f"/{detail}"))

    async def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        url, loop = URL(self.base_url + path, encoded=True), asyncio.get_running_loop()
        delay, trouble = FIRST_DELAY, ""
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            while (closed := self._open_at - loop.time()) > 0:
                await asyncio.sleep(closed)
            self.requests += 1
            try:
                async with self._session.request(method, url, data=body, allow_redirects=False) as response:
                    answer, status = await self._content(method, path, response), response.status
                    if 200 <= status < 300 and _is_json(response, answer):
                        if _is_whole(answer):
                            return answer
                        trouble = "an answer that is cut off"
                    else:
                        trouble = self._judge(method, path, response, answer)
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = f"{type(error).__name__}: {error}".rstrip(": ")
            else:
                if status == 429:
                    wait = wait_of(response.headers)
                    if wait is not None:
                        # Everyone waits: the limit is the account's, not the request's.
                        self._open_at, delay = max(self._open_at, loop.time() + wait), 0.0
        raise VendorUnavailable(
            f"Chainalysis KYT at {self.base_url} does not serve {method} {path} ({trouble}; {self._attempts} tries). "
            "See whether the vendor is up and reachable from here and whether SOURCES__CHAINALYSIS__API_URL is right. "
            "Nothing of this load was kept; the next run catches up."
        )

    async def _content(self, method: str, path: str, response: aiohttp.ClientResponse) -> bytes:
        body = answers.Body()
        try:
            async for part in response.content.iter_chunked(answers.CHUNK):
                body.add(part)
        except answers.TooLarge as problem:
            raise VendorError(
                f"Chainalysis KYT at {self.base_url} answered {method} {path} with {problem}. No answer of its "
                "contract is like that: see whether SOURCES__CHAINALYSIS__API_URL is right, and ask the vendor."
            ) from None
        return body.whole()

    def _judge(self, method: str, path: str, response: aiohttp.ClientResponse, answer: bytes) -> str:
        """What is wrong, where trying again may help. Raises VendorError or Refusal where it does not."""
        status = response.status
        if status == 429 or status >= 500:
            return f"HTTP {status}"
        if status == 403 and is_web_page(response.headers):
            return "HTTP 403 with a web page: something in front of the vendor blocks this machine"
        if "json" not in response.content_type:
            raise VendorError(
                f"{self.base_url}{path} answered HTTP {status} with {response.content_type or 'no content type'} "
                "instead of JSON: something in front of the vendor answers (an edge that blocks this machine, a "
                "proxy), or SOURCES__CHAINALYSIS__API_URL is not the KYT base (https://.../api/kyt)."
            )
        message = _message(answer)
        if status in (401, 403):
            raise VendorError(
                f"Chainalysis KYT refused the API key (HTTP {status}: {message}). "
                "Set SOURCES__CHAINALYSIS__API_KEY to a key of this account that may read and register transfers."
            )
        if 400 <= status < 500:
            raise Refusal(status, message)
        raise VendorError(f"Chainalysis KYT answered {method} {path} with HTTP {status}, which is not in its contract.")


def _from(limit: int, offset: int) -> str:
    """The query of a page; the first one of the vendor's default size is asked for by the bare path."""
    return f"?limit={limit}&offset={offset}" if offset else ""


def registration(
    network: str, asset: str, reference: str, direction: str, at: datetime, amount: Decimal | None
) -> bytes:
    """The body that registers a transfer; `at` is UTC, `amount` an exact number."""
    members = [
        f'"network":{json.dumps(network)}',
        f'"asset":{json.dumps(asset)}',
        f'"transferReference":{json.dumps(reference)}',
        f'"direction":{json.dumps(direction)}',
        f'"transferTimestamp":"{at.isoformat(timespec="milliseconds")}Z"',
    ]
    if amount is not None:
        members.append(f'"assetAmount":{plain(amount)}')
    return ("{" + ",".join(members) + "}").encode()


def _is_json(response: aiohttp.ClientResponse, answer: bytes) -> bool:
    return "json" in response.content_type or not answer  # which is not whole


def _is_whole(answer: bytes) -> bool:
    try:
        json.loads(answer)
    except RecursionError:
        return True  # and unreadable, which is the parser's to say
    except ValueError:
        return False
    return True


def _message(answer: bytes) -> str:
    try:
        said = answers.decoded(json.loads, answer)
    except ValueError:
        said = None
    return message_of(said) or answer.decode(errors="replace")[:200] or "no message"
