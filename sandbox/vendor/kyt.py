"""Chainalysis KYT as a client sees it: dispatch, authentication, status codes.

Belongs here: what a client sees of HTTP. What is answered comes from `registry`, `lists` and `answers`.
"""

from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from sandbox.vendor import lists
from sandbox.vendor.answers import KytWorld
from sandbox.vendor.faults import Faults
from sandbox.vendor.kyt_users import ADDRESSES, Users
from sandbox.vendor.registry import Refused, Registry

KYT_PATH = "/api/kyt"
TOKEN = "sandbox-kyt-key"

TRANSFER_DETAILS = {"exposures", "alerts", "network-identifications"}
ATTEMPT_DETAILS = {"", "exposures", "alerts", "network-identifications", "high-risk-addresses"}
REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}


class Kyt:
    """The request handler over the KYT results of one sandbox world."""

    def __init__(self, world_dir: Path, token: str, faults: Faults) -> None:
        self.world = KytWorld(world_dir)
        self.registry = Registry(self.world)
        self.token, self.faults = token, faults
        self.users = Users(self.registry, faults.held_back)

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        try:
            token = request.headers.get("Token")
            if token != self.token:
                raise Refused(403, "the API key is not valid") if token else Refused(401, "header Token is missing")
            return await self._answer(request, path, query)
        except Refused as refusal:
            said = {"status": refusal.status, "error": REASONS.get(refusal.status, "Error"), "message": str(refusal)}
            return web.json_response(said, status=refusal.status)

    async def _answer(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        parts = path.split("/")[1:]
        if request.method == "GET":
            return _json(self._get(parts, query))
        if request.method == "POST" and len(parts) == 4 and parts[:2] == ["v2", "users"] and parts[2]:
            register = {
                "transfers": self.registry.register_transfer,
                "withdrawal-attempts": self.registry.register_attempt,
            }.get(parts[3])
            if register:
                return _json(register(unquote(parts[2]), await request.read()), status=202)
        match request.method, parts:
            case "POST", ["v1", "users", user, name] if name in ADDRESSES:
                return _json(self.users.register(unquote(user), name, await request.read()))
            case "DELETE", ["v1", "users", user, name, asset, address] if name in ADDRESSES:
                return _json(self.users.forget(*map(unquote, (user, name, asset, address))))
        raise Refused(405 if self._is_known(parts) else 404, f"{request.method} {path} is not served")

    def _get(self, parts: list[str], query: str) -> bytes:
        match parts:
            case ["v2", "transfers", external_id]:
                return self.registry.poll(external_id)
            case ["v2", "transfers", external_id, kind] if kind in TRANSFER_DETAILS:
                return self.registry.detail(external_id, kind)
            case ["v2", "categories"]:
                return self.world.categories
            case ["v1", "alerts"] | ["v1", "alerts", ""]:
                return lists.page(self.registry.listed_alerts(), query, self.faults.held_back)
            case ["v1", "users", *behind]:
                return self.users.get([unquote(part) for part in behind], query)
            case ["v2", "withdrawal-attempts", external_id]:
                return self.registry.attempt(external_id, "")
            case ["v2", "withdrawal-attempts", external_id, kind] if kind in ATTEMPT_DETAILS:
                return self.registry.attempt(external_id, kind)
            case ["v2", "users", _, "transfers" | "withdrawal-attempts"]:
                raise Refused(405, "register with POST")
        raise Refused(404, f"no such end-point: {KYT_PATH}/{'/'.join(parts)}")

    @staticmethod
    def _is_known(parts: list[str]) -> bool:
        known = ["v2/transfers", "v2/categories", "v2/withdrawal-attempts", "v1/alerts", "v1/users"]
        return "/".join(parts[:2]) in known


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
