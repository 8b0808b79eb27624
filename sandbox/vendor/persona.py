"""Persona over one sandbox world: inquiries and reports by cursor in JSON:API, with the vendor's rate limit headers.

Belongs here: the vendor's contract (bearer key, cursors as relative links, page sizes, limits, error members).
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote

from aiohttp import web

from sandbox.vendor.customers import Customer, customers
from sandbox.vendor.faults import Shown, everything

PERSONA_PATH = "/persona/api/v1"
KEY = "persona_sandbox_key"
MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE, LIMIT, WINDOW_SECONDS = 100, 10, 300, 60
_CLASSES = {"passport": "pp", "id_card": "id", "driving_licence": "dl"}
_STATUSES = {"approved": "approved", "rejected": "declined", "pending": "pending"}


class Persona:
    """The request handler. `limit` requests a minute are answered; `added_fields` serves members that no
    documentation names."""

    def __init__(
        self, world_dir: Path, added_fields: bool = False, limit: int = 100_000, shown: Shown = everything
    ) -> None:
        self._world_dir, self._added_fields, self._limit, self._shown = world_dir, added_fields, limit, shown
        self._lists: dict[str, list[dict]] | None = None
        self._window, self._used = 0.0, 0

    @property
    def lists(self) -> dict[str, list[dict]]:
        """Inquiries and reports, the newest first."""
        if self._lists is None:
            self._customers = {f"inq_{c.digest[:24]}": c for c in customers(self._world_dir, "persona")[::-1]}
            known = self._customers.values()
            reports = [report for customer in known for report in _reports(customer)]
            self._lists = {"inquiries": [self._inquiry(customer) for customer in known], "reports": reports}
        return self._lists

    async def __call__(self, request: web.BaseRequest, _path: str = "", _query: str = "") -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "Must be authenticated to access this endpoint", {})
        headers = self._rate()
        if int(headers["RateLimit-Remaining"]) < 0:
            return _error(429, "Too many requests", headers | {"RateLimit-Remaining": "0"})
        path, _, query = request.raw_path.removeprefix(PERSONA_PATH).partition("?")
        match path.strip("/").split("/"):
            case [name] if name in self.lists and request.method == "GET":
                asked = {key: values[0] for key, values in parse_qs(query).items()}
                return self._page(name, asked, headers)
            case ["inquiries", inquiry_id] if request.method == "GET":
                return self._one(unquote(inquiry_id), headers)
        return _error(404, "Record not found", headers)

    def _rate(self) -> dict[str, str]:
        now = time.monotonic()
        if now - self._window > WINDOW_SECONDS:
            self._window, self._used = now, 0
        self._used += 1
        reset = max(1, round(self._window + WINDOW_SECONDS - now)) if self._limit >= LIMIT else 1
        if self._limit < LIMIT and self._used > self._limit:
            self._window = 0.0  # a small limit is a test's: it may go on after a second
        remaining = self._limit - self._used
        return {
            "RateLimit-Limit": str(self._limit),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(reset),
        }

    def _page(self, name: str, asked: dict[str, str], headers: dict[str, str]) -> web.Response:
        size = asked.get("page[size]", str(DEFAULT_PAGE_SIZE))
        if not size.isdecimal() or not 1 <= int(size) <= MAX_PAGE_SIZE:
            return _error(400, f"page[size] must be between 1 and {MAX_PAGE_SIZE}", headers)
        every, start = self.lists[name], 0
        if after := asked.get("page[after]"):
            start = next((number for number, one in enumerate(every, 1) if one["id"] == after), None)
            if start is None:
                return _error(400, "page[after] is not a cursor", headers)
        every = self._shown(every, start, int(size))
        page, following = every[start : start + int(size)], None
        if start + int(size) < len(every):
            cursor = quote(page[-1]["id"], safe="")
            following = f"{PERSONA_PATH}/{name}?page%5Bafter%5D={cursor}&page%5Bsize%5D={size}"
        return web.json_response({"data": page, "links": {"prev": None, "next": following}}, headers=headers)

    def _one(self, inquiry_id: str, headers: dict[str, str]) -> web.Response:
        found = next((one for one in self.lists["inquiries"] if one["id"] == inquiry_id), None)
        if found is None:
            return _error(404, "Record not found", headers)
        answer = {"data": found, "included": [_verification(self._customers[inquiry_id])]}
        return web.json_response(answer, headers=headers)

    def _inquiry(self, customer: Customer) -> dict:
        decided = _iso(customer.reviewed_at) if customer.is_decided else None
        attributes = {
            "status": _STATUSES[customer.status],
            "reference-id": customer.party_id,
            "note": None,
            "tags": ["forged-document"] if customer.status == "rejected" else [],
            "created-at": _iso(customer.opened_at),
            "updated-at": _iso(customer.reviewed_at),
            "completed-at": decided,
            "decisioned-at": decided,
            "fields": {
                "name-first": {"type": "string", "value": customer.first_name},
                "name-last": {"type": "string", "value": customer.last_name},
                "birthdate": {"type": "date", "value": customer.birth_date},
                "address-country-code": {"type": "string", "value": customer.country},
            },
        }
        if self._added_fields:
            attributes["something-new"] = {"score": 0.5}
        return {"type": "inquiry", "id": f"inq_{customer.digest[:24]}", "attributes": attributes, "relationships": {}}


def _verification(customer: Customer) -> dict:
    return {
        "type": "verification/government-id",
        "id": f"ver_{customer.digest[24:48]}",
        "attributes": {
            "status": "passed" if customer.status == "approved" else "submitted",
            "id-class": _CLASSES[customer.document],
            "country-code": customer.country,
            "issue-date": customer.issued.isoformat(),
            "expiration-date": customer.expires.isoformat(),
            "identification-number": f"SYN{customer.digest[40:47].upper()}",
        },
    }


def _reports(customer: Customer) -> list[dict]:
    kinds = {"report/watchlist": False, "report/politically-exposed-person": customer.is_pep}
    return [
        {
            "type": kind,
            "id": f"rep_{customer.uuid(kind).replace('-', '')[:24]}",
            "attributes": {
                "status": "ready",
                "has-match": has_match,
                "created-at": _iso(customer.opened_at),
                "completed-at": _iso(customer.reviewed_at),
            },
            "relationships": {"inquiry": {"data": {"type": "inquiry", "id": f"inq_{customer.digest[:24]}"}}},
        }
        for kind, has_match in kinds.items()
    ]


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds") + "Z"


def _error(status: int, title: str, headers: dict[str, str]) -> web.Response:
    return web.json_response({"errors": [{"title": title}]}, status=status, headers=headers)
