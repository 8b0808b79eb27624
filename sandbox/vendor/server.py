"""The vendor sandbox as a server: which vendor answers below which path, and how the server runs.

A vendor is one module of this package with one handler, mounted here with one line. Belongs here: mounting, starting,
stopping. Not here: what a vendor answers (its module) and what goes wrong on demand (`faults`).
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path

from aiohttp import web

from sandbox.vendor import marble, unit21
from sandbox.vendor.bitcoin_rpc import BITCOIN_RPC_PATH, BitcoinRpc
from sandbox.vendor.blockscout import BLOCKSCOUT_PATH, Blockscout
from sandbox.vendor.elliptic import ELLIPTIC_PATH, Elliptic
from sandbox.vendor.esplora import ESPLORA_PATH, Esplora
from sandbox.vendor.ethereum_rpc import ETHEREUM_RPC_PATH, EthereumRpc
from sandbox.vendor.etherscan import ETHERSCAN_PATH, Etherscan
from sandbox.vendor.events import EVENTS_PATH, Events
from sandbox.vendor.faults import (
    CONTROL_PATH,
    Faults,
    Limit,
    ok_but_limited,
    reset_at,
    reset_in,
    retry_after,
    retry_after_date,
)
from sandbox.vendor.kyt import KYT_PATH, TOKEN, Kyt
from sandbox.vendor.onfido import ONFIDO_PATH, Onfido
from sandbox.vendor.persona import PERSONA_PATH, Persona
from sandbox.vendor.publications import PATHS, ListFaults, Publications
from sandbox.vendor.risk import RISK_PATH, SANCTIONS_PATH, Risk
from sandbox.vendor.sumsub import SUMSUB_PATH, Sumsub
from sandbox.vendor.trm import TRM_PATH, Trm
from sandbox.vendor.yente import YENTE_PATH, Yente

READY = "vendor sandbox listening on "

Handler = Callable[[web.BaseRequest, str, str], Awaitable[web.StreamResponse]]
"""Answers a request: the request as it came, its path below the mount, its query string."""


class Vendor:
    """All vendors of one sandbox world behind one address. Each is mounted under its own path prefix, with the faults
    in front of it; `GET` and `PUT /sandbox/faults` read and set those while the server runs, and `POST /sandbox/events`
    makes something happen."""

    def __init__(
        self, world_dir: Path, token: str = TOKEN, faults: Faults | None = None, list_faults: ListFaults | None = None
    ) -> None:
        self.token, self.faults = token, faults or Faults()
        self._mounts: dict[str, tuple[Callable[[], Handler], Limit]] = {}
        kyt, shown = Kyt(world_dir, token, self.faults), self.faults.held_back
        self.registry = kyt.registry
        self.mount(KYT_PATH, lambda: kyt)
        self.mount(RISK_PATH, lambda: Risk(kyt.world, token).risk)
        self.mount(SANCTIONS_PATH, lambda: Risk(kyt.world, token).sanctions)
        self.mount(TRM_PATH, lambda: Trm(world_dir))
        self.mount(ELLIPTIC_PATH, lambda: Elliptic(world_dir, clock=self.faults.clock), reset_at)
        self.mount(marble.PATH, lambda: marble.Marble(world_dir, shown=shown))
        self.mount(unit21.PATH, lambda: unit21.Unit21(world_dir, shown=shown))
        self.mount(SUMSUB_PATH, lambda: Sumsub(world_dir, clock=self.faults.clock))
        self.mount(ONFIDO_PATH, lambda: Onfido(world_dir, shown=shown))
        self.mount(PERSONA_PATH, lambda: Persona(world_dir, shown=shown), reset_in)
        self.mount(ETHEREUM_RPC_PATH, lambda: EthereumRpc(world_dir))
        self.mount(BITCOIN_RPC_PATH, lambda: BitcoinRpc(world_dir))
        self.mount(ESPLORA_PATH, lambda: Esplora(world_dir, shown=shown))
        self.mount(ETHERSCAN_PATH, lambda: Etherscan(world_dir), ok_but_limited)
        self.mount(BLOCKSCOUT_PATH, lambda: Blockscout(world_dir, shown=shown))
        self.publications = Publications(world_dir, list_faults)
        self.mount(YENTE_PATH, lambda: Yente(self.publications))
        self.events = Events(kyt.registry, self._handlers)
        for path in PATHS:
            self.mount(path, lambda: self.publications, retry_after_date)

    def mount(self, prefix: str, make: Callable[[], Handler], limit: Limit = retry_after) -> None:
        """Serves every path below `prefix` with the handler that `make` gives when the first request comes. `limit`
        makes the vendor's own answer to too many requests, given the seconds to wait and the server's time."""
        self._mounts[prefix] = cache(make), limit

    def mounted(self, prefix: str) -> Handler:
        """The handler that serves what is below `prefix`."""
        return self._mounts[prefix][0]()

    def _handlers(self) -> list[Handler]:
        """Every handler, each once."""
        return list({id(one): one for one in (made() for made, _ in self._mounts.values())}.values())

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path == CONTROL_PATH:
            return await self.faults.control(request)
        if path == EVENTS_PATH:
            return await self.events.control(request)
        prefix = max((one for one in self._mounts if f"{path}/".startswith(f"{one}/")), key=len, default=None)
        if prefix is None:
            return web.json_response({"status": 404, "message": f"no such end-point: {path}"}, status=404)
        handler, limit = self._mounts[prefix]
        return await self.faults.serve(request, lambda: handler()(request, path.removeprefix(prefix), query), limit)


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
    list_faults: ListFaults | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Serves the world until interrupted. Raises FileNotFoundError if the world has no vendor files."""
    run_until_told(Vendor(Path(world_dir), token, faults, list_faults), host, port, READY, exit_with_stdin)
