"""Chainalysis Address Screening and the free sanctions API as a client sees them.

Belongs here: paths, keys, limits and answers about addresses. The world knows the addresses that its exchange paid; any
other address is one that the vendor has nothing on. Answers are dated by the world, as its newest transfer is.
"""

from datetime import UTC
from email.utils import format_datetime
from urllib.parse import unquote

from aiohttp import web

from sandbox.vendor import answers
from sandbox.vendor.answers import KytWorld, Transfer
from sandbox.vendor.kyt import TOKEN

RISK_PATH = "/api/risk"
SANCTIONS_PATH = "/api/v1/address"
SANCTIONS_KEY = "sandbox-sanctions-key"

_RISKS = {"child abuse material": "Severe", "sanctioned entity": "Severe", "terrorist financing": "Severe"}
_RISKS |= {"ransomware": "Severe", "stolen funds": "High", "darknet market": "High", "mixing": "High", "scam": "Medium"}


class Risk:
    """Both products over one sandbox world."""

    def __init__(self, world: KytWorld, token: str = TOKEN) -> None:
        self.world, self.token = world, token
        self.registered: set[str] = set()
        newest = max((t.updated_at for t in self.world.paid.values() if t.updated_at), default=None)
        self._date = format_datetime(newest.replace(tzinfo=UTC, microsecond=0), usegmt=True) if newest else None

    async def risk(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        """`POST /v2/entities` and `GET /v2/entities/{address}`, with the account's key in Token."""
        given = request.headers.get("Token")
        if given != self.token:
            return _error(path, 403 if given else 401, "the API key is not valid")
        if request.method == "POST" and path == "/v2/entities":
            try:
                address = (await request.json())["address"]
            except (KeyError, TypeError, ValueError):
                return _error(path, 400, "address is required")
            self.registered.add(address)
            return self._answer({"address": address}, 201)
        if request.method == "GET" and path.startswith("/v2/entities/") and path.count("/") == 3:
            return self._answer(self._entity(unquote(path.rpartition("/")[2])))
        return _error(path, 404, "not found")

    async def sanctions(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        """`GET /api/v1/address/{address}` with X-API-Key."""
        if request.headers.get("X-API-Key") != SANCTIONS_KEY:
            return _error(path, 403, "Forbidden")
        known = self.world.paid.get(unquote(path.removeprefix("/")))
        named = known is not None and self._category(known) == "sanctioned entity"
        listed = {
            "category": "sanctions",
            "name": f"SANCTIONS: {known.direct_name}" if named else None,
            "description": "An invented entry of an invented list.",
            "url": "https://sanctions.example",
        }
        return self._answer({"identifications": [listed] if named else []})

    def _entity(self, address: str) -> dict:
        known = self.world.paid.get(address)
        category = known and self._category(known)
        if not category:
            nothing = {"risk": "Low", "riskReason": None, "cluster": None, "addressIdentifications": []}
            return {"address": address, **nothing, "exposures": [], "triggers": [], "status": "COMPLETE"}
        risk = _RISKS.get(category, "Low")
        entry = {"name": known.direct_name, "category": category, "description": "An invented service."}
        exposure = {"category": category, "value": 1234.5, "exposureType": "direct", "direction": "incoming"}
        rule = {
            "risk": risk,
            "minThreshold": 0,
            "maxThreshold": None,
            "exposureType": "direct",
            "direction": "incoming",
        }
        trigger = {"category": category, "percentage": 100.0, "message": "exposure", "ruleTriggered": rule}
        return {
            "address": address,
            "risk": risk,
            "riskReason": f"Identified as {category}",
            "cluster": {"name": known.direct_name, "category": category},
            "addressIdentifications": [entry],
            "exposures": [exposure],
            "triggers": [] if risk == "Low" else [trigger],
            "status": "COMPLETE",
        }

    def _category(self, transfer: Transfer) -> str | None:
        return self.world.category_names.get(transfer.category_id) if transfer.category_id else None

    def _answer(self, body: dict, status: int = 200) -> web.Response:
        return web.json_response(body, status=status, headers={"Date": self._date} if self._date else None)


def _error(path: str, status: int, message: str) -> web.Response:
    said = {
        "timestamp": None,
        "path": path,
        "status": status,
        "error": message,
        "requestId": answers.name_based_id(path),
    }
    return web.json_response(said | {"message": message}, status=status)
