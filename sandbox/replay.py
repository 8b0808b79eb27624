"""Replays recorded vendor exchanges (VCR cassettes) on loopback: the same requests get the same answers.

Belongs here: reading cassettes and answering exactly what they hold, status, content type and body. A request that was
not recorded gets 404 and a list of what was: nothing is made up.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import yaml
from aiohttp import web

from sandbox.vendor.process import ServerProcess
from sandbox.vendor.process import start as start_process
from sandbox.vendor.server import READY, run_until_told

IDENTIFYING = ("transferReference", "direction", "address", "attemptIdentifier")
"""Members of a request body that tell two registrations on one path apart; the rest may differ (a client may send
optional members that the recording one did not)."""


class Recorded(NamedTuple):
    """One recorded exchange: the request that it answers and the answer."""

    cassette: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    asked: frozenset[tuple[str, str]]
    status: int
    content_type: str | None
    body: bytes


def read(cassette_dir: str | Path) -> list[Recorded]:
    """All exchanges of the `*.yml` cassettes below the folder, sorted by path. Raises FileNotFoundError if none."""
    folder = Path(cassette_dir)
    recorded = [
        _recorded(str(path.relative_to(folder)), interaction)
        for path in sorted(folder.rglob("*.yml"))
        for interaction in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("http_interactions", [])
    ]
    if not recorded:
        raise FileNotFoundError(f"no VCR cassette (*.yml with http_interactions) lies below {folder}")
    return recorded


def _recorded(cassette: str, interaction: dict) -> Recorded:
    request, response = interaction["request"], interaction["response"]
    uri = urlsplit(request["uri"])
    content_types = response["headers"].get("Content-Type") or [None]
    return Recorded(
        cassette=cassette,
        method=request["method"].upper(),
        path=uri.path,
        query=tuple(sorted(parse_qsl(uri.query, keep_blank_values=True))),
        asked=_identity(request["body"]["string"]),
        status=response["status"]["code"],
        content_type=content_types[0],
        body=response["body"]["string"].encode(),
    )


def _identity(body: str | bytes) -> frozenset[tuple[str, str]]:
    try:
        parsed = json.loads(body or "null")
    except ValueError:
        return frozenset()
    items = parsed if isinstance(parsed, list) else [parsed]
    return frozenset(
        (name, str(item[name])) for item in items if isinstance(item, dict) for name in IDENTIFYING if name in item
    )


class Replay:
    """The request handler over a folder of cassettes; a request without the vendor's key header gets 401, as theirs."""

    def __init__(self, cassette_dir: str | Path) -> None:
        self.recorded = read(cassette_dir)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, raw_query = request.raw_path.partition("?")
        query = tuple(sorted(parse_qsl(raw_query, keep_blank_values=True)))
        if not request.headers.get("Token"):
            return self._refuse(401, "header Token is missing")
        candidates = [
            one for one in self.recorded if (one.method, one.path, one.query) == (request.method, path, query)
        ]
        asked = _identity(await request.read())
        for one in candidates:
            if one.asked == asked:
                return web.Response(status=one.status, body=one.body, headers=_content_type(one))
        return self._refuse(404, f"{request.method} {request.raw_path} was not recorded")

    def _refuse(self, status: int, message: str) -> web.Response:
        recorded = [
            {"method": one.method, "path": one.path, "query": dict(one.query), "body": dict(sorted(one.asked))}
            for one in self.recorded
        ]
        return web.json_response({"status": status, "message": message, "recorded": recorded}, status=status)


def _content_type(one: Recorded) -> dict[str, str]:
    return {"Content-Type": one.content_type} if one.content_type else {}


def serve(cassette_dir: str | Path, host: str = "127.0.0.1", port: int = 0, *, exit_with_stdin: bool = False) -> None:
    """Serves the cassettes until interrupted."""
    run_until_told(Replay(cassette_dir), host, port, READY, exit_with_stdin)


def start(cassette_dir: str | Path, *, port: int = 0) -> ServerProcess:
    """Serves the cassettes from a child process that ends with this one; any non-empty key is accepted."""
    return start_process(cassette_dir, port=port, module="sandbox.replay")


def main() -> None:
    """The command line of `python -m sandbox.replay`."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.replay", description=__doc__)
    parser.add_argument("cassette_dir", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    serve(arguments.cassette_dir, arguments.host, arguments.port, exit_with_stdin=arguments.exit_with_stdin)


if __name__ == "__main__":
    main()
