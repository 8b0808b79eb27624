"""The HTTP face of the vendor sandbox: dispatch, authentication, status codes, faults on demand.

Belongs here: what a client sees of HTTP. What is answered comes from `registry`, `lists` and `publications`.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from aiohttp import web

from sandbox.vendor import lists
from sandbox.vendor.answers import KytWorld
from sandbox.vendor.bitcoin_rpc import BITCOIN_RPC_PATH, BitcoinRpc
from sandbox.vendor.blockscout import BLOCKSCOUT_PATH, Blockscout
from sandbox.vendor.esplora import ESPLORA_PATH, Esplora
from sandbox.vendor.ethereum_rpc import ETHEREUM_RPC_PATH, EthereumRpc
from sandbox.vendor.etherscan import ETHERSCAN_PATH, Etherscan
from sandbox.vendor.publications import FILES, Publication
from sandbox.vendor.registry import Refused, Registry

KYT_PATH = "/api/kyt"
OFAC_PATH = "/api/PublicationPreview/exports"
STORAGE_PATH = "/ofac-storage"
TOKEN = "sandbox-kyt-key"
READY = "vendor sandbox listening on "

TRANSFER_DETAILS = {"exposures", "alerts", "network-identifications"}
ATTEMPT_DETAILS = {"", "exposures", "alerts", "network-identifications", "high-risk-addresses"}
REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
REASONS |= {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}


class Faults:
    """Every n-th KYT request answered with a fault instead: status -> n. 403 comes as an edge's HTML page, 429 with
    Retry-After."""

    def __init__(self, every: dict[int, int] | None = None) -> None:
        self.every = every or {}
        self.requests = 0

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """From `STATUS:EVERY` texts. Raises ValueError on anything else."""
        return cls({int(status): int(every) for status, _, every in (text.partition(":") for text in texts)})

    def next(self) -> web.Response | None:
        self.requests += 1
        for status, every in self.every.items():
            if self.requests % every == 0:
                return _fault(status)
        return None


def _fault(status: int) -> web.Response:
    if status == 403:
        page = "<html><head><title>403 Forbidden</title></head><body>Access denied.</body></html>"
        return web.Response(status=403, text=page, content_type="text/html")
    response = _error(status, "too many requests" if status == 429 else "try again later")
    if status == 429:
        response.headers["Retry-After"] = "1"
    return response


def _error(status: int, message: str) -> web.Response:
    return web.json_response(
        {"status": status, "error": REASONS.get(status, "Error"), "message": message}, status=status
    )


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


class Vendor:
    """The request handler over one sandbox world."""

    def __init__(self, world_dir: Path, token: str = TOKEN, faults: Faults | None = None) -> None:
        self.world = KytWorld(world_dir)
        self.registry = Registry(self.world)
        self.publication = Publication(world_dir)
        self.token = token
        self.faults = faults or Faults()
        self._mounts = {
            ETHEREUM_RPC_PATH: EthereumRpc(world_dir),
            BITCOIN_RPC_PATH: BitcoinRpc(world_dir),
            ESPLORA_PATH: Esplora(world_dir),
            ETHERSCAN_PATH: Etherscan(world_dir),
            BLOCKSCOUT_PATH: Blockscout(world_dir),
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        for prefix, mounted in self._mounts.items():
            if path == prefix or path.startswith(prefix + "/"):
                return await mounted(request)
        try:
            if path.startswith(KYT_PATH + "/"):
                return await self._kyt(request, path.removeprefix(KYT_PATH), query)
            if path.startswith((OFAC_PATH + "/", STORAGE_PATH + "/")):
                return self._ofac(request, path)
            raise Refused(404, f"no such end-point: {path}")
        except Refused as refusal:
            return _error(refusal.status, str(refusal))

    async def _kyt(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        token = request.headers.get("Token")
        if token != self.token:
            raise Refused(403, "the API key is not valid") if token else Refused(401, "header Token is missing")
        fault = self.faults.next()
        if fault is not None:
            return fault
        parts = path.split("/")[1:]
        if request.method == "GET":
            return _json(self._kyt_get(parts, query))
        if request.method == "POST" and len(parts) == 4 and parts[:2] == ["v2", "users"] and parts[2]:
            register = {
                "transfers": self.registry.register_transfer,
                "withdrawal-attempts": self.registry.register_attempt,
            }.get(parts[3])
            if register:
                return _json(register(unquote(parts[2]), await request.read()), status=202)
        raise Refused(405 if self._is_known(parts) else 404, f"{request.method} {path} is not served")

    def _kyt_get(self, parts: list[str], query: str) -> bytes:
        match parts:
            case ["v2", "transfers", external_id]:
                return self.registry.poll(external_id)
            case ["v2", "transfers", external_id, kind] if kind in TRANSFER_DETAILS:
                return self.registry.detail(external_id, kind)
            case ["v2", "categories"]:
                return self.world.categories
            case ["v1", "alerts"] | ["v1", "alerts", ""]:
                return lists.page(self.registry.listed_alerts(), query)
            case ["v2", "withdrawal-attempts", external_id]:
                return self.registry.attempt(external_id, "")
            case ["v2", "withdrawal-attempts", external_id, kind] if kind in ATTEMPT_DETAILS:
                return self.registry.attempt(external_id, kind)
            case ["v2", "users", _, "transfers" | "withdrawal-attempts"]:
                raise Refused(405, "register with POST")
        raise Refused(404, f"no such end-point: {KYT_PATH}/{'/'.join(parts)}")

    @staticmethod
    def _is_known(parts: list[str]) -> bool:
        return parts[:2] in (["v2", "transfers"], ["v2", "categories"], ["v2", "withdrawal-attempts"], ["v1", "alerts"])

    def _ofac(self, request: web.BaseRequest, path: str) -> web.Response:
        name = path.rpartition("/")[2].lower()
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "publications are read with GET")
        if name not in FILES or name not in self.publication.files:
            raise Refused(404, f"no such publication: {name}")
        if path.startswith(OFAC_PATH):
            return web.Response(status=302, headers={"Location": f"{STORAGE_PATH}/{name}"})
        headers = {"ETag": self.publication.etags[name], "Last-Modified": self.publication.last_modified}
        if self.publication.is_unchanged(
            name, request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        ):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.publication.files[name], content_type="text/csv", headers=headers)


@asynccontextmanager
async def running(handler: web.RequestHandler, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves `handler` while the context lasts; gives the root URL. Port 0 takes a free one."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = site._server.sockets[0].getsockname()[1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


@contextmanager
def in_thread(handler: web.RequestHandler) -> Iterator[str]:
    """Serves `handler` on a free loopback port from a thread of this process while the context lasts; gives the root
    URL. Starts at once, where `process.start` needs a second; the server shares this process's interpreter lock."""
    started: Future[tuple[str, asyncio.AbstractEventLoop]] = Future()
    done = asyncio.Event()

    async def serve_until_done() -> None:
        try:
            async with running(handler) as url:
                started.set_result((url, asyncio.get_running_loop()))
                await done.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=asyncio.run, args=(serve_until_done(),), daemon=True)
    thread.start()
    url, loop = started.result(timeout=30)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


def run_until_told(handler: web.RequestHandler, host: str, port: int, ready: str, exit_with_stdin: bool) -> None:
    """Serves until SIGINT or SIGTERM, or, with `exit_with_stdin`, until standard input closes or the parent is gone.
    Prints `ready` and the root URL as its first line."""

    async def until_told() -> None:
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, told.set)
        async with running(handler, host, port) as url:
            print(f"{ready}{url}", flush=True)
            if exit_with_stdin:
                loop.add_reader(sys.stdin.fileno(), lambda: sys.stdin.buffer.read1(1024) or told.set())
            parent = os.getppid()
            while not told.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), timeout=1)
                # A sibling forked by the parent can keep the pipe open, so the parent itself is watched as well.
                if exit_with_stdin and os.getppid() != parent:
                    return

    asyncio.run(until_told())


def serve(
    world_dir: str | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    token: str = TOKEN,
    faults: Faults | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Serves the world until interrupted. Raises FileNotFoundError if the world has no vendor files."""
    run_until_told(Vendor(Path(world_dir), token, faults), host, port, READY, exit_with_stdin)
